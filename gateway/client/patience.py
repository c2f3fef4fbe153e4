"""How long the client goes on: what it waits between two attempts, and when it stops."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
from tenacity import RetryCallState, Retrying, wait_random, wait_random_exponential

from gateway.client.errors import ClientError, InFlightError

_LOG = logging.getLogger(__name__)
_JITTER = 0.1


class Patience(msgspec.Struct, frozen=True):
    """``attempts`` and ``total_seconds`` bound what one call may cost, the first attempt and all
    waiting included. Waits grow from ``first_wait`` to ``longest_wait``, at random within that, so
    that many clients do not come back at the same moment. Where the gateway says when to come
    (Retry-After), that counts instead; where it says later than ``longest_wait``, the call ends
    at once: never is the gateway asked earlier than it said, nor the caller kept longer."""

    attempts: int = 6
    total_seconds: float = 180
    first_wait: float = 0.5
    longest_wait: float = 60


ONCE = Patience(attempts=1, total_seconds=0)


class Clock(msgspec.Struct, frozen=True):
    """Time, as the client sees it; tests put their own in its place."""

    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


def make_retrying(
    patience: Patience, clock: Clock, may_retry: Callable[[BaseException], bool], what: str
) -> Retrying:
    """Calls again while ``may_retry`` says so of the error and patience lasts, then raises the
    last error."""

    def asks_again(state: RetryCallState) -> bool:
        error = _find_error(state)
        return error is not None and may_retry(error)

    return Retrying(
        sleep=clock.sleep,
        retry=asks_again,
        wait=_Wait(patience),
        stop=_Stop(patience, clock),
        before_sleep=lambda state: _tell(state, what),
        reraise=True,
    )


class _Wait:
    def __init__(self, patience: Patience) -> None:
        self._grow = wait_random_exponential(patience.first_wait, max=patience.longest_wait)

    def __call__(self, state: RetryCallState) -> float:
        asked = _find_asked(state)
        if asked is None:
            return self._grow(state)
        return asked + wait_random(0, max(asked, 1) * _JITTER)(state)


class _Stop:
    """Counts only attempts that failed: a request that is being worked on is waited for as long
    as the time lasts."""

    def __init__(self, patience: Patience, clock: Clock) -> None:
        self._patience, self._clock = patience, clock
        self._began, self._failed = clock.now(), 0

    def __call__(self, state: RetryCallState) -> bool:
        self._failed += not isinstance(_find_error(state), InFlightError)
        spent = self._clock.now() - self._began
        return (
            self._failed >= self._patience.attempts
            or (_find_asked(state) or 0) > self._patience.longest_wait
            or spent + state.upcoming_sleep > self._patience.total_seconds
        )


def _find_error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _find_asked(state: RetryCallState) -> float | None:
    error = _find_error(state)
    return error.told.retry_after if isinstance(error, ClientError) else None


def _tell(state: RetryCallState, what: str) -> None:
    _LOG.info("%s: %s; asks again in %.1f s", what, _find_error(state), state.upcoming_sleep)


def parse_retry_after(text: str | None, now: float) -> float | None:
    """Seconds from ``now``, of a number of seconds or an HTTP date; None for anything else."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    # An HTTP date is in GMT; one without a zone is read as such.
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.fromtimestamp(now, UTC)).total_seconds())

"""Limits of a source: requests, records and bytes a minute. Counted in this process, and told to
the others through the database about once a second: a source can go beyond by what the processes
let in between two tellings, never by more."""

import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

from gateway.bootstrap import Gateway
from gateway.config import Settings
from schemas.identity import WINDOW_SECONDS, Usage, begin_window

Policy = Literal["requests", "records", "bytes"]

# A day: what is shown of it (``source usage``), and the least that is kept.
KEPT_SECONDS: Final = 24 * 60 * 60
_COUNTS: Final = (*get_args(Policy), "refused")
_REFUSED: Final = _COUNTS.index("refused")
# draft-ietf-httpapi-ratelimit-headers-11 (2026-05): the unit is "requests" unless "qu" says
# otherwise. It names "content-bytes"; "records" is ours.
_UNITS: Final[dict[Policy, str]] = {
    "requests": "",
    "records": ';qu="records"',
    "bytes": ';qu="content-bytes"',
}
# Of a source, in the window that began then.
_Place = tuple[str, int]
_Tally = defaultdict[_Place, list[int]]


class Quota(msgspec.Struct, frozen=True):
    """Whether a request may go on, and the headers that tell where its source stands. Where not,
    ``policy`` is the limit that is used up, and the headers say when to come again."""

    allowed: bool
    headers: dict[str, str]
    policy: Policy | None = None


class Meter:
    """Thread-safe; one a process. A request is let in while something is left of each limit: what
    a big one takes beyond is not held against the next minute."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        given: dict[Policy, int] = {
            "requests": settings.max_requests_per_minute,
            "records": settings.max_records_per_minute,
            "bytes": settings.max_bytes_per_minute,
        }
        self._limits = {policy: limit for policy, limit in given.items() if limit}
        self._policies = ", ".join(
            f'"{policy}";q={limit}{_UNITS[policy]};w={WINDOW_SECONDS}'
            for policy, limit in self._limits.items()
        )
        self._kept_seconds = settings.keep_usage_days * KEPT_SECONDS
        self._now = now
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        # What the database was told by anybody, as far as we know, and what it was not told yet.
        self._told: _Tally = defaultdict(_make_zeros)
        self._untold: _Tally = defaultdict(_make_zeros)
        self._pruned = 0

    def take(
        self,
        source_id: str,
        *,
        requests: int = 1,
        records: int = 0,
        bytes: int = 0,  # noqa: A002 - the word of the policy
    ) -> Quota:
        """Counts a request, or refuses it and counts that."""
        asked = (requests, records, bytes)
        now = int(self._now().timestamp())
        place = (source_id, begin_window(now))
        with self._lock:
            used, untold = self._add_up(place), self._untold[place]
            for policy, limit in self._limits.items():
                at = _COUNTS.index(policy)
                if asked[at] and used[at] >= limit:
                    untold[_REFUSED] += 1
                    return self._tell(used, now, policy)
            for at, number in enumerate(asked):
                untold[at] += number
            return self._tell(self._add_up(place), now)

    def add(
        self,
        source_id: str,
        *,
        records: int = 0,
        bytes: int = 0,  # noqa: A002 - the word of the policy
    ) -> None:
        """Counts what a request turned out to hold, once it was let in."""
        place = (source_id, begin_window(int(self._now().timestamp())))
        with self._lock:
            untold = self._untold[place]
            untold[_COUNTS.index("records")] += records
            untold[_COUNTS.index("bytes")] += bytes

    def refuse(self, source_id: str) -> None:
        """Counts an attempt that was refused for another reason: outside the source's grants."""
        place = (source_id, begin_window(int(self._now().timestamp())))
        with self._lock:
            self._untold[place][_REFUSED] += 1

    def flush(self, gateway: Gateway) -> None:
        """Tells the others what was counted since the last time, and learns what they counted.
        Where that fails, it is told the next time."""
        window = begin_window(int(self._now().timestamp()))
        with self._flushing:
            counted = self._take_untold(window)
            if not counted:
                return
            try:
                totals = self._exchange(gateway, counted, window)
            except BaseException:
                self._give_back(counted)
                raise
            self._learn(totals, window)

    def _exchange(self, gateway: Gateway, counted: _Tally, window: int) -> list[Usage]:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            if self._pruned != window:
                work.usage.prune(window - self._kept_seconds)
                self._pruned = window
            return work.usage.add([_make_usage(*one) for one in counted.items()])

    def _take_untold(self, window: int) -> _Tally:
        with self._lock:
            counted, self._untold = self._untold, defaultdict(_make_zeros)
            for place in [place for place in self._told if place[1] != window]:
                del self._told[place]
            _add(self._told, counted, 1)
            return counted

    def _give_back(self, counted: _Tally) -> None:
        with self._lock:
            _add(self._told, counted, -1)
            _add(self._untold, counted, 1)

    def _learn(self, totals: list[Usage], window: int) -> None:
        with self._lock:
            for total in totals:
                if total.window == window:
                    numbers = [getattr(total, name) for name in _COUNTS]
                    self._told[total.source_id, window] = numbers

    def _add_up(self, place: _Place) -> list[int]:
        told = self._told.get(place)
        if told is None:
            return self._untold[place]
        return [one + other for one, other in zip(told, self._untold[place], strict=True)]

    def _tell(self, used: list[int], now: int, policy: Policy | None = None) -> Quota:
        if not self._limits:
            return Quota(allowed=True, headers={})
        seconds = begin_window(now) + WINDOW_SECONDS - now
        left = ", ".join(
            f'"{name}";r={max(0, limit - used[_COUNTS.index(name)])};t={seconds}'
            for name, limit in self._limits.items()
        )
        headers = {"RateLimit-Policy": self._policies, "RateLimit": left}
        if policy is not None:
            headers["Retry-After"] = str(seconds)
        return Quota(allowed=policy is None, headers=headers, policy=policy)


def _make_zeros() -> list[int]:
    return [0] * len(_COUNTS)


def _add(tally: _Tally, counted: _Tally, sign: int) -> None:
    for place, numbers in counted.items():
        tally[place] = [
            before + sign * number for before, number in zip(tally[place], numbers, strict=True)
        ]


def _make_usage(place: _Place, numbers: list[int]) -> Usage:
    source_id, window = place
    return Usage(
        source_id=source_id,
        window=window,
        **dict(zip(_COUNTS, numbers, strict=True)),
    )

"""What became of an event whose answer was lost: sent again under the same key, then asked for;
never a second event."""

from collections.abc import Callable
from typing import TypeVar

from gateway.client.calls import Answer, Call
from gateway.client.errors import (
    BadAnswerError,
    ClientError,
    InFlightError,
    NotAllowedError,
    NotNowError,
    OutcomeUnknownError,
    ServerError,
    UnreachableError,
)
from gateway.client.patience import ONCE
from gateway.client.sending import Sender

_T = TypeVar("_T")


def send_settled(
    sender: Sender,
    call: Call,
    key: str,
    *,
    read: Callable[[Answer], _T],
    look: Callable[[], _T | None],
) -> _T:
    """Sends ``call``, which carries the Idempotency-Key ``key``. Where an attempt may have been
    carried out and no later one told: asks once more by the key, then ``look`` for what there is;
    OutcomeUnknownError where both say nothing."""
    doubts: list[ClientError] = []

    def note(error: ClientError) -> None:
        if _leaves_open(error):
            doubts.append(error)

    try:
        return _read_noting(sender.send(call, on_error=note), read, note)
    except ClientError as error:
        if _settles(error) or not doubts:
            raise
        last = error
    if (last.told.retry_after or 0) > sender.patience.longest_wait:
        raise OutcomeUnknownError(last, key) from None
    try:
        return read(sender.send(call, patience=ONCE))
    except ClientError as error:
        if _settles(error):
            raise
        last = error
    if found := _look_once(look):
        return found
    raise OutcomeUnknownError(last, key) from None


def _read_noting(
    answer: Answer, read: Callable[[Answer], _T], note: Callable[[ClientError], None]
) -> _T:
    try:
        return read(answer)
    except ClientError as error:
        note(error)
        raise


def _look_once(look: Callable[[], _T | None]) -> _T | None:
    try:
        return look()
    except ClientError:
        return None


def _leaves_open(error: ClientError) -> bool:
    """Whether the attempt may have been carried out."""
    match error:
        case UnreachableError():
            return error.may_have_arrived
        case NotNowError():
            # 429 stands before all work; behind a 503 it may have begun.
            return error.status != 429
        case BadAnswerError():
            # A redirect or a refusal by something in front of the gateway went no further.
            return error.status is not None and error.status < 300
    return isinstance(error, ServerError | InFlightError)


def _settles(error: ClientError) -> bool:
    """Whether it is an answer to this very request, and would have been so for an earlier attempt
    as well. A key that was revoked in between says nothing of what came before."""
    return not isinstance(
        error,
        UnreachableError
        | NotNowError
        | ServerError
        | InFlightError
        | BadAnswerError
        | NotAllowedError,
    )

"""What the client raises: one small tree. Their texts hold codes, the status and the request's id,
so they may be logged; never content of an event, a key or an address with a query."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

# A code or an id that the other side names is shown only where it looks like one.
_CODE = re.compile(r"[A-Za-z][\w.:-]{0,63}", re.ASCII)
_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_MOST_CODES = 10


class Told(msgspec.Struct, frozen=True):
    """What the gateway says about an answer, apart from its content. ``request_id`` is what to
    name when you ask for support; ``retry_after`` is in seconds."""

    status: int | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        parts = [
            f"status {self.status}" if self.status else "",
            self.code if self.code and _CODE.fullmatch(self.code) else "",
            f"request {self.request_id}"
            if self.request_id and _REQUEST_ID.fullmatch(self.request_id)
            else "",
        ]
        return ", ".join(part for part in parts if part)


class Issue(msgspec.Struct, frozen=True):
    """One thing that is wrong with what was sent, or worth knowing. ``code`` is the finding's
    (``RULE-010``; every one stands in the finding catalogue), ``expression`` its places in the
    AdverseEvent as FHIRPath."""

    severity: str
    code: str = ""
    text: str = ""
    what_to_do: str = ""
    expression: list[str] = []
    type: str = ""

    @property
    def is_error(self) -> bool:
        """The event is not taken because of it; others are warnings and information."""
        return self.severity in {"error", "fatal"}


class ClientError(Exception):
    """Every error of the client is one. ``issues``: what the gateway says is wrong, and what to
    do about it, where it says so; they are not in the text."""

    def __init__(self, words: str, told: Told | None = None, issues: Sequence[Issue] = ()) -> None:
        self.told = told or Told()
        self.issues = list(issues)
        after = str(self.told)
        super().__init__(f"{words} ({after})" if after else words)

    @property
    def status(self) -> int | None:
        """The HTTP status; None where nothing was answered."""
        return self.told.status

    @property
    def code(self) -> str | None:
        return self.told.code

    @property
    def request_id(self) -> str | None:
        return self.told.request_id

    def __reduce__(self) -> tuple[Any, ...]:
        # Else an error could not come back from a worker process: pickle would call __init__ with
        # the text alone.
        return _rebuild, (type(self), self.args, vars(self))


def _rebuild(kind: type[ClientError], args: tuple[Any, ...], state: dict[str, Any]) -> ClientError:
    error = kind.__new__(kind, *args)
    vars(error).update(state)
    return error


class RejectedError(ClientError):
    """What was sent is wrong (400, 422): each of ``issues`` says what and what to do. Sent again
    as it is, it is rejected again."""

    def __init__(self, told: Told, issues: Sequence[Issue]) -> None:
        codes = dict.fromkeys(one.code for one in issues if _CODE.fullmatch(one.code))
        shown = ", ".join(list(codes)[:_MOST_CODES]) or "without a code"
        more = f" and {len(codes) - _MOST_CODES} more" if len(codes) > _MOST_CODES else ""
        # Its first code is among them already.
        super().__init__(
            f"rejected: {shown}{more}", msgspec.structs.replace(told, code=None), issues
        )
        self.told = told


class NotAllowedError(ClientError):
    """The key or token is not good (401), or not for this (403): a scope or a grant is missing."""


class NotFoundError(ClientError):
    """There is no such thing (404, 410), or it is another source's."""


class ConflictError(ClientError):
    """It was changed in the meantime (412), or its state does not allow it (409)."""


class InFlightError(ConflictError):
    """The same request is being worked on (409 with Retry-After); the client waits for it."""


class RefusedError(ClientError):
    """Refused for another reason (4xx): too large, of a wrong kind, not to be done this way."""


class NotNowError(ClientError):
    """The gateway asks to come later (429, 503), and did so until the client's patience ended.
    ``retry_after``: in how many seconds, where it says so."""

    @property
    def retry_after(self) -> float | None:
        return self.told.retry_after


class ServerError(ClientError):
    """The gateway, or a proxy in front of it, failed (5xx)."""


class UnreachableError(ClientError):
    """No answer came: no connection, a cut, a timeout. ``may_have_arrived``: whether the request
    may have been carried out all the same; ``is_lasting``: asking again is no use, as where the
    certificate is not trusted."""

    def __init__(
        self,
        words: str,
        told: Told | None = None,
        *,
        may_have_arrived: bool = True,
        is_lasting: bool = False,
    ) -> None:
        super().__init__(words, told)
        self.may_have_arrived = may_have_arrived
        self.is_lasting = is_lasting


class UploadCutError(UnreachableError):
    """An upload broke off. Go on with it: ``send_feed(…, upload_id=error.upload_id)``."""

    def __init__(self, last: ClientError, upload_id: str) -> None:
        super().__init__(f"the upload broke off, and can be gone on with: {last}")
        self.told = last.told
        self.upload_id = upload_id


class OutcomeUnknownError(ClientError):
    """The request may or may not have been carried out, and asking did not settle it. Keep
    ``idempotency_key`` and call again later with it and the same event: that gives the answer of
    this request, or carries it out, and never makes a second event."""

    def __init__(self, last: ClientError, idempotency_key: str) -> None:
        super().__init__(
            f"it is not known whether the event was taken: {last}."
            " Ask again with the same idempotency key"
        )
        self.told = last.told
        self.idempotency_key = idempotency_key


class NotFinishedError(ClientError):
    """The feed was not finished in the time the caller gave; it is still being worked on."""

    def __init__(self, words: str, told: Told, feed_id: str) -> None:
        super().__init__(words, told)
        self.feed_id = feed_id


class BadAnswerError(ClientError):
    """What came back is not what the gateway answers: HTML from a proxy, broken JSON, another
    service. Look at the base address first."""

"""Asks a FHIR server of others: a few requests a second, again where that may help, and never for
more than fits in memory. Errors name a status or a kind of failure, never what the server said."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from gateway.client.patience import parse_retry_after
from schemas.errors import GatewayError, UnavailableError, UnknownError, WrongUseError

if TYPE_CHECKING:
    import requests

Json = dict[str, Any]
Params = Sequence[tuple[str, str]]

ATTEMPTS: Final = 5
FIRST_WAIT: Final = 1.0
# The limit of the ODS API counts five minutes; whoever asks for a longer pause is not waited for.
LONGEST_WAIT: Final = 300.0
LARGEST: Final = 32 * 2**20
_TIMEOUTS: Final = (5.0, 60.0)
_BLOCK: Final = 64 * 1024
_MAY_PASS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_decode = msgspec.json.Decoder(Json).decode


class UpstreamError(UnavailableError):
    """It does not answer, or not with what was asked for. ``wait``: seconds it asked for."""

    def __init__(self, word: str, wait: float | None = None) -> None:
        super().__init__(f"the server asked for reference data: {word}")
        self.word, self.wait = word, wait


class UpstreamRefusedError(GatewayError):
    """It answers, and will not give this: a wrong key, a wrong address, an unknown parameter."""

    def __init__(self, word: str) -> None:
        super().__init__(f"the server asked for reference data refuses: {word}")
        self.word = word


class TooLargeError(UpstreamRefusedError):
    """The answer would be too large: ask for less at a time."""


class Clock(msgspec.Struct, frozen=True):
    """Time, as the asking sees it; tests put their own in its place."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


class Upstream:
    """One server at its base address. Not for several threads."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        per_second: float = 5.0,
        clock: Clock | None = None,
    ) -> None:
        check_base(base)
        self._base = base.rstrip("/")
        self._headers = {"Accept": "application/fhir+json", **(headers or {})}
        self._pause = 1 / per_second
        self._clock = clock or Clock()
        self._asked: float | None = None
        self._session: requests.Session | None = None

    def get(self, path: str, params: Params = ()) -> Json:
        """A resource. UnknownError where there is none, TooLargeError where it asks for less,
        UpstreamRefusedError for what another try cannot mend, UpstreamError after some tries."""
        retrying = Retrying(
            sleep=self._clock.sleep,
            retry=retry_if_exception_type(UpstreamError),
            wait=_wait,
            stop=_Stop(),
            reraise=True,
        )
        found: Json = retrying(self._ask, path, params)
        return found

    def close(self) -> None:
        if self._session is not None:
            self._session.close()

    def _ask(self, path: str, params: Params) -> Json:
        # A tenth of a second to import, and few commands need it.
        import requests  # noqa: PLC0415

        self._take_time()
        try:
            with self._open().get(
                f"{self._base}/{path}",
                params=list(params),
                timeout=_TIMEOUTS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                self._check(answer)
                body = _read(answer)
        except requests.RequestException as error:
            raise UpstreamError(type(error).__name__) from None
        try:
            return _decode(body)
        except msgspec.DecodeError:
            # Cut off, or the page of a proxy.
            raise UpstreamError("the answer is no JSON resource") from None

    def _open(self) -> "requests.Session":
        import requests  # noqa: PLC0415

        if self._session is None:
            self._session = requests.Session()
            # By way of ``auth``, so that no .netrc is asked, while the proxies of the environment
            # still count.
            self._session.auth = self._add_headers
        return self._session

    def _add_headers(self, prepared: "requests.PreparedRequest") -> "requests.PreparedRequest":
        prepared.headers.update(self._headers)
        return prepared

    def _take_time(self) -> None:
        now = self._clock.monotonic()
        if self._asked is not None and now - self._asked < self._pause:
            self._clock.sleep(self._pause - (now - self._asked))
        self._asked = self._clock.monotonic()

    def _check(self, answer: "requests.Response") -> None:
        status = answer.status_code
        if status == 200:
            return
        if status in _MAY_PASS:
            asked = parse_retry_after(answer.headers.get("Retry-After"), self._clock.now())
            raise UpstreamError(f"status {status}", asked)
        if status == 404:
            raise UnknownError("the server asked for reference data knows no such resource")
        if status in {413, 422}:
            raise TooLargeError(f"status {status}")
        raise UpstreamRefusedError(f"status {status}")


def check_base(base: str) -> None:
    """WrongUseError for what a key must not be sent to: plain HTTP, but for this machine."""
    parts = urlsplit(base)
    is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise WrongUseError(f"{base!r}: an address as https://server.example/fhir")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise WrongUseError(f"{base!r}: https only (http within this machine)")


def _read(answer: "requests.Response") -> bytes:
    body = bytearray()
    for block in answer.iter_content(_BLOCK):
        body += block
        if len(body) > LARGEST:
            raise TooLargeError(f"more than {LARGEST} bytes")
    return bytes(body)


def _wait(state: RetryCallState) -> float:
    asked = _find_asked(state)
    return FIRST_WAIT * 2 ** (state.attempt_number - 1) if asked is None else asked


class _Stop:
    """After some attempts, and where the server asks for a longer pause than is worth waiting."""

    def __call__(self, state: RetryCallState) -> bool:
        is_last = stop_after_attempt(ATTEMPTS)(state)
        return is_last or (_find_asked(state) or 0) > LONGEST_WAIT


def _find_asked(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.wait if isinstance(error, UpstreamError) else None

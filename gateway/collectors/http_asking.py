"""Asks an API for one page, again where that may help, and keeps what comes until it is whole."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Final, Self
from urllib.parse import urljoin

import msgspec
import requests
from requests.auth import AuthBase
from urllib3.exceptions import ReadTimeoutError

from gateway.bootstrap import Gateway
from gateway.client.calls import Identity
from gateway.client.errors import (
    ClientError,
    NotNowError,
    ServerError,
    Told,
    UnreachableError,
)
from gateway.client.patience import Clock, make_retrying, parse_retry_after
from gateway.client.silence import make_unreachable
from gateway.collectors.far_end import CollectError
from gateway.collectors.http import HttpSettings
from gateway.collectors.http_identity import PATIENCE, make_certificates, make_identity
from gateway.collectors.http_pages import is_same_origin
from store.disk import failures_told

_BLOCK: Final = 64 * 1024
_MOST_REDIRECTS: Final = 5
# Whoever sends a page for longer holds up the others; well within a collector's lease.
_MOST_SECONDS: Final = 240.0
_LONGEST_CONNECT: Final = 10.0
_REASONS: Final[Mapping[int, str]] = {
    401: "denied",
    403: "denied",
    404: "missing",
    410: "missing",
    429: "throttled",
}


class AskError(ClientError):
    """``reason``: one of REASONS. ``may_pass``: the same request may succeed in a moment."""

    def __init__(self, reason: str, told: Told | None = None, *, may_pass: bool = False) -> None:
        super().__init__(reason, told)
        self.reason, self.may_pass = reason, may_pass


class AskedError(CollectError):
    """``status`` is the answer's, where there was one."""

    def __init__(self, reason: str, told: Told) -> None:
        super().__init__(reason, retry_after=told.retry_after)
        self.status = told.status


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Whole, in the spool it was asked for. ``status`` 304: it is the one that is known."""

    address: str
    status: int
    headers: Mapping[str, str]
    sha256: str
    size: int
    dated: datetime | None


class _OurAuth(AuthBase):
    """With none at all, requests would take one from ~/.netrc in place of ours."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Asker:
    """``settings`` say who asks, and what may come."""

    def __init__(
        self, gateway: Gateway, settings: HttpSettings, clock: Clock | None = None
    ) -> None:
        self._gateway, self._settings = gateway, settings
        self._clock = clock or Clock()
        self._session = requests.Session()
        self._certificates = make_certificates(settings)
        self._identity: Identity = make_identity(gateway, settings, self._session, self._clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(self, address: str, spool: BinaryIO, *, etag: str | None = None) -> Answer:
        """AskedError where there is no answer to be had, or none that may come."""
        retrying = make_retrying(PATIENCE, self._clock, _may_pass, "a page")
        try:
            return retrying(lambda: self._ask_known(address, spool, etag))
        except AskError as error:
            raise AskedError(error.reason, error.told) from None
        except ClientError as error:
            # Of the endpoint that gives tokens.
            raise AskedError(_find_token_reason(error), error.told) from None

    def _ask_known(self, address: str, spool: BinaryIO, etag: str | None) -> Answer:
        """Once more with another token, where the first was not good any more."""
        try:
            return self._follow(address, spool, etag)
        except AskError as error:
            if error.status != 401 or self._settings.oauth is None:
                raise
        self._identity.forget()
        return self._follow(address, spool, etag)

    def _follow(self, address: str, spool: BinaryIO, etag: str | None) -> Answer:
        for _ in range(_MOST_REDIRECTS):
            with self._get(address, etag) as response:
                if not response.is_redirect:
                    return self._take(address, response, spool)
                target = urljoin(address, response.headers["Location"])
            if not is_same_origin(address, target):
                raise AskError("redirected")
            address = target
        raise AskError("redirected")

    @contextmanager
    def _get(self, address: str, etag: str | None) -> Iterator[requests.Response]:
        headers = {
            "User-Agent": "lrms-gateway",
            "Accept": ", ".join(self._settings.accept),
            **({"If-None-Match": etag} if etag else {}),
            **self._identity.make_headers(),
        }
        try:
            with self._session.get(
                address,
                headers=headers,
                auth=_OurAuth(),
                timeout=(min(self._settings.timeout, _LONGEST_CONNECT), self._settings.timeout),
                allow_redirects=False,
                stream=True,
                # Here and not on the session: there REQUESTS_CA_BUNDLE would win over ours.
                verify=self._certificates.trusted,
                cert=self._certificates.shown,
            ) as response:
                yield response
        except requests.RequestException as error:
            raise _make_silence(error) from None

    def _take(self, address: str, response: requests.Response, spool: BinaryIO) -> Answer:
        _check_status(response, self._clock.now())
        if response.status_code not in {204, 304}:
            self._check_kind(response)
        sha256, size = self._keep(response, spool)
        return Answer(
            address=address,
            status=response.status_code,
            headers=response.headers,
            sha256=sha256,
            size=size,
            dated=_find_date(response),
        )

    def _check_kind(self, response: requests.Response) -> None:
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in self._settings.accept:
            # A page that asks for a login is no feed.
            raise AskError("content-type")
        if not {"Content-Length", "Transfer-Encoding"} & {one.title() for one in response.headers}:
            # It ends where the connection does: nobody could tell a whole one from half of one.
            raise AskError("bad-answer")

    def _keep(self, response: requests.Response, spool: BinaryIO) -> tuple[str, int]:
        most = min(self._settings.max_page_bytes, self._gateway.settings.max_feed_bytes)
        until = self._gateway.monotonic() + _MOST_SECONDS
        digest, size = hashlib.sha256(), 0
        with failures_told("an answer could not be kept"):
            spool.seek(0)
            spool.truncate()
        for block in response.iter_content(_BLOCK):
            size += len(block)
            if size > most:
                raise AskError("too-big")
            if self._gateway.monotonic() > until:
                raise AskError("timed-out")
            digest.update(block)
            _write(spool, block)
        return digest.hexdigest(), size


def _write(spool: BinaryIO, block: bytes) -> None:
    # Else a full disk would pass for a broken line: requests' errors are OSErrors too.
    with failures_told("an answer could not be kept"):
        spool.write(block)


def _check_status(response: requests.Response, now: float) -> None:
    status = response.status_code
    if 200 <= status < 300 or status == 304:
        return
    after = parse_retry_after(response.headers.get("Retry-After"), now)
    told = Told(status=status, retry_after=after)
    reason = _REASONS.get(status, "failing" if status >= 500 else "bad-answer")
    raise AskError(reason, told, may_pass=status == 429 or status >= 500)


def _make_silence(error: requests.RequestException) -> AskError:
    meant = make_unreachable(error, Told())
    if not isinstance(meant, UnreachableError):
        return AskError("bad-answer")
    if meant.is_lasting:
        return AskError("bad-answer" if meant.may_have_arrived else "certificate")
    cause = error.args[0] if error.args else None
    if isinstance(error, requests.ReadTimeout) or isinstance(cause, ReadTimeoutError):
        return AskError("timed-out", may_pass=True)
    return AskError("broken-off" if meant.may_have_arrived else "unreachable", may_pass=True)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, AskError) and error.may_pass


def _find_token_reason(error: ClientError) -> str:
    match error:
        case UnreachableError():
            return "certificate" if error.is_lasting else "unreachable"
        case NotNowError():
            return "throttled"
        case ServerError():
            return "failing"
    return "denied" if error.status in {400, 401, 403} else "bad-answer"


def _find_date(response: requests.Response) -> datetime | None:
    try:
        found = parsedate_to_datetime(response.headers.get("Date", ""))
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None

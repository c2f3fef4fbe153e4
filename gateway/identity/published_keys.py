"""Public keys that a client publishes at an address of its own (``jwks_url``): fetched when they
are needed, kept for five minutes, fetched again at most once a minute for a key not yet seen."""

import ipaddress
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gateway.identity.jwks import read_usable_keys
from schemas.errors import UnavailableError, WrongUseError

if TYPE_CHECKING:
    import requests

    from gateway.identity.jwks import PublicKey

KEPT_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 60.0
# After one that failed: whoever waits for a dead server holds up others.
PAUSE_SECONDS: Final = 5.0
LARGEST: Final = 64 * 1024
_TIMEOUTS: Final = (3.0, 5.0)
_WHOLE_SECONDS: Final = 10.0
_CHUNK: Final = 8192


class KeysUnavailableError(UnavailableError):
    """The published keys cannot be read now. ``word`` says why, never what the server said."""

    def __init__(self, word: str) -> None:
        super().__init__(f"the keys at the registered jwks_url cannot be read: {word}")


class PublishedKeys:
    """Thread-safe. One fetch of an address at a time; whoever comes meanwhile waits for it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._sites: dict[str, _Site] = {}

    def find(self, url: str, kid: str) -> "PublicKey | None":
        """None where no usable key has that id; KeysUnavailableError where nobody can say."""
        with self._lock:
            site = self._sites.setdefault(url, _Site(url))
        if not site.lock.acquire(timeout=_WHOLE_SECONDS):
            raise KeysUnavailableError("others wait for them already")
        try:
            return site.find(kid, self._monotonic)
        finally:
            site.lock.release()


class _Site:
    def __init__(self, url: str) -> None:
        self._url = url
        self.lock = threading.Lock()
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at: float | None = None
        self._failed_at: float | None = None

    def find(self, kid: str, monotonic: Callable[[], float]) -> "PublicKey | None":
        now = monotonic()
        age = None if self._fetched_at is None else now - self._fetched_at
        longest = KEPT_SECONDS if kid in self._keys else AGAIN_SECONDS
        if age is None or age >= longest:
            self._fetch(monotonic)
        return self._keys.get(kid)

    def _fetch(self, monotonic: Callable[[], float]) -> None:
        now = monotonic()
        if self._failed_at is not None and now - self._failed_at < PAUSE_SECONDS:
            raise KeysUnavailableError("the last try failed a moment ago")
        try:
            self._keys = read_usable_keys(_download(self._url, monotonic))
        except KeysUnavailableError:
            self._failed_at = now
            raise
        except WrongUseError:
            self._failed_at = now
            raise KeysUnavailableError("it is no JWKS") from None
        self._fetched_at, self._failed_at = now, None


def _download(url: str, monotonic: Callable[[], float]) -> bytes:
    # A tenth of a second to import, and commands never need it.
    import requests  # noqa: PLC0415

    began = monotonic()
    with requests.Session() as session:
        # Not the settings of whoever started us: a .netrc would send a password along.
        session.trust_env = False
        try:
            with session.get(
                url,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                timeout=_TIMEOUTS,
                allow_redirects=False,
                stream=True,
            ) as answer:
                return _read(answer, began, monotonic)
        except requests.RequestException as error:
            raise KeysUnavailableError(type(error).__name__) from None


def _read(answer: "requests.Response", began: float, monotonic: Callable[[], float]) -> bytes:
    if answer.status_code != 200:
        raise KeysUnavailableError(f"status {answer.status_code}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise KeysUnavailableError("it is packed")
    body = bytearray()
    # One read of the socket at a time: a server that sends a byte a second is noticed.
    while chunk := _read_some(answer):
        body += chunk
        if len(body) > LARGEST:
            raise KeysUnavailableError(f"it has more than {LARGEST} bytes")
        if monotonic() - began > _WHOLE_SECONDS:
            raise KeysUnavailableError("it came too slowly")
    return bytes(body)


def _read_some(answer: "requests.Response") -> bytes:
    import urllib3.exceptions  # noqa: PLC0415 - with requests

    try:
        return bytes(answer.raw.read1(_CHUNK))
    except urllib3.exceptions.HTTPError as error:
        raise KeysUnavailableError(type(error).__name__) from None


def check_jwks_url(url: str) -> None:
    """WrongUseError for what is not to be fetched: keys that came over plain HTTP may be anybody's.
    Within this machine it may be."""
    parts = urlsplit(url)
    if parts.username is not None or parts.fragment or not parts.hostname:
        raise WrongUseError("jwks-url: an address as https://vendor.example/jwks.json")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise WrongUseError("jwks-url: https only (http within this machine)")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The client of one gateway, for one source."""

import ipaddress
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import requests

from gateway.client.calls import Certificates, Identity
from gateway.client.credentials import ClientCredentials, Nobody, SubscriptionKey, Tokens
from gateway.client.events import EventCalls
from gateway.client.feeds import FeedCalls
from gateway.client.patience import Clock, Patience
from gateway.client.sending import Sender


class GatewayClient(EventCalls, FeedCalls):
    """Talks to the gateway at ``base_url``, as the source that ``key`` (a subscription key) or
    ``credentials`` (an OAuth 2 client that signs) belongs to.

    ``timeout``: seconds to wait for one answer. ``patience``: how often and how long a call is
    tried again. ``session``: one of your own, for proxies and adapters; it stays yours to close.
    ``plain_http``: allow ``http:`` to another machine, which shows the key and the events to
    whoever listens. ``upload_over_bytes``: a longer feed goes in pieces of ``upload_chunk_bytes``.
    ``clock``: how it sleeps, and what time it is, for tests.

    Use one client a thread: a session of requests is not for several."""

    def __init__(  # noqa: PLR0913 - an option each, by name, most of them rarely given
        self,
        base_url: str,
        *,
        key: str | None = None,
        credentials: ClientCredentials | None = None,
        timeout: float = 60,
        patience: Patience | None = None,
        certificates: Certificates | None = None,
        session: requests.Session | None = None,
        clock: Clock | None = None,
        plain_http: bool = False,
        upload_over_bytes: int = 100 * 10**6,
        upload_chunk_bytes: int = 32 * 2**20,
    ) -> None:
        address = _check_address(base_url, plain_http=plain_http)
        self._session = session or requests.Session()
        self._is_own_session = session is None

        def make_sender(identity: Identity) -> Sender:
            return Sender(
                address,
                session=self._session,
                identity=identity,
                certificates=certificates or Certificates(),
                timeout=timeout,
                patience=patience or Patience(),
                clock=clock or Clock(),
            )

        self._sender = make_sender(_make_identity(key, credentials, make_sender))
        self._upload_over_bytes, self._chunk_bytes = upload_over_bytes, upload_chunk_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connections, but of a session of your own."""
        if self._is_own_session:
            self._session.close()


def _make_identity(
    key: str | None,
    credentials: ClientCredentials | None,
    make_sender: Callable[[Identity], Sender],
) -> Identity:
    if key is not None and credentials is None:
        return SubscriptionKey(key)
    if credentials is not None and key is None:
        return Tokens(credentials, make_sender(Nobody()))
    raise ValueError("either a key or credentials are needed")


def _check_address(base_url: str, *, plain_http: bool) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("base_url: an address as https://gateway.example is expected")
    if parts.username is not None:
        raise ValueError("base_url: without a user or password")
    if parts.scheme == "http" and not plain_http and not _is_this_machine(parts.hostname):
        raise ValueError("base_url: https, for http shows keys and events to whoever listens")
    return base_url.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Calls to a MESH mailbox through mesh-client, their failures told by reason.

For collecting the client tries again by itself (connection lost, 425, 429, 502, 503, 504). For
sending it does not: what may be out already is not sent blindly again, and what surely is not waits
in the store.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests
from mesh_client import MeshClient
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import MaxRetryError, ReadTimeoutError, ResponseError

from gateway.collectors.far_end import CollectError

_REASONS: Final = {401: "denied", 403: "denied", 404: "missing", 410: "vanished", 429: "throttled"}
# Of a far end that answers, and cannot at the moment.
_BUSY: Final = frozenset({425, 502, 503, 504})


class StatusError(CollectError):
    """MESH answered with another status than it should."""

    def __init__(self, status: int) -> None:
        super().__init__(_find_reason(status))
        self.status = status


def _find_reason(status: int) -> str:
    return _REASONS.get(status, "unreachable" if status in _BUSY else "bad-answer")


class Login(NamedTuple):
    mailbox: str
    password: str
    shared_key: str


def make_client(
    url: str,
    login: Login,
    *,
    certificate: tuple[Path, Path] | None,
    ca: Path | None,
    seconds: float,
    tries_again: bool,
) -> MeshClient:
    """CollectError where a certificate cannot be used. The endpoints of the NHS bring their own
    certificate authorities; a server is never believed unchecked."""
    _check_files(certificate, ca)
    return MeshClient(
        url,
        login.mailbox.upper(),
        login.password,
        shared_key=login.shared_key.encode(),
        cert=(str(certificate[0]), str(certificate[1])) if certificate else None,
        verify=str(ca) if ca else None,
        timeout=seconds,
        max_retries=3 if tries_again else 0,
        application_name="lrms-gateway",
    )


def _check_files(certificate: tuple[Path, Path] | None, ca: Path | None) -> None:
    """Beforehand: a client that fails while it is made warns on its way out."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if certificate is not None:
            # Without a password it would ask for one on the terminal.
            context.load_cert_chain(*certificate, password="")
        if ca is not None:
            context.load_verify_locations(ca)
    except OSError:
        raise CollectError("settings") from None


@contextmanager
def failures_told() -> Iterator[None]:
    """What a call may fail with, as CollectError. Nothing that MESH wrote is told."""
    try:
        yield
    except requests.HTTPError as error:
        raise StatusError(error.response.status_code) from None
    except requests.exceptions.RetryError as error:
        raise CollectError(_find_retry_reason(error)) from None
    except (requests.Timeout, ReadTimeoutError, TimeoutError):
        raise CollectError("timed-out") from None
    except requests.exceptions.SSLError:
        raise CollectError("certificate") from None
    except requests.exceptions.JSONDecodeError:
        raise CollectError("bad-answer") from None
    except (requests.RequestException, TransportError, OSError):
        raise CollectError("unreachable") from None


def _find_retry_reason(error: requests.exceptions.RetryError) -> str:
    """What the last of several tries was answered."""
    inner = error.args[0] if error.args else None
    if isinstance(inner, MaxRetryError) and isinstance(inner.reason, ResponseError):
        return "throttled" if "429" in str(inner.reason) else "unreachable"
    return "unreachable"


def find_sent(client: MeshClient, local_id: str) -> tuple[bool, str | None]:
    """Whether MESH knows a message of ours by its local id, and its own id of it. By a call that
    the client does not have (deprecated by MESH, there in November 2026)."""
    response = _get(client, f"{client.mailbox_url}/outbox/tracking/{local_id}")
    if response.status_code == requests.codes.not_found:
        return False, None
    if response.status_code == requests.codes.multiple_choices:
        return True, None
    response.raise_for_status()
    told = response.json()
    message_id = told.get("messageId") if isinstance(told, dict) else None
    return True, message_id if isinstance(message_id, str) else None


def _get(client: MeshClient, url: str) -> Any:
    # The session carries the authentication, the certificates and the retries.
    return client._session.get(url, timeout=client._timeout, allow_redirects=False)  # noqa: SLF001

"""MESH mailboxes: what is set of one, and how it is opened. The client takes its time to import, so
that is done where it is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import FarEnd
from gateway.collectors.secret import Secret
from gateway.collectors.senders import Sender
from gateway.collectors.settings import KindSettings
from schemas.collecting import Collector

if TYPE_CHECKING:
    from mesh_client import MeshClient

# As MESH asks: a handshake a day, the inbox every five minutes at most.
LEAST_EVERY: Final = 300
_HANDSHAKE_AFTER: Final = timedelta(hours=23)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Receipts(KindSettings):
    """Send the receipt of each message back to its sender. ``workflow``: under which; none: the
    message's own with ``_ACK`` behind it."""

    form: Literal["csv", "json"] = "csv"
    workflow: str | None = Field(None, min_length=1, max_length=300)


class MeshSettings(KindSettings):
    """``certificate`` and ``key``: files of the client certificate; ``ca``: the file of who signed
    the server's, where it is no endpoint of the NHS. ``senders``: whose a message is."""

    url: str
    mailbox: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9]+$")
    password: Secret
    shared_key: Secret
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    workflow_filter: str | None = Field(None, min_length=1, max_length=300)
    senders: tuple[Sender, ...] = Field(min_length=1)
    receipts: Receipts | None = None
    timeout_seconds: float = Field(60, gt=0, le=600)

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        parts = urlsplit(url)
        safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("an https address, without a login and without a question")
        return url

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together")
        return self


@contextmanager
def open_client(
    gateway: Gateway, settings: MeshSettings, *, tries_again: bool = True
) -> "Iterator[MeshClient]":
    """The client of a mailbox. CollectError where a secret or certificate is not there."""
    pair = (settings.certificate, settings.key) if settings.certificate and settings.key else None
    from gateway.collectors.mesh_calls import Login, make_client  # noqa: PLC0415

    login = Login(
        settings.mailbox, settings.password.read(gateway), settings.shared_key.read(gateway)
    )
    client = make_client(
        settings.url,
        login,
        certificate=pair,
        ca=settings.ca,
        seconds=settings.timeout_seconds,
        tries_again=tries_again,
    )
    with client:
        yield client


@contextmanager
def open_mailbox(
    gateway: Gateway, collector: Collector, settings: MeshSettings
) -> Iterator[FarEnd]:
    """The cursor is when the last handshake was."""
    from gateway.collectors.mesh_calls import failures_told  # noqa: PLC0415
    from gateway.collectors.mesh_inbox import Mailbox  # noqa: PLC0415

    with open_client(gateway, settings) as client:
        now = gateway.now()
        last = collector.cursor
        if not last or now - datetime.fromisoformat(last) > _HANDSHAKE_AFTER:
            with failures_told():
                client.handshake()  # type: ignore[no-untyped-call]
            with gateway.store.begin(actor=gateway.actor, at=now) as work:
                work.collectors.move_cursor(collector, now.isoformat())
        yield Mailbox(gateway, settings, client)

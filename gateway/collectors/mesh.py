"""A MESH mailbox: messages from senders' mailboxes, each a feed; reports about messages of ours.

A message is acknowledged only when its bytes and headers are stored. What is refused but kept is
acknowledged too; what could not be kept stays there, until MESH gives it back to its sender.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

import msgspec
import requests
from mesh_client import MeshClient
from pydantic import Field, field_validator, model_validator

from gateway.bootstrap import Gateway
from gateway.collectors.checksum import Checksum, ChecksummedStream
from gateway.collectors.far_end import CollectError, Content, FarEnd, Item, ItemError, RefusedError
from gateway.collectors.mesh_calls import Login, StatusError, failures_told, make_client
from gateway.collectors.mesh_content import MessageStream
from gateway.collectors.secret import Secret
from gateway.collectors.senders import Sender, find_source
from gateway.collectors.settings import KindSettings
from schemas.collecting import CollectedItem, Collector

# As MESH asks: a handshake a day, the inbox every five minutes at most.
LEAST_EVERY: Final = 300
_HANDSHAKE_AFTER: Final = timedelta(hours=23)
_PAGE: Final = 500
# What is not acknowledged by then leaves the inbox, and its sender is told.
_EXPIRES_AFTER: Final = timedelta(days=5)
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
# MESH's own ids begin with when the message was sent: 20210311101813838554_1B8F53.
_SENT_AT: Final = re.compile(r"(\d{14})\d*_")
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


class _Message(Content):
    def __init__(self, stream: MessageStream, checksum: Checksum, **rest: Any) -> None:
        super().__init__(ChecksummedStream(stream, checksum), **rest)
        self._checksum = checksum

    def check_whole(self) -> None:
        # On the way TLS guards it: what does not fit came so from its sender, and will again.
        if not self._checksum.fits():
            raise RefusedError("checksum")


class _Mailbox:
    def __init__(self, gateway: Gateway, settings: MeshSettings, client: MeshClient) -> None:
        self._gateway = gateway
        self._settings = settings
        self._client = client

    def find_pages(self) -> Iterator[Sequence[Item]]:
        """A page of the inbox may be empty while another follows; the client goes on by itself."""
        ids = self._client.iterate_message_ids(
            workflow_filter=self._settings.workflow_filter, batch_size=_PAGE
        )
        while True:
            with failures_told():
                page = list(islice(ids, _PAGE))
            if not page:
                return
            yield [self._make_item(one) for one in page]

    def _make_item(self, message_id: object) -> Item:
        if not isinstance(message_id, str) or not _MESSAGE_ID.fullmatch(message_id):
            raise CollectError("bad-answer")
        now = self._gateway.now()
        return Item(
            remote_id=message_id,
            name=message_id,
            expires_at=(find_sent_at(message_id, now) or now) + _EXPIRES_AFTER,
        )

    def open(self, item: Item) -> AbstractContextManager[Content]:
        return self._open(item.remote_id)

    @contextmanager
    def _open(self, message_id: str) -> Iterator[Content]:
        first = self._fetch(message_id, 1)
        try:
            kind = first.headers.get("Mex-MessageType", "").upper()
            headers = _keep_headers(first.headers)
            if kind == "REPORT":
                yield Content(first.raw, filename=message_id, headers=headers, note=True)
                return
            if kind != "DATA":
                raise ItemError("bad-answer")
            stream = MessageStream(first, lambda number: self._fetch(message_id, number))
            try:
                yield self._make_content(message_id, first.headers, stream, headers)
            finally:
                stream.close()
        finally:
            first.close()

    def _make_content(
        self,
        message_id: str,
        told: "requests.structures.CaseInsensitiveDict[str]",
        stream: MessageStream,
        headers: str,
    ) -> Content:
        source_id, refuse = find_source(
            self._settings.senders, told.get("Mex-From", ""), told.get("Mex-WorkflowID", "")
        )
        if refuse is None and told.get("Mex-Content-Encrypted", "").upper() in {"Y", "TRUE"}:
            refuse = "encrypted"
        # A name, wherever the sender had it.
        name = re.split(r"[\\/]", told.get("Mex-FileName", ""))[-1]
        return _Message(
            stream,
            Checksum(told.get("Mex-Content-Checksum")),
            filename=name or f"{message_id}.dat",
            source_id=source_id,
            headers=headers,
            refuse=refuse,
        )

    def _fetch(self, message_id: str, number: int) -> requests.Response:
        try:
            with failures_told():
                return self._client.retrieve_message_chunk(message_id, number)
        except StatusError as error:
            if number > 1:
                raise
            raise ItemError("vanished" if error.reason == "missing" else error.reason) from None

    def settle(self, item: Item, known: CollectedItem) -> None:
        if known.state == "noted":
            self._note_report(known)
        try:
            with failures_told():
                self._client.acknowledge_message(item.remote_id)
        except StatusError as error:
            if error.reason not in {"missing", "vanished"}:
                raise ItemError("settle-failed") from None

    def _note_report(self, known: CollectedItem) -> None:
        """What we sent and MESH could not deliver; written down before the report is let go."""
        told: dict[str, str] = msgspec.json.decode(known.headers or "{}")
        if told.get("mex-statussuccess", "").upper() == "SUCCESS":
            return
        at = self._gateway.now()
        with self._gateway.store.begin(actor=self._gateway.actor, at=at) as work:
            work.receipt_messages.refuse_delivery(
                known.collector_id,
                message_id=told.get("mex-linkedmsgid", ""),
                local_id=told.get("mex-localid", ""),
            )


def find_sent_at(message_id: str, now: datetime) -> datetime | None:
    """When a message was sent, by its id; None where that does not tell, or cannot be."""
    found = _SENT_AT.match(message_id)
    if found is None:
        return None
    try:
        at = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if now - timedelta(days=30) <= at <= now else None


def _keep_headers(headers: "requests.structures.CaseInsensitiveDict[str]") -> str:
    kept = {name.lower(): value for name, value in headers.items() if name.lower()[:4] == "mex-"}
    return msgspec.json.encode(kept).decode()


@contextmanager
def open_client(
    gateway: Gateway, settings: MeshSettings, *, tries_again: bool = True
) -> Iterator[MeshClient]:
    """The client of a mailbox. CollectError where a secret or certificate is not there."""
    pair = (settings.certificate, settings.key) if settings.certificate and settings.key else None
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
    with open_client(gateway, settings) as client:
        now = gateway.now()
        last = collector.cursor
        if not last or now - datetime.fromisoformat(last) > _HANDSHAKE_AFTER:
            with failures_told():
                client.handshake()  # type: ignore[no-untyped-call]
            with gateway.store.begin(actor=gateway.actor, at=now) as work:
                work.collectors.move_cursor(collector, now.isoformat())
        yield _Mailbox(gateway, settings, client)

"""The inbox of a MESH mailbox: messages from senders' mailboxes, each a feed; and reports about
messages of ours.

A message is acknowledged only when its bytes and headers are stored. What is refused but kept is
acknowledged too; what could not be kept stays there, until MESH gives it back to its sender.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import msgspec
import requests
from mesh_client import MeshClient

from gateway.bootstrap import Gateway
from gateway.collectors.checksum import Checksum, ChecksummedStream
from gateway.collectors.far_end import CollectError, Content, Item, ItemError, RefusedError
from gateway.collectors.mesh import MeshSettings
from gateway.collectors.mesh_calls import StatusError, failures_told
from gateway.collectors.mesh_content import MessageStream
from gateway.collectors.senders import find_source
from schemas.collecting import CollectedItem

_PAGE: Final = 500
# What is not acknowledged by then leaves the inbox, and its sender is told.
_EXPIRES_AFTER: Final = timedelta(days=5)
_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
# MESH's own ids begin with when the message was sent: 20210311101813838554_1B8F53.
_SENT_AT: Final = re.compile(r"(\d{14})\d*_")


class _Message(Content):
    def __init__(self, stream: MessageStream, checksum: Checksum, **rest: Any) -> None:
        super().__init__(ChecksummedStream(stream, checksum), **rest)
        self._checksum = checksum

    def check_whole(self) -> None:
        # On the way TLS guards it: what does not fit came so from its sender, and will again.
        if not self._checksum.fits():
            raise RefusedError("checksum")


class Mailbox:
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

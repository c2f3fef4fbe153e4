"""Collecting: a collector fetches feeds from a far end; what it finds there are items."""

from datetime import datetime
from typing import Final, Literal

import msgspec

CollectorKind = Literal["folder", "mesh", "sftp", "http"]
# waiting: seen at the far end, not received yet. received: its batch is committed. refused: it can
# be no feed, or nobody knows whose. noted: a message about a message, not a feed. gone: it left the
# far end before it was received.
ItemState = Literal["waiting", "received", "refused", "noted", "gone"]

# refused → received: an operator said whose it is. refused → waiting: it is to be tried again.
# gone → waiting: it is there again.
ITEM_TRANSITIONS: Final[frozenset[tuple[ItemState, ItemState]]] = frozenset(
    {
        ("waiting", "received"),
        ("waiting", "refused"),
        ("waiting", "noted"),
        ("waiting", "gone"),
        ("refused", "received"),
        ("refused", "waiting"),
        ("gone", "waiting"),
    }
)

# The answer to a message. sending: a run is at it. unknown: it broke off, and whether it went out
# nobody could tell. undelivered: sent, and reported back. refused: the far end does not take it.
ReceiptState = Literal["waiting", "sending", "sent", "unknown", "undelivered", "refused"]

# What somebody may have to look after.
NOT_SENT: Final[tuple[ReceiptState, ...]] = (
    "waiting",
    "sending",
    "unknown",
    "undelivered",
    "refused",
)

# sending → waiting: it surely did not go out. unknown → waiting: the far end never heard of it, or
# an operator says so. undelivered, refused → waiting: an operator has it sent again.
RECEIPT_TRANSITIONS: Final[frozenset[tuple[ReceiptState, ReceiptState]]] = frozenset(
    {
        ("waiting", "sending"),
        ("sending", "sending"),
        ("sending", "sent"),
        ("sending", "waiting"),
        ("sending", "unknown"),
        ("sending", "refused"),
        ("unknown", "sent"),
        ("unknown", "waiting"),
        ("unknown", "unknown"),
        ("sent", "undelivered"),
        ("unknown", "undelivered"),
        ("sending", "undelivered"),
        ("undelivered", "waiting"),
        ("refused", "waiting"),
    }
)

# Why an item is refused, or why it or a whole run failed. What is told of it: nothing else.
REASONS: Final[dict[str, str]] = {
    # an item is refused
    "ambiguous": "a marker stands for several files: give each its own",
    "bad-control-file": "its control file cannot be read, or says what cannot be",
    "bad-name": "its name is no plain file name",
    "checksum": "its bytes do not have the checksum it came with",
    "empty": "it holds nothing",
    "encrypted": "it is encrypted, and we have no key",
    "not-a-file": "it is a link, a folder or a device",
    "too-big": "it is bigger than LRMS_MAX_FEED_BYTES",
    "unknown-sender": "no source is set for who sent it",
    "unreadable": "it cannot be unpacked as its sender says it is packed",
    "wrong-workflow": "no source is set for its workflow",
    # an item, or the run, failed, and is tried again
    "bad-answer": "the far end answers what we do not understand",
    "certificate": "its certificate, or ours, is not accepted",
    "broken-off": "what came is less than the far end said",
    "changed": "it changed while it was read",
    "content-type": "what came is of another kind than was asked for",
    "denied": "the far end does not let us in, or not there",
    "failing": "the far end answers that it failed",
    "host-key": "the far end shows another host key than the one that is set",
    "item-failed": "some items failed; the others were collected",
    "missing": "the folder or mailbox is not there",
    "our-fault": "our own code failed",
    "redirected": "the far end sends us to another address, where we do not follow",
    "settle-failed": "it is received, but the far end could not be told",
    "settings": "the collector's settings cannot be used",
    "secret": "a secret is not where the settings say",
    "throttled": "the far end wants to be asked less often",
    "timed-out": "the far end did not answer in time",
    "unavailable": "our database or disk did not answer",
    "unreachable": "the far end cannot be reached",
    # a receipt that was sent back
    "undelivered": "MESH could not deliver it: its sender does not collect, or is no more",
    "not-taken": "the far end does not take it: is the recipient and workflow registered?",
    "lost-track": "it broke off while it was sent, and the far end cannot say whether it has it",
    # an item is gone
    "vanished": "it left the far end before it was received",
}


class Collector(msgspec.Struct, frozen=True, kw_only=True):
    """Fetches feeds for a source. ``settings`` is JSON, of the kind's own form and without secrets;
    ``every`` in seconds; ``cursor`` is where the next run begins, in the kind's own words.
    ``token`` is the fencing token: each run raises it, and only the newest may write.
    ``failures`` counts those since the last success; ``reason`` is the last one's."""

    id: str
    source_id: str
    kind: CollectorKind
    settings: str
    every: int
    cursor: str = ""
    due_at: datetime
    token: int = 0
    leased_until: datetime | None = None
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failures: int = 0
    reason: str | None = None
    created_at: datetime
    removed_at: datetime | None = None


class CollectedItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one item. ``settled_at``: when the far end was told (acknowledged, moved,
    deleted), or there was nothing to tell. ``sha256`` is there where its bytes are kept, also those
    of a refused one. ``headers`` is JSON: what came beside the bytes. ``tries`` counts the failed
    ones, ``reason`` is why. ``expires_at``: when the far end gives it up."""

    id: int
    collector_id: str
    remote_id: str
    name: str
    state: ItemState
    first_seen_at: datetime
    expires_at: datetime | None = None
    source_id: str | None = None
    size: int | None = None
    sha256: str | None = None
    batch_id: str | None = None
    received_at: datetime | None = None
    settled_at: datetime | None = None
    tries: int = 0
    reason: str | None = None
    headers: str | None = None


class ReceiptMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt of ``batch_id``, to be sent to who sent item ``item_id``. ``local_id`` is what
    the far end knows it by; ``message_id`` its own id of it, once it took the first part. ``token``
    is the fencing token; ``due_at`` is when it is tried (again), or, while it is being sent, when
    another may look into what became of it."""

    item_id: int
    collector_id: str
    batch_id: str
    local_id: str
    recipient: str
    workflow: str
    state: ReceiptState
    token: int
    attempts: int
    due_at: datetime
    created_at: datetime
    message_id: str | None = None
    sent_at: datetime | None = None
    reason: str | None = None

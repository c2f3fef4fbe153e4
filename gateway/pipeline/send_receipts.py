"""Send receipts back the way the feeds came: each message that brought a batch is answered with the
batch's receipt, once it is finished.

The answer is written down before it is sent. Where sending broke off, the far end is asked what it
has; only what it surely never got is sent again.
"""

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO, Final

import msgspec
from mesh_client import MeshClient

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError
from gateway.collectors.kinds import parse_settings
from gateway.collectors.mesh import MeshSettings, Receipts, open_client
from gateway.collectors.mesh_calls import failures_told, find_sent
from gateway.collectors.mesh_sending import send_first, send_rest
from gateway.receipts.read import open_receipt
from gateway.receipts.write import WRITERS
from schemas.collecting import CollectedItem, Collector, ReceiptMessage, ReceiptState
from schemas.errors import WrongUseError

log = logging.getLogger(__name__)

# Longer than sending takes: who is still at it then is dead.
LEASE: Final = timedelta(minutes=30)
# What the far end may not know of yet is asked about again.
_ASK_AGAIN: Final = timedelta(hours=1)
_MOST_AT_ONCE: Final = 500
_IN_MEMORY: Final = 4 * 2**20


def send_receipts(gateway: Gateway) -> dict[str, int]:
    """Of every collector that answers: how many receipts were ``sent``, and how many did not go out
    for what reason of state. One mailbox that fails holds up no other; ``failed`` counts them."""
    with gateway.store.read() as work:
        collectors = [one for one in work.collectors.find_all() if one.kind == "mesh"]
    done: Counter[str] = Counter(sent=0, failed=0)
    for collector in collectors:
        try:
            done.update(_send_of(gateway, collector))
        except (CollectError, WrongUseError) as error:
            done["failed"] += 1
            reason = error.reason if isinstance(error, CollectError) else "settings"
            log.warning("receipts of collector %s: %s", collector.id, reason)
    return dict(done)


def resend_receipt(gateway: Gateway, item_id: int) -> None:
    """An operator has a receipt sent anew, though the far end may have it. WrongUseError for one
    that is sent or on its way."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.receipt_messages.resend(work.receipt_messages.get(item_id))


def _send_of(gateway: Gateway, collector: Collector) -> Counter[str]:
    settings = parse_settings("mesh", collector.settings)
    done: Counter[str] = Counter()
    if not isinstance(settings, MeshSettings) or settings.receipts is None:
        return done
    _prepare(gateway, collector, settings.receipts)
    if not (_find_due(gateway, collector, "waiting") or _find_due(gateway, collector, "unclear")):
        return done
    with open_client(gateway, settings, tries_again=False) as client:
        for message in _find_due(gateway, collector, "unclear"):
            _look_after(gateway, client, message)
        for message in _find_due(gateway, collector, "waiting"):
            done[_send(gateway, client, message, settings.receipts.form)] += 1
    return done


def _prepare(gateway: Gateway, collector: Collector, receipts: Receipts) -> None:
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        for item in work.receipt_messages.find_unanswered(collector.id, _MOST_AT_ONCE):
            told = _read_headers(item)
            workflow = receipts.workflow or f"{told.get('mex-workflowid', '')}_ACK"
            work.receipt_messages.add(item, recipient=told.get("mex-from", ""), workflow=workflow)


def _read_headers(item: CollectedItem) -> dict[str, str]:
    return msgspec.json.decode(item.headers or "{}", type=dict[str, str])


def _find_due(gateway: Gateway, collector: Collector, what: str) -> list[ReceiptMessage]:
    states: tuple[ReceiptState, ...] = ("waiting",) if what == "waiting" else ("sending", "unknown")
    with gateway.store.read() as work:
        return work.receipt_messages.find(collector.id, states, due=gateway.now())


def _send(gateway: Gateway, client: MeshClient, message: ReceiptMessage, form: str) -> ReceiptState:
    """The state it is in afterwards."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        claimed = work.receipt_messages.claim(message, LEASE)
    if claimed is None:
        return "sending"
    with _write_receipt(gateway, claimed.batch_id, form) as (stream, size):
        if claimed.message_id is None:
            begun = send_first(client, claimed, stream, size, form)
            if begun.outcome != "taken" or begun.message_id is None:
                return _settle_failed(gateway, claimed, begun.outcome, begun.reason)
            with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
                taken = work.receipt_messages.take(claimed, begun.message_id)
            if taken is None:
                return "sending"
            claimed = taken
        try:
            send_rest(client, claimed, stream, size)
        except CollectError as error:
            return _settle_failed(gateway, claimed, "not_out", error.reason)
    return _settle(gateway, claimed, "sent")


def _settle_failed(
    gateway: Gateway, message: ReceiptMessage, outcome: str, reason: str | None
) -> ReceiptState:
    log.warning("receipt of item %d: %s, %s", message.item_id, outcome, reason)
    if outcome == "refused":
        return _settle(gateway, message, "refused", reason=reason)
    if outcome == "unknown":
        # Asked about at once in the next run: most often it is known by then.
        return _settle(gateway, message, "unknown", reason=reason)
    wait = timedelta(minutes=min(2**message.attempts, 60))
    return _settle(gateway, message, "waiting", reason=reason, wait=wait)


def _look_after(gateway: Gateway, client: MeshClient, message: ReceiptMessage) -> None:
    """What became of one whose sending broke off."""
    if message.message_id is not None:
        # The first part is there; the others may be sent again.
        _settle(gateway, message, "waiting")
        return
    with failures_told():
        is_there, message_id = find_sent(client, message.local_id)
    if is_there and message_id is None:
        _settle(gateway, message, "sent")
    elif message_id is not None:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            taken = work.receipt_messages.take(message, message_id)
        if taken is not None:
            _settle(gateway, taken, "waiting")
    elif _can_be_believed(gateway, client, message):
        _settle(gateway, message, "waiting")
    else:
        _settle(gateway, message, "unknown", reason="lost-track", wait=_ASK_AGAIN)


def _can_be_believed(gateway: Gateway, client: MeshClient, message: ReceiptMessage) -> bool:
    """That MESH does not know a message says something only where it knows another that it surely
    has: the call is deprecated, and one that is taken away answers in the same way."""
    with gateway.store.read() as work:
        known = work.receipt_messages.find_known(message.collector_id)
    if known is None:
        return False
    with failures_told():
        return find_sent(client, known.local_id)[0]


def _settle(
    gateway: Gateway,
    message: ReceiptMessage,
    state: ReceiptState,
    *,
    reason: str | None = None,
    wait: timedelta = timedelta(0),
) -> ReceiptState:
    now = gateway.now()
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        work.receipt_messages.settle(message, state, reason=reason, due_at=now + wait)
    return state


@contextmanager
def _write_receipt(gateway: Gateway, batch_id: str, form: str) -> Iterator[tuple[BinaryIO, int]]:
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as stream:
        with open_receipt(gateway, batch_id) as receipt:
            for piece in WRITERS[form](receipt):
                stream.write(piece.encode())
        yield stream, stream.tell()  # type: ignore[misc]

"""The watches there are. A new one is an entry here, a code in ``schemas.alarm_codes`` and a
section in docs/operations/alarms.md."""

from typing import Final

from gateway.monitoring.feeds import look_at_feeds
from gateway.monitoring.looking import Look, Watch
from gateway.monitoring.running import (
    look_at_collectors,
    look_at_disk,
    look_at_forwarding,
    look_at_items,
    look_at_partitions,
    look_at_reference,
    look_at_steps,
)
from gateway.monitoring.waiting import look_at_batches, look_at_outbox, look_at_quarantine
from schemas import alarm_codes as codes
from schemas.alarm_codes import AlarmCode


def _watch(look: Look, *seen: AlarmCode) -> Watch:
    return Watch(frozenset(one.code for one in seen), look)


WATCHES: Final[dict[str, Watch]] = {
    "feeds": _watch(look_at_feeds, codes.FEED_SILENT, codes.VOLUME_UNUSUAL, codes.REJECTIONS_HIGH),
    "batches": _watch(look_at_batches, codes.BATCH_STUCK, codes.BATCH_HELD),
    "quarantine": _watch(look_at_quarantine, codes.RECORDS_QUARANTINED),
    "outbox": _watch(
        look_at_outbox, codes.ALERTS_WAITING, codes.MESSAGES_WAITING, codes.MESSAGES_PARKED
    ),
    "collectors": _watch(look_at_collectors, codes.COLLECTOR_FAILING, codes.MESH_EXPIRING),
    "items": _watch(look_at_items, codes.ITEMS_REFUSED, codes.RECEIPTS_UNDELIVERED),
    "reference": _watch(look_at_reference, codes.REFERENCE_LATE),
    "forwarding": _watch(look_at_forwarding, codes.FORWARDING_UNKNOWN),
    "steps": _watch(look_at_steps, codes.STEP_FAILING, codes.STEP_SILENT, codes.LOAD_LATE),
    "partitions": _watch(look_at_partitions, codes.PARTITION_MISSING),
    "disk": _watch(look_at_disk, codes.DISK_FILLING),
}

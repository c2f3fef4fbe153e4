"""Prune what was kept long enough, by the policy in the settings (``LRMS_KEEP_…``). Killed anywhere
and run again, it goes on. Events, their history and the audit log are never pruned."""

import logging
from datetime import datetime, timedelta
from typing import Final

from gateway.bootstrap import Gateway
from gateway.pipeline.prune_items import count_items, prune_items
from gateway.pipeline.upload import prune_uploads
from schemas.identity import begin_window
from schemas.retention import Aged, Prunable
from store.kept_rows import KeptKind

log = logging.getLogger(__name__)
# Batches, or rows, in one transaction.
CHUNK: Final = 500
# After so long nobody is still receiving what was deleted meanwhile.
_FORGET: Final = timedelta(days=7)
_OF_BATCHES: Final[tuple[Prunable, ...]] = ("bytes", "unpacked", "findings")
_ROWS: Final[tuple[KeptKind, ...]] = (
    "trials",
    "messages",
    "reports",
    "refused",
    "alarms",
    "feed_days",
)


def prune_old_data(gateway: Gateway) -> dict[str, int]:
    """How many batches lost their bytes, unpacked files and findings; how many edits lost what they
    changed; how many collected items, dry runs … are gone; how many raw files were deleted, as
    nothing needs them any more."""
    prune_expired(gateway)
    done: dict[str, int] = {}
    edits = 0
    for what in _OF_BATCHES:
        aged = find_aged(gateway, what)
        done[what], with_them = _prune_batches(gateway, what, aged) if aged else (0, 0)
        edits += with_them
    done["edits"] = edits + _prune_rows(gateway, "edits", gateway.now())
    before = _find_before(gateway, "items")
    done["items"] = prune_items(gateway, before, CHUNK) if before else 0
    for kind in _ROWS:
        before = _find_before(gateway, kind)
        done[kind] = _prune_rows(gateway, kind, before) if before else 0
    done["files"] = _delete_files(gateway)
    log.info("pruned: %s", ", ".join(f"{count} {what}" for what, count in done.items()))
    return done


def count_old_data(gateway: Gateway) -> dict[str, int]:
    """What :func:`prune_old_data` would prune now, by the same words; ``files`` are those that are
    marked already, and left by a run that was killed."""
    found: dict[str, int] = {}
    with gateway.store.read() as work:
        for what in _OF_BATCHES:
            aged = find_aged(gateway, what)
            found[what] = work.retention.count(what, aged) if aged else 0
        aged = find_aged(gateway, "bytes")
        left = work.kept_rows.count("edits", gateway.now())
        found["edits"] = left + (work.retention.count_edits(aged) if aged else 0)
        before = _find_before(gateway, "items")
        found["items"] = count_items(work, before) if before else 0
        for kind in _ROWS:
            before = _find_before(gateway, kind)
            found[kind] = work.kept_rows.count(kind, before) if before else 0
        found["files"] = work.pruned_files.count_marked()
    return found


def prune_expired(gateway: Gateway) -> None:
    """What has an end of its own: uploads, tokens, idempotency keys, counts of use. The API does so
    every hour."""
    prune_uploads(gateway)
    settings, now = gateway.settings, gateway.now()
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        work.tokens.prune()
        work.reservations.prune(timedelta(days=settings.keep_key_days))
        last = now - timedelta(days=settings.keep_usage_days)
        work.usage.prune(begin_window(int(last.timestamp())))
        work.pruned_files.forget_deleted(now - _FORGET)


def find_aged(gateway: Gateway, what: Prunable) -> Aged | None:
    """From when on a batch is old; None: it is kept for ever. What was edited of its records goes
    with its bytes."""
    before = _find_before(gateway, what)
    if before is None:
        return None
    if what != "bytes":
        return Aged(before, before)
    rejected = _find_before(gateway, "rejected")
    return Aged(before, rejected and min(before, rejected))


def _find_before(gateway: Gateway, kind: str) -> datetime | None:
    if kind == "refused":
        # As with batches: never before what was accepted.
        aged = find_aged(gateway, "bytes")
        return aged.rejected_before if aged else None
    settings = gateway.settings
    days: int = {
        "bytes": settings.keep_raw_days,
        "rejected": settings.keep_rejected_days,
        "items": settings.keep_item_days,
        "alarms": settings.keep_alarm_days,
        "feed_days": settings.keep_volume_days,
        "unpacked": settings.keep_unpacked_days,
        "findings": settings.keep_finding_days,
        "trials": settings.keep_trial_days,
        "messages": settings.keep_message_days,
        "reports": settings.keep_report_days,
    }[kind]
    return gateway.now() - timedelta(days=days) if days else None


def _prune_batches(gateway: Gateway, what: Prunable, aged: Aged) -> tuple[int, int]:
    """How many batches, and edits of their records; a transaction after the other."""
    batches = edits = 0
    place: int | None = 0
    while place is not None:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            pruned = work.retention.prune(what, aged, CHUNK, place)
        batches, edits, place = batches + pruned.batches, edits + pruned.edits, pruned.place
    return batches, edits


def _prune_rows(gateway: Gateway, kind: KeptKind, before: datetime) -> int:
    total, pruned = 0, CHUNK
    while pruned == CHUNK:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            pruned = work.kept_rows.prune(kind, before, CHUNK)
        total += pruned
    return total


def _delete_files(gateway: Gateway) -> int:
    """One at a time and under a lock: whoever receives the same bytes waits for it, and looks
    whether the file is there. A kill before the commit leaves it marked, for the next run."""
    deleted, after = 0, ""
    while True:
        with gateway.store.read() as work:
            marked = work.pruned_files.find_marked(CHUNK, after)
        for sha256 in marked:
            with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
                if work.pruned_files.lock_marked(sha256):
                    gateway.raw.remove(sha256)
                    work.pruned_files.settle(sha256)
                    deleted += 1
        if len(marked) < CHUNK:
            return deleted
        after = marked[-1]

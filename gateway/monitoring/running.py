"""Watches over what the gateway runs on and with: steps, disk, partitions, collectors, reference
data."""

import shutil
from datetime import timedelta
from typing import Final

from gateway.monitoring.instants import word_instant
from gateway.monitoring.looking import Looking
from schemas.alarm import Params, Seen, StepRun
from schemas.alarm_codes import (
    COLLECTOR_FAILING,
    DISK_FILLING,
    FORWARDING_UNKNOWN,
    ITEMS_REFUSED,
    LOAD_LATE,
    MESH_EXPIRING,
    PARTITION_MISSING,
    RECEIPTS_UNDELIVERED,
    REFERENCE_LATE,
    STEP_FAILING,
    STEP_SILENT,
)
from schemas.collecting import ReceiptState
from store.partitions import FIRST_YEAR, LAST_YEAR

# How often each step runs by the clock, in minutes; those that only follow others are not here.
STEP_MINUTES: Final = {
    "collect_feeds.find_due": 1,
    "load_feeds.plan": 5,
    "mark_externally_recorded.mark": 60,
    "notify_admin_users.prepare": 10,
    "notify_admin_users.deliver": 10,
    "watch_feeds.look": 10,
}
# The step that ends a run of the DAGs that have a deadline.
LAST_STEPS: Final = {"load_feeds": "load_feeds.finish"}
# Later than so many of its intervals, and than so many minutes, a step does not run.
STEP_PATIENCE: Final = 3
LEAST_STEP_MINUTES: Final = 30
# Every task is tried four times within minutes: fewer failures mend themselves.
STEP_FAILURES: Final = 4
COLLECTOR_FAILURES: Final = 3
# A MESH message is kept for five days (NHS England, MESH API: 120 hours).
MESH_LEFT: Final = timedelta(days=2)
# Who was told of a refused item within a week has done what there is to be done.
REFUSED_TOLD: Final = timedelta(days=7)
LOST_RECEIPTS: Final[tuple[ReceiptState, ...]] = ("undelivered", "refused", "unknown")
REFERENCE_LATE_AFTER: Final = timedelta(hours=36)


def look_at_steps(looking: Looking) -> list[Seen]:
    """Of the steps that ever ran: where Airflow was never started, nothing is expected of it."""
    seen: list[Seen] = []
    for step in looking.work.steps.find_all():
        if step.failures >= STEP_FAILURES:
            params: Params = {"failures": step.failures, "ran": word_instant(step.ran_at)}
            seen.append(Seen(code=STEP_FAILING.code, subject=step.name, params=params))
        elif is_silent(step, looking):
            told: Params = {"ran": word_instant(step.ran_at), "minutes": STEP_MINUTES[step.name]}
            seen.append(Seen(code=STEP_SILENT.code, subject=step.name, params=told))
    return seen + _keep_late_loads(looking)


def _keep_late_loads(looking: Looking) -> list[Seen]:
    """Airflow says that a load is late (``gateway.monitoring.deadline``); it is over once a later
    one came to its end."""
    ran = {one.name: one.ran_at for one in looking.work.steps.find_all()}
    kept = []
    for (code, dag), alarm in looking.open.items():
        if code == LOAD_LATE.code:
            ended = ran.get(LAST_STEPS.get(dag, ""))
            if ended is None or ended <= alarm.opened_at:
                kept.append(Seen(code=code, subject=dag, params=alarm.params))
    return kept


def is_silent(step: StepRun, looking: Looking) -> bool:
    minutes = STEP_MINUTES.get(step.name)
    if minutes is None or step.ran_at is None:
        return False
    allowed = max(STEP_PATIENCE * minutes, LEAST_STEP_MINUTES)
    return looking.now - step.ran_at > timedelta(minutes=allowed)


def look_at_partitions(looking: Looking) -> list[Seen]:
    """Years out of all bounds are mistakes of senders, and are where they belong."""
    found = looking.work.partitions.find_strays()
    strays = {year: events for year, events in found.items() if FIRST_YEAR <= year <= LAST_YEAR}
    if not strays:
        return []
    params: Params = {
        "events": sum(strays.values()),
        "years": ", ".join(map(str, sorted(strays))),
    }
    return [Seen(code=PARTITION_MISSING.code, params=params)]


def look_at_disk(looking: Looking) -> list[Seen]:
    disk = shutil.disk_usage(looking.settings.home)
    least = looking.settings.disk_free_percent
    if 100 * disk.free / disk.total >= least:
        return []
    # Rounded, so that it is not told anew with every file.
    params: Params = {"least": least, "free_mib": disk.free // 2**28 * 256}
    return [Seen(code=DISK_FILLING.code, params=params)]


def look_at_collectors(looking: Looking) -> list[Seen]:
    outside = looking.work.outside
    failing = [
        Seen(
            code=COLLECTOR_FAILING.code,
            subject=one.id,
            params={
                "failures": one.failures,
                "since": word_instant(one.last_success_at or one.created_at),
                "reason": one.reason or "not known",
            },
        )
        for one in outside.find_failing_collectors(COLLECTOR_FAILURES)
    ]
    expiring = [
        Seen(
            code=MESH_EXPIRING.code,
            subject=one.collector_id,
            params={"messages": one.items, "expires": word_instant(one.first)},
        )
        for one in outside.find_expiring(looking.now + MESH_LEFT)
    ]
    return failing + expiring


def look_at_items(looking: Looking) -> list[Seen]:
    """What came to a collector and is no batch, and what it sent back that did not arrive."""
    outside = looking.work.outside
    refused = [
        Seen(
            code=ITEMS_REFUSED.code,
            subject=one.collector_id,
            params={
                "items": sum(one.reasons.values()),
                "last": word_instant(one.last),
                "reasons": ", ".join(f"{count} {why}" for why, count in one.reasons.items()),
            },
        )
        for one in outside.find_refused(looking.now - REFUSED_TOLD)
    ]
    lost = [
        Seen(
            code=RECEIPTS_UNDELIVERED.code,
            subject=collector_id,
            params={state: counts.get(state, 0) for state in LOST_RECEIPTS},
        )
        for collector_id, counts in outside.count_receipts(LOST_RECEIPTS).items()
    ]
    return refused + lost


def look_at_forwarding(looking: Looking) -> list[Seen]:
    """What is not known is asked about at once; what upstream still cannot answer by then is an
    alarm."""
    late = timedelta(minutes=looking.settings.outbox_late_minutes)
    events, oldest = looking.work.outside.count_unknown_forwards(looking.now - late)
    if not events:
        return []
    params: Params = {"events": events, "oldest": word_instant(oldest)}
    return [Seen(code=FORWARDING_UNKNOWN.code, params=params)]


def look_at_reference(looking: Looking) -> list[Seen]:
    """Of the syncs that ever ran: whoever loads the register from files has none."""
    return [
        Seen(code=REFERENCE_LATE.code, subject=name, params={"last": word_instant(last)})
        for name, (first, last) in looking.work.outside.find_synced().items()
        if (last or first) < looking.now - REFERENCE_LATE_AFTER
    ]

"""Watches over what waits for us: batches, quarantined records, alerts, messages."""

from datetime import timedelta
from typing import Final

from gateway.monitoring.instants import word_instant
from gateway.monitoring.looking import Looking
from schemas.alarm import Params, Seen
from schemas.alarm_codes import (
    ALERTS_WAITING,
    BATCH_HELD,
    BATCH_STUCK,
    MESSAGES_PARKED,
    MESSAGES_WAITING,
    RECORDS_QUARANTINED,
)
from schemas.statuses import AlertKind
from store.backlog import LateBatch, Waiting

# Alarms of one kind at a time: more of them tell nothing more.
MOST: Final = 100
# A digest goes out once a day.
DIGEST_LATE: Final = timedelta(hours=26)
_NONE: Final = Waiting()


def look_at_batches(looking: Looking) -> list[Seen]:
    late = looking.now - timedelta(minutes=looking.settings.batch_late_minutes)
    held = looking.now - timedelta(hours=looking.settings.held_late_hours)
    backlog = looking.work.backlog
    stuck = backlog.find_late(("received", "planned"), late, MOST)
    waiting = backlog.find_late(("held",), held, MOST)
    return [
        *(Seen(code=BATCH_STUCK.code, subject=one.id, params=_tell(one)) for one in stuck),
        *(Seen(code=BATCH_HELD.code, subject=one.id, params=_tell(one)) for one in waiting),
    ]


def look_at_quarantine(looking: Looking) -> list[Seen]:
    return [
        Seen(
            code=RECORDS_QUARANTINED.code,
            subject=one.fault_id,
            params={"records": one.records, "oldest": word_instant(one.oldest)},
        )
        for one in looking.work.outside.find_quarantined(MOST)
    ]


def look_at_outbox(looking: Looking) -> list[Seen]:
    backlog, seen = looking.work.backlog, []
    late = timedelta(minutes=looking.settings.outbox_late_minutes)
    alerts = backlog.count_alerts()
    limits: dict[AlertKind, timedelta] = {"urgent": late, "digest": max(late, DIGEST_LATE)}
    over = [
        one.oldest
        for kind, limit in limits.items()
        if (one := alerts.get(kind, _NONE)).oldest and one.oldest < looking.now - limit
    ]
    if over:
        params: Params = {
            "urgent": alerts.get("urgent", _NONE).count,
            "digest": alerts.get("digest", _NONE).count,
            "oldest": word_instant(min(over)),
        }
        seen.append(Seen(code=ALERTS_WAITING.code, params=params))
    unsent = backlog.count_messages()
    if unsent.oldest and unsent.oldest < looking.now - late:
        told: Params = {"messages": unsent.count, "oldest": word_instant(unsent.oldest)}
        seen.append(Seen(code=MESSAGES_WAITING.code, params=told))
    parked, to_leads = backlog.count_parked(looking.settings.national_leads)
    if parked:
        parked_params: Params = {"messages": parked, "to_leads": to_leads}
        seen.append(Seen(code=MESSAGES_PARKED.code, params=parked_params))
    return seen


def _tell(batch: LateBatch) -> Params:
    return {
        "received": word_instant(batch.received_at),
        "source": batch.source_id,
        "state": batch.state,
        "parts": batch.parts,
        "loaded": batch.loaded,
    }

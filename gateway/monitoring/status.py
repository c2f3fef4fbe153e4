"""How the gateway stands at this moment: what came, what waits, what failed, what is late. Looked
at anew, so that it is true also while Airflow, and with it the watch, stands still."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Literal

import msgspec

from gateway.bootstrap import Gateway
from gateway.monitoring.instants import LONDON
from gateway.monitoring.rhythm import learn, word_rhythm
from gateway.monitoring.watch import look
from gateway.notifications.alarm_wording import word_runbook
from schemas.alarm import Alarm, Expected, FeedDay, Params, Seen, StepRun
from schemas.alarm_codes import ALARM_CODES, Urgency
from store.backlog import Came, Waiting
from store.outside import Quarantined
from store.unit_of_work import UnitOfWork

# new: seen just now; the watch will open it, and tell, when it runs next.
AlarmSeen = Literal["new", "open", "acknowledged"]
_WEEK = timedelta(days=7)
_MOST = 20


class AlarmNow(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm in words. ``number`` is None as long as it is new."""

    number: int | None
    code: str
    subject: str
    title: str
    urgency: Urgency
    words: str
    state: AlarmSeen
    since: datetime
    reason: str | None
    runbook: str


class SourceNow(msgspec.Struct, frozen=True, kw_only=True):
    """What came from a source, and when it usually does."""

    id: str
    last_at: datetime | None
    today: Came
    week: Came
    usual: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """``could_not_look``: a watch failed, and what it watches over is not known."""

    at: datetime
    alarms: list[AlarmNow]
    could_not_look: str | None
    sources: list[SourceNow]
    batches: dict[str, Waiting]
    parts: dict[str, int]
    alerts: dict[str, Waiting]
    messages: Waiting
    parked: int
    collecting: dict[str, int]
    quarantined: list[Quarantined]
    verdicts_of_week: dict[str, int]
    steps: list[StepRun]

    @property
    def is_well(self) -> bool:
        """No alarm that nobody looks into."""
        unheeded = any(one.state != "acknowledged" for one in self.alarms)
        return not unheeded and self.could_not_look is None


def find_status(gateway: Gateway) -> Status:
    now = gateway.now()
    seen, looked, failure = look(gateway)
    with gateway.store.read() as work:
        parked, _ = work.backlog.count_parked(gateway.settings.national_leads)
        return Status(
            at=now,
            alarms=_merge(gateway, work.alarms.find_open(), seen, looked),
            could_not_look=str(failure) if failure else None,
            sources=_find_sources(work, now),
            batches=dict(work.backlog.count_batches().items()),
            parts=work.backlog.count_parts(),
            alerts=dict(work.backlog.count_alerts().items()),
            messages=work.backlog.count_messages(),
            parked=parked,
            collecting=work.outside.count_items(),
            quarantined=work.outside.find_quarantined(_MOST),
            verdicts_of_week=work.backlog.count_verdicts(now - _WEEK),
            steps=work.steps.find_all(),
        )


def _merge(
    gateway: Gateway, stored: list[Alarm], seen: list[Seen], looked: frozenset[str]
) -> list[AlarmNow]:
    """Urgent ones first, then the oldest; without those that are over since the watch ran."""
    now_seen = {(one.code, one.subject): one for one in seen}
    known = {(one.code, one.subject) for one in stored}
    kept = [one for one in stored if (one.code, one.subject) in now_seen or one.code not in looked]
    told = [
        _tell(gateway, one, _find_params(one, now_seen), "open" if one.state == "open" else None)
        for one in kept
    ]
    fresh = [
        Alarm(
            number=0,
            code=one.code,
            subject=one.subject,
            params={**one.params},
            state="open",
            opened_at=gateway.now(),
            seen_at=gateway.now(),
        )
        for key, one in now_seen.items()
        if key not in known
    ]
    told += [_tell(gateway, one, one.params, "new") for one in fresh]
    return sorted(told, key=lambda one: (one.urgency != "urgent", one.since, one.code, one.subject))


def _find_params(alarm: Alarm, seen: Mapping[tuple[str, str], Seen]) -> Params:
    found = seen.get((alarm.code, alarm.subject))
    return found.params if found else alarm.params


def _tell(
    gateway: Gateway, alarm: Alarm, params: Params, state: Literal["new", "open"] | None
) -> AlarmNow:
    code = ALARM_CODES[alarm.code]
    return AlarmNow(
        number=alarm.number or None,
        code=alarm.code,
        subject=alarm.subject,
        title=code.title,
        urgency=code.urgency,
        words=code.word(params),
        state=state or "acknowledged",
        since=alarm.opened_at,
        reason=alarm.reason,
        runbook=word_runbook(alarm, gateway.settings.runbooks_url),
    )


def _find_sources(work: UnitOfWork, now: datetime) -> list[SourceNow]:
    today = now.astimezone(LONDON).date()
    begin = datetime.combine(today, time(), LONDON)
    days = work.feed_days.find(today)
    expected, last = work.expected.find_all(), work.backlog.find_last_received()
    of_today = {one.source_id: one for one in work.backlog.count_came(begin)}
    of_week = {one.source_id: one for one in work.backlog.count_came(now - _WEEK)}
    return [
        SourceNow(
            id=source.id,
            last_at=last.get(source.id),
            today=of_today.get(source.id, Came(source_id=source.id)),
            week=of_week.get(source.id, Came(source_id=source.id)),
            usual=_word_usual(days.get(source.id, []), expected.get(source.id)),
        )
        for source in work.sources.find_all()
    ]


def _word_usual(days: list[FeedDay], expected: Expected | None) -> str:
    if expected is not None and expected.silent_after_minutes is not None:
        hours = expected.silent_after_minutes / 60
        return f"every {hours:g} hours, as set" if hours else "not watched for silence, as set"
    rhythm = learn(days, days[-1].day + timedelta(days=1)) if days else None
    return word_rhythm(rhythm) if rhythm else "not known yet"

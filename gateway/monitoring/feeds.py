"""Watches over feeds: silent, unusually small or large, too much of it rejected."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from gateway.monitoring.bands import find_out_of_band, find_rejecting
from gateway.monitoring.instants import word_instant
from gateway.monitoring.looking import Looking
from gateway.monitoring.rhythm import Silence, find_silence, learn
from schemas.alarm import Expected, FeedDay, Params, Seen
from schemas.alarm_codes import FEED_SILENT, REJECTIONS_HIGH, VOLUME_UNUSUAL

# Longer ago than is counted (store.feed_days).
LONG_AGO: Final = "months ago, if ever"


def look_at_feeds(looking: Looking) -> list[Seen]:
    """Of every source that something came from in these weeks, or that something is expected of."""
    expected = looking.work.expected.find_all()
    days_of = looking.work.feed_days.find(looking.today)
    seen: list[Seen] = []
    for source_id, days in days_of.items():
        told = expected.get(source_id)
        seen += _look_for_silence(source_id, days, told, looking)
        seen += _look_at_volume(source_id, days, told, looking.today)
        seen += _look_at_rejections(source_id, days, told)
    for source_id in expected.keys() - days_of.keys():
        seen += _look_for_first(expected[source_id], looking)
    return seen + _keep_silent(set(days_of) | set(expected), looking)


def _look_for_silence(
    source_id: str, days: Sequence[FeedDay], expected: Expected | None, looking: Looking
) -> list[Seen]:
    last_at = days[-1].last_at
    if expected is not None and expected.silent_after_minutes is not None:
        silence = _find_set_silence(expected.silent_after_minutes, last_at, looking)
    else:
        known = looking.open.get((FEED_SILENT.code, source_id))
        if known is not None and last_at < known.opened_at:
            # Whatever may be learned by now: as long as nothing comes, it is over for nobody.
            return [Seen(code=known.code, subject=source_id, params=known.params)]
        silence = _find_learned_silence(days, looking)
    return [_see_silence(source_id, word_instant(last_at), silence)] if silence else []


def _find_learned_silence(days: Sequence[FeedDay], looking: Looking) -> Silence | None:
    # The pattern is that of the time when it still sent: else it would fade in a long silence.
    end = min(looking.today, days[-1].day + timedelta(days=1))
    rhythm = learn(days, end)
    return find_silence(rhythm, days[-1].last_at, looking.now) if rhythm else None


def _find_set_silence(minutes: int, since: datetime, looking: Looking) -> Silence | None:
    due = since + timedelta(minutes=minutes)
    is_over = minutes > 0 and looking.now > due
    return Silence(due, f"every {minutes / 60:g} hours, as set") if is_over else None


def _look_for_first(expected: Expected, looking: Looking) -> list[Seen]:
    """Of a source that nothing ever came from, or nothing for months."""
    if expected.silent_after_minutes is None or expected.set_at is None:
        return []
    silence = _find_set_silence(expected.silent_after_minutes, expected.set_at, looking)
    return [_see_silence(expected.source_id, LONG_AGO, silence)] if silence else []


def _keep_silent(known: set[str], looking: Looking) -> list[Seen]:
    """A source whose last batch is too long ago to be counted is silent still."""
    return [
        Seen(code=alarm.code, subject=alarm.subject, params=alarm.params)
        for (code, subject), alarm in looking.open.items()
        if code == FEED_SILENT.code and subject not in known
    ]


def _see_silence(source_id: str, last: str, silence: Silence) -> Seen:
    params: Params = {"last": last, "due": word_instant(silence.due), "pattern": silence.pattern}
    return Seen(code=FEED_SILENT.code, subject=source_id, params=params)


def _look_at_volume(
    source_id: str, days: Sequence[FeedDay], expected: Expected | None, today: date
) -> list[Seen]:
    found = find_out_of_band(days, today, expected)
    if found is None:
        return []
    params: Params = {
        "records": found.day.records,
        "day": f"{found.day.day:%a} {found.day.day.day} {found.day.day:%b}",
        "least": found.band.least,
        "most": found.band.most,
        "pattern": found.band.pattern,
    }
    return [Seen(code=VOLUME_UNUSUAL.code, subject=source_id, params=params)]


def _look_at_rejections(
    source_id: str, days: Sequence[FeedDay], expected: Expected | None
) -> list[Seen]:
    found = find_rejecting(days, expected)
    if found is None:
        return []
    params: Params = {
        "rejected": found.rejected,
        "records": found.records,
        "day": f"{found.since:%a} {found.since.day} {found.since:%b}",
        "most": round(100 * found.most, 1),
        "pattern": found.pattern,
    }
    return [Seen(code=REJECTIONS_HIGH.code, subject=source_id, params=params)]

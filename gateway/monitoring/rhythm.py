"""When a source usually sends, learned from the days on which it did, and by when something must
have come. Pure: days in, a judgement out."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from gateway.monitoring.bank_holidays import SATURDAY, find_bank_holidays
from gateway.monitoring.spread import find_spread
from schemas.alarm import FeedDay

LONDON: Final = ZoneInfo("Europe/London")
# The pattern of the last eight weeks; before four weeks are over nothing is concluded.
WEEKS: Final = 8
LEAST_WEEKS: Final = 4
# On a weekday that something came on in three of four weeks, something is expected.
USUAL_SHARE: Final = 0.75
# An hour in which something came on nine of ten days; four such hours without anything are silence.
BUSY_SHARE: Final = 0.9
BUSY_HOURS: Final = 4
LEAST_DAYS: Final = 8
# After the usual time of the first batch of a day: at least so long, and longer where it varies.
LEAST_MINUTES: Final = 120
# Of a source without expected weekdays: so many gaps between its days are enough to learn from.
LEAST_GAPS: Final = 5
_DAY_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """``by``: on each weekday that something is expected on, minutes after midnight by which it
    must have come. ``busy``: hours in which something always comes, of weekdays and of weekends.
    ``gap``: of a source without such days, how many days may pass."""

    by: dict[int, int] = {}
    busy: tuple[frozenset[int], frozenset[int]] = (frozenset(), frozenset())
    gap: int = 0

    @property
    def rests(self) -> bool:
        """Not expected on every day of the week, so not on bank holidays either."""
        return len(self.by) < 7

    def expects(self, day: date) -> bool:
        is_off = self.rests and day in find_bank_holidays(day.year)
        return day.weekday() in self.by and not is_off


class Silence(msgspec.Struct, frozen=True):
    """Since when something is missing, and what makes us think so."""

    due: datetime
    pattern: str


def learn(days: Sequence[FeedDay], today: date) -> Rhythm | None:
    """From the days of one source before today, the oldest first; None where they are too few."""
    past = [one for one in days if one.day < today]
    if not past or today - past[0].day < timedelta(weeks=LEAST_WEEKS):
        return None
    first = max(past[0].day, today - timedelta(weeks=WEEKS))
    recent = {one.day: one for one in past if one.day >= first}
    usual = _find_usual_weekdays(recent, first, today)
    if usual:
        by = {weekday: _find_latest(recent, weekday) for weekday in usual}
        return Rhythm(by=by, busy=_find_busy_hours(recent, usual))
    gap = _find_gap(past)
    return Rhythm(gap=gap) if gap else None


def find_silence(rhythm: Rhythm, last_at: datetime, now: datetime) -> Silence | None:
    """What is missing at this moment, if anything is; ``last_at`` is when the last batch came."""
    if rhythm.gap:
        due = last_at + timedelta(days=rhythm.gap)
        return Silence(due, f"at least every {rhythm.gap} days") if now > due else None
    return _find_missed_day(rhythm, last_at, now) or _find_quiet_hours(rhythm, last_at, now)


def word_rhythm(rhythm: Rhythm) -> str:
    """``Mon Tue Wed Thu Fri by 08:10``"""
    if rhythm.gap:
        return f"at least every {rhythm.gap} days"
    by = max(rhythm.by.values())
    names = " ".join(_DAY_NAMES[weekday] for weekday in sorted(rhythm.by))
    days = "every day" if len(rhythm.by) == 7 else names
    return f"{days} by {by // 60:02}:{by % 60:02}" if by < 24 * 60 else f"{days}, at any hour"


def _find_usual_weekdays(recent: dict[date, FeedDay], first: date, today: date) -> list[int]:
    seen: dict[int, list[bool]] = {}
    for number in range((today - first).days):
        day = first + timedelta(days=number)
        if day not in find_bank_holidays(day.year):
            seen.setdefault(day.weekday(), []).append(day in recent)
    return [
        weekday
        for weekday, came in sorted(seen.items())
        if len(came) >= LEAST_WEEKS - 1 and sum(came) / len(came) >= USUAL_SHARE
    ]


def _find_latest(recent: dict[date, FeedDay], weekday: int) -> int:
    """Minutes after midnight by which the first batch of such a day must have come."""
    firsts = [_minutes(one.first_at) for day, one in recent.items() if day.weekday() == weekday]
    return int(median(firsts) + max(LEAST_MINUTES, 3 * find_spread(firsts)))


def _find_busy_hours(
    recent: dict[date, FeedDay], usual: Sequence[int]
) -> tuple[frozenset[int], frozenset[int]]:
    found = []
    for is_weekend in (False, True):
        days = [
            one
            for day, one in recent.items()
            if day.weekday() in usual
            and (day.weekday() >= SATURDAY) == is_weekend
            and day not in find_bank_holidays(day.year)
        ]
        enough = len(days) >= LEAST_DAYS
        shares = {hour: sum(one.hours >> hour & 1 for one in days) for hour in range(24)}
        found.append(
            frozenset(
                hour for hour, came in shares.items() if enough and came / len(days) >= BUSY_SHARE
            )
        )
    return found[0], found[1]


def _find_gap(past: Sequence[FeedDay]) -> int:
    """How many days may pass between two; 0 where there were too few."""
    gaps = [(after.day - before.day).days for before, after in pairwise(past)]
    if len(gaps) < LEAST_GAPS:
        return 0
    usual = median(gaps)
    return int(usual + max(2, usual / 2, 3 * find_spread(gaps)) + 1)


def _find_missed_day(rhythm: Rhythm, last_at: datetime, now: datetime) -> Silence | None:
    day = last_at.astimezone(LONDON).date() + timedelta(days=1)
    while day <= now.astimezone(LONDON).date():
        if rhythm.expects(day):
            due = _at(day, rhythm.by[day.weekday()])
            return Silence(due, word_rhythm(rhythm)) if now > due else None
        day += timedelta(days=1)
    return None


def _find_quiet_hours(rhythm: Rhythm, last_at: datetime, now: datetime) -> Silence | None:
    """So many busy hours that went by whole since the last batch."""
    hour = last_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    quiet = 0
    # Longer than a day would be a missed day, or a weekend.
    while hour + timedelta(hours=1) <= now and hour - last_at < timedelta(days=4):
        local = hour.astimezone(LONDON)
        busy = rhythm.busy[local.weekday() >= SATURDAY]
        if rhythm.expects(local.date()) and local.hour in busy:
            quiet += 1
            if quiet == BUSY_HOURS:
                return Silence(
                    hour + timedelta(hours=1), f"{BUSY_HOURS} hours in which it always sends"
                )
        hour += timedelta(hours=1)
    return None


def _minutes(instant: datetime) -> int:
    local = instant.astimezone(LONDON)
    return local.hour * 60 + local.minute


def _at(day: date, minutes: int) -> datetime:
    """So many minutes after a day began, in UTC."""
    begin = datetime.combine(day, time(), LONDON).astimezone(UTC)
    return begin + timedelta(minutes=minutes)

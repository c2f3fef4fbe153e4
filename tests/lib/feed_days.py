"""Days of a made-up source, for what is learned from them."""

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.monitoring.bank_holidays import find_bank_holidays
from schemas.alarm import FeedDay

LONDON = ZoneInfo("Europe/London")
SOURCE = "ward-system"


def at(day: date, clock: str) -> datetime:
    """An instant by London's clock, in UTC."""
    return datetime.combine(day, time.fromisoformat(clock), LONDON).astimezone(UTC)


def make_day(day, clock="06:00", *, last=None, records=100, rejected=0, batches=1, hours=None):
    first, last = at(day, clock), at(day, last or clock)
    seen = hours if hours is not None else {first.astimezone(LONDON).hour}
    return FeedDay(
        source_id=SOURCE,
        day=day,
        batches=batches,
        records=records,
        rejected=rejected,
        first_at=first,
        last_at=last,
        hours=sum(1 << hour for hour in seen),
    )


def make_days(until: date, *, weeks=9, weekdays=range(7), holidays=False, seed=1, **given):
    """A day for each of these weekdays, up to the day before ``until``, with some minutes and
    records more or less; not on bank holidays, unless told."""
    luck = random.Random(seed)
    days = []
    for number in range(7 * weeks, 0, -1):
        day = until - timedelta(days=number)
        is_off = not holidays and day in find_bank_holidays(day.year)
        if day.weekday() in weekdays and not is_off:
            clock = f"06:{luck.randrange(30):02}"
            wanted = {"records": 100 + luck.randrange(-15, 16), "rejected": luck.randrange(3)}
            days.append(make_day(day, clock, **(wanted | given)))
    return days

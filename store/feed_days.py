"""What came, by source and day. The last days are counted from the batches, which still change;
older days are written down once, so that a watch need not read months of batches."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, Connection, Integer, Row, case, cast, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from schemas.alarm import FeedDay
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import batches, feed_days

LONDON = ZoneInfo("Europe/London")
# Days that are counted anew each time: today and those before it. By then a batch is finished;
# one that was held for longer counts with the records it had.
OPEN_DAYS = 3
# What is learned is learned from these.
KEPT_DAYS = 91
_COLUMNS = [feed_days.c[name] for name in FeedDay.__struct_fields__]


class FeedDays:
    """Counts, no facts about events: it leaves no audit entry."""

    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find(self, today: date) -> dict[str, list[FeedDay]]:
        """By source, the oldest first: of the last weeks, today included."""
        first = self._find_first_open(today)
        written = select(*_COLUMNS).where(
            feed_days.c.day >= today - timedelta(days=KEPT_DAYS), feed_days.c.day < first
        )
        found: dict[str, list[FeedDay]] = {}
        for row in self._connection.execute(written.order_by(feed_days.c.day)).mappings():
            found.setdefault(row["source_id"], []).append(FeedDay(**row))
        for one in self._count(first, today):
            found.setdefault(one.source_id, []).append(one)
        return found

    def write(self, today: date) -> int:
        """Writes down the days that are counted anew no more; how many rows. Of two writers at
        once, the first one's stand."""
        days = self._count(self._find_first_open(today), today - timedelta(days=OPEN_DAYS))
        if days:
            into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
            rows = [msgspec.structs.asdict(one) for one in days]
            self._connection.execute(into(feed_days).on_conflict_do_nothing(), rows)
        return len(days)

    def _find_first_open(self, today: date) -> date:
        """The first day that is not written down. Days on which nothing came from anybody have no
        rows: counting them again costs nothing."""
        last: date | None = self._connection.execute(select(func.max(feed_days.c.day))).scalar_one()
        oldest = today - timedelta(days=KEPT_DAYS)
        first = last + timedelta(days=1) if last else oldest
        return min(max(first, oldest), today - timedelta(days=OPEN_DAYS - 1))

    def _count(self, first: date, last: date) -> list[FeedDay]:
        """From the batches, by the index of when they were received."""
        hour = self._hour().label("hour")
        is_finished = case((batches.c.state == "finished", 1), else_=0)
        query = (
            select(
                batches.c.source_id,
                hour,
                func.sum(is_finished).label("batches"),
                func.sum(batches.c.records).label("records"),
                func.sum(batches.c.rejected).label("rejected"),
                func.min(batches.c.received_at).label("first_at"),
                func.max(batches.c.received_at).label("last_at"),
            )
            .where(
                batches.c.received_at >= _begin(first),
                batches.c.received_at < _begin(last + timedelta(days=1)),
            )
            .group_by(batches.c.source_id, hour)
            .order_by(batches.c.source_id, hour)
        )
        return list(_add_up(self._connection.execute(query).all()))

    def _hour(self) -> ColumnElement[int]:
        """Whole hours since 1970: London's clock is some whole hours from Greenwich's."""
        if is_postgresql(self._connection):
            return cast(func.floor(func.extract("epoch", batches.c.received_at) / 3600), Integer)
        return cast(func.strftime("%s", batches.c.received_at), Integer).op("/")(text("3600"))


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), LONDON)


def _add_up(rows: Sequence[Row[Any]]) -> Iterator[FeedDay]:
    """Hours of a source, in order, to days."""
    day: FeedDay | None = None
    for row in rows:
        local = datetime.fromtimestamp(row.hour * 3600, UTC).astimezone(LONDON)
        counted = FeedDay(
            source_id=row.source_id,
            day=local.date(),
            batches=int(row.batches),
            records=int(row.records),
            rejected=int(row.rejected),
            first_at=row.first_at,
            last_at=row.last_at,
            hours=1 << local.hour,
        )
        if day is None:
            day = counted
        elif (day.source_id, day.day) == (counted.source_id, counted.day):
            day = _add(day, counted)
        else:
            yield day
            day = counted
    if day is not None:
        yield day


def _add(one: FeedDay, later: FeedDay) -> FeedDay:
    return msgspec.structs.replace(
        one,
        batches=one.batches + later.batches,
        records=one.records + later.records,
        rejected=one.rejected + later.rejected,
        last_at=later.last_at,
        hours=one.hours | later.hours,
    )

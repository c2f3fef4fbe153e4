"""An alarm: something about running the gateway that a person should look at. What each code means
is in ``schemas.alarm_codes``; an alert, in contrast, tells an organisation of an event."""

from collections.abc import Mapping
from datetime import date, datetime

import msgspec

from schemas.statuses import AlarmState

# What a wording is filled with: ids, counts and times, never content of an event.
Params = Mapping[str, str | int | float]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a watch sees at this moment. ``subject`` is what it is about: a source, a batch, a
    collector, a step; empty where it is the gateway as a whole. Of one code and subject there is
    one open alarm at most."""

    code: str
    subject: str = ""
    params: Params = {}


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm as it is stored. ``seen_at`` is when its ``params`` were last true; ``reason`` is
    what whoever acknowledged it gave."""

    number: int
    code: str
    subject: str
    params: dict[str, str | int | float]
    state: AlarmState
    opened_at: datetime
    seen_at: datetime
    acknowledged_at: datetime | None = None
    reason: str | None = None
    closed_at: datetime | None = None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator set to be expected of a source; what is None is learned from its past.
    ``silent_after_minutes`` 0: it is never called silent. ``records_…`` are of one day;
    ``rejected_most`` is a share, 0 to 1."""

    source_id: str
    silent_after_minutes: int | None = None
    records_least: int | None = None
    records_most: int | None = None
    rejected_most: float | None = None
    set_at: datetime | None = None


class FeedDay(msgspec.Struct, frozen=True, kw_only=True):
    """What came from a source on one day (Europe/London): so many batches that are finished and
    records of theirs; the first and the last batch when, finished or not, and in which hours (bit
    0: midnight to one o'clock)."""

    source_id: str
    day: date
    batches: int
    records: int
    rejected: int
    first_at: datetime
    last_at: datetime
    hours: int


class StepRun(msgspec.Struct, frozen=True, kw_only=True):
    """When a step (a task of a DAG) last ran to its end, and last failed; how often since."""

    name: str
    ran_at: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0

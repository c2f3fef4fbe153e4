"""Stored events looked for: by what, and what is shown of each that is found."""

from datetime import date
from typing import NamedTuple

import msgspec


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """All that is given must hold. ``organisation``: one where it happened; ``worst_harm``: that or
    worse (1 fatal … 5 none); from and to a day, both included. An event without a date is in no
    range of days."""

    organisation: str | None = None
    reporter_organisation: str | None = None
    source_id: str | None = None
    event_type: str | None = None
    worst_harm: int | None = None
    never_event: bool | None = None
    recorded_elsewhere: bool | None = None
    occurred_from: date | None = None
    occurred_to: date | None = None


class PageEnd(NamedTuple):
    """Where a page of events, newest first, ended: those without a date come last."""

    occurred_on: date | None
    event_id: int


class FoundEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What of an event stands in a list. Its content is not part of it."""

    event_id: int
    reference: str
    source_id: str
    organisation: str | None
    reporter_organisation: str | None
    event_type: str
    occurred_on: date | None
    worst_harm: int | None
    never_event: bool
    recorded_elsewhere: bool

    @property
    def place(self) -> PageEnd:
        return PageEnd(self.occurred_on, self.event_id)


class YearCount(NamedTuple):
    """How many events of a type occurred in a year; ``year`` is None for those without a date."""

    year: int | None
    event_type: str
    events: int

"""Who sends, and under which terms a record is judged."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

FeedFormat = Literal["fhir", "xml", "csv", "json"]
# What becomes of a feed that breaks half-way: what came before waits for a decision, or is loaded.
OnBreak = Literal["wait", "load"]


class Organisation(msgspec.Struct, frozen=True):
    """One organisation of the register (ODS). Closed from ``closed`` on; ``successor`` is the
    code that carries on. ``former_names``: what it was called before it was renamed."""

    code: str
    name: str
    opened: date | None = None
    closed: date | None = None
    successor: str | None = None
    icb: str | None = None
    region: str | None = None
    former_names: tuple[str, ...] = ()


class Grant(msgspec.Struct, frozen=True):
    """An organisation lets a source submit for it: from ``starts_on`` to ``ends_on``, days in
    Europe/London, both included; None: without a bound."""

    organisation: str
    starts_on: date | None = None
    ends_on: date | None = None
    given_by: str = ""
    given_at: datetime | None = None

    def holds_on(self, day: date) -> bool:
        begun = self.starts_on is None or self.starts_on <= day
        return begun and (self.ends_on is None or day <= self.ends_on)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A registered local system. ``submits_for`` always holds its own organisation, and all that
    ever granted it; ``grants`` say from when to when. What no grant there names has no bounds."""

    id: str
    organisation: str
    format: FeedFormat
    profile: str | None = None
    submits_for: frozenset[str] = frozenset()
    strict: bool = False
    taxonomy_version: str = "5"
    on_break: OnBreak = "wait"
    grants: tuple[Grant, ...] = ()

    def on(self, day: date) -> "Source":
        """The source as it is on a day: it submits only for those whose grant holds."""
        over = {grant.organisation for grant in self.grants if not grant.holds_on(day)}
        over.discard(self.organisation)
        return msgspec.structs.replace(self, submits_for=self.submits_for - over)


class Quiet(msgspec.Struct, frozen=True):
    """A batch of history: of events that occurred before the day nobody is told. ``reason``: for
    the audit log."""

    before: date
    reason: str


class Submission(msgspec.Struct, frozen=True):
    """The terms for the records of one batch: its source, the day it was received
    (Europe/London; "today" for the rules), and the register by code. The source is as it is on
    that day (``Source.on``). Of events before ``quiet_before`` nobody is told (none: as ever)."""

    source: Source
    received_on: date
    register: Mapping[str, Organisation]
    quiet_before: date | None = None

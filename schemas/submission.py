"""Who sends, and under which terms a record is judged."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

FeedFormat = Literal["fhir", "xml", "csv", "json"]
# What becomes of a feed that breaks half-way: what came before waits for a decision, or is loaded.
OnBreak = Literal["wait", "load"]


class Organisation(msgspec.Struct, frozen=True):
    """One organisation of the register (ODS). Closed from ``closed`` on; ``successor`` is the
    code that carries on."""

    code: str
    name: str
    opened: date | None = None
    closed: date | None = None
    successor: str | None = None
    icb: str | None = None
    region: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A registered local system. ``submits_for`` always holds its own organisation."""

    id: str
    organisation: str
    format: FeedFormat
    profile: str | None = None
    submits_for: frozenset[str] = frozenset()
    strict: bool = False
    taxonomy_version: str = "5"
    on_break: OnBreak = "wait"


class Submission(msgspec.Struct, frozen=True):
    """The terms for the records of one batch: its source, the day it was received
    (Europe/London; "today" for the rules), and the register by code."""

    source: Source
    received_on: date
    register: Mapping[str, Organisation]

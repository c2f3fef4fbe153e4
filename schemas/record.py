"""What a feed holds before it is national: source records, and what mapping makes of one."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from schemas.event import NationalEvent
from schemas.fault import Fault
from schemas.finding import Finding


class SourceRecord(msgspec.Struct, frozen=True):
    """One record of a feed, in feed order. ``number`` counts from 1 over the whole batch;
    ``locator`` says where it stands ("line 12", "row 12", "/Bundle/entry[3]"); ``content`` is
    what the mapper of that feed shape reads (a dict of a FHIR resource, a dict of column → text,
    an lxml element), None where the record could not be read; ``raw_hash`` is sha256 over its own
    bytes (CSV: its cells). ``findings`` are those of reading. ``local_id`` is the
    source's own id of a record without content, where it can be told all the same. ``fault``: our
    own code failed over reading it."""

    number: int
    locator: str
    content: Any
    raw_hash: bytes
    findings: tuple[Finding, ...] = ()
    local_id: str | None = None
    fault: Fault | None = None


class Mapped(msgspec.Struct, frozen=True):
    """What a mapper made of a record. ``event`` is None where not even a version and a type could
    be told. ``local_id`` is the source's own id of the record. ``reference`` is a national
    reference number the sender gave back. ``derived`` lists the elements that the mapping
    concluded and the record did not say. ``organisation_names``: for an element that the record
    fills with names of organisations instead of codes, those names; the element is not in the
    event until they are resolved against the register."""

    event: NationalEvent | None
    local_id: str | None
    findings: list[Finding]
    reference: str | None = None
    derived: tuple[str, ...] = ()
    organisation_names: Mapping[str, list[str]] = {}


class Mapper(Protocol):
    """Source record → national event. Never raises, whatever the record; strict: each source
    field is mapped, ignored on purpose, or a finding. ``name`` and ``version`` go into the
    provenance; ``digest`` differs wherever a record may be mapped otherwise."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def digest(self) -> str: ...

    def map_record(self, record: SourceRecord) -> Mapped: ...

    def source_paths(self, record: SourceRecord) -> Mapping[str, str]:
        """Element path in the event → where it came from in the record. Called only for a
        record with findings, so the fast way carries no trace."""
        ...

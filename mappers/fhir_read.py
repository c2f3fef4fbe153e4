"""FHIR AdverseEvent → national event: versions 4 and 5 (STU3 in shape) and 6 (R4 in shape).

Groups are found by the last segment of their address and accepted wherever they stand, because
real clients do not agree on either; whatever is not taken over is named in a finding.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mappers.fhir_elements import Trace
from mappers.fhir_fields import (
    check_actual,
    check_references,
    read_date,
    read_event_type,
    read_identifier,
    read_version,
)
from mappers.fhir_groups import GroupReader
from mappers.fhir_notes import Notes, name_of, named
from mappers.fhir_paths import locate_findings, make_locator, make_paths
from mappers.fhir_plain import PlainEvent, write_general
from mappers.fhir_plain_map import NARRATIVE_ELEMENT, map_plain
from mappers.fhir_tables import (
    IGNORED,
    MAPPED_FIELDS,
    REFERENCE_ELEMENT,
    REFERENCE_GROUP,
    Version,
    get_version,
)
from schemas.catalogue import mapping, reading
from schemas.event import NationalEvent
from schemas.record import Mapped, SourceRecord
from schemas.taxonomy import NARRATIVE_GROUP
from schemas.values import clean_text

_CONTAINED: Final = ("Patient", "Location", "Practitioner", "Medication", "Device")
_CONTAINED_FIELDS: Final = {"resourceType", "id", "extension"}
_ROOT: Final = MAPPED_FIELDS | IGNORED[""].keys()


class FhirMapper:
    """Reads the AdverseEvents of a source; ``default_version`` is for those without a profile."""

    name = "fhir"
    version = "1"
    digest = ""

    def __init__(self, *, strict: bool, default_version: str) -> None:
        self._strict = strict
        self._default_version = default_version
        get_version(default_version)

    def map_record(self, record: SourceRecord) -> Mapped:
        """Content is the dict of the resource, or a ``PlainEvent``."""
        if isinstance(record.content, PlainEvent):
            plain = map_plain(record.content)
            if plain is not None:
                return plain
            record = make_general(record)
        mapped = self._map(record, None, {})
        if not mapped.findings or not record.locator.startswith("/"):
            return mapped
        findings = locate_findings(record, mapped.findings)
        return Mapped(mapped.event, mapped.local_id, findings, mapped.reference)

    def source_paths(self, record: SourceRecord) -> Mapping[str, str]:
        record = make_general(record)
        trace: Trace = []
        fields: dict[str, str] = {}
        event = self._map(record, trace, fields).event
        if event is None:
            return {}
        paths = {path: make_locator(record, pointer) for path, pointer in fields.items()}
        return paths | make_paths(record, event.groups, trace)

    def _map(self, record: SourceRecord, trace: Trace | None, fields: dict[str, str]) -> Mapped:
        notes = Notes("error" if self._strict else "warning")
        resource = record.content
        if type(resource) is not dict or resource.get("resourceType") != "AdverseEvent":
            return Mapped(None, None, [reading.NOT_ADVERSE_EVENT.at(found=name_of(resource))])
        local_id = read_identifier(resource.get("identifier"), notes)
        version = read_version(resource.get("meta"), self._default_version, notes)
        if version is None:
            return Mapped(None, local_id, notes.findings)
        table = get_version(version)
        if not resource.keys() <= _ROOT:
            notes.add_unknown(resource, tuple(MAPPED_FIELDS), "", "")
        event_type, fields["event_type"] = read_event_type(resource, table, notes)
        check_actual(resource, table, notes)
        reader = GroupReader(table, notes, trace)
        contained_ids = _read_contained(resource.get("contained"), reader, notes)
        if "extension" in resource:
            reader.read_extensions(resource["extension"], "AdverseEvent", "/extension")
        check_references(resource, contained_ids, notes)
        fields["event_date"] = "/date"
        event_date = read_date(resource.get("date"), notes)
        narrative = _read_narrative(resource, table, reader, notes, fields, trace)
        reference = reader.take_text(REFERENCE_GROUP, REFERENCE_ELEMENT)
        if reference is not None:
            # Taken out of its group, it is not found there when the trace is read.
            fields[f"{REFERENCE_GROUP}.{REFERENCE_ELEMENT}"] = _find_place(trace, REFERENCE_ELEMENT)
        groups = reader.finish()
        if not event_type:
            return Mapped(None, local_id, notes.findings, reference)
        event = NationalEvent(
            taxonomy_version=version,
            event_type=event_type,
            event_date=event_date,
            narrative=narrative,
            groups=groups,
        )
        return Mapped(event, local_id, notes.findings, reference)


def make_general(record: SourceRecord) -> SourceRecord:
    """The record with its resource as a dict."""
    if not isinstance(record.content, PlainEvent):
        return record
    return msgspec.structs.replace(record, content=write_general(record.content))


def _read_contained(contained: object, reader: GroupReader, notes: Notes) -> set[str]:
    """Reads the groups on the contained resources; gives the ids that can be referred to."""
    ids: set[str] = set()
    if contained is None:
        return ids
    if type(contained) is not list:
        notes.add_structure("contained", "a list of resources", "/contained")
        return ids
    for position, resource in enumerate(contained):
        at = f"/contained/{position}"
        if type(resource) is not dict or type(kind := resource.get("resourceType")) is not str:
            notes.add_structure("contained", "a list of resources", at)
            continue
        if type(own_id := resource.get("id")) is str:
            ids.add(own_id.removeprefix("#"))
        if kind not in _CONTAINED:
            field = f"contained {named(kind)}"
            notes.add_loose(mapping.UNKNOWN_FIELD, "", at, field=field)
        if resource.keys() != _CONTAINED_FIELDS:
            notes.add_unknown(resource, ("resourceType", "extension"), "contained", at)
        if "extension" in resource:
            reader.read_extensions(resource["extension"], kind, f"{at}/extension")
    return ids


def _read_narrative(
    resource: dict[str, Any],
    table: Version,
    reader: GroupReader,
    notes: Notes,
    fields: dict[str, str],
    trace: Trace | None,
) -> str | None:
    """Version 6 sends the narrative as an element, versions 4 and 5 as ``description``; clients
    of version 6 still send both. Given and empty is not the same as not given: ``""``."""
    described = resource.get("description")
    text: str | None = None
    if described is not None:
        described = notes.unwrap(described, "description", "/description")
        if type(described) is str:
            text = clean_text(described)
        else:
            notes.add_structure("description", "text", "/description", "narrative")
    fields["narrative"] = "/description"
    if NARRATIVE_GROUP not in table.by_name:
        return text
    element = reader.take_text(NARRATIVE_GROUP, NARRATIVE_ELEMENT)
    if element is None:
        return text
    fields["narrative"] = _find_place(trace, NARRATIVE_ELEMENT)
    if text and text != element:
        notes.add(
            mapping.NARRATIVE_DIFFERS,
            "narrative",
            "/description",
            version=table.version,
            kept=f"{NARRATIVE_GROUP}.{NARRATIVE_ELEMENT}",
        )
    return element


def _find_place(trace: Trace | None, element: str) -> str:
    """Where an element stood whose name occurs in one group only."""
    return next((place for _, name, _, place in trace or () if name == element), "")

"""CSV rows and vendor XML records → national events, by a mapping profile.

Content is a dict of field → text; in XML also field → list of texts (an element repeated) and
path → list of such dicts (a repeated group). Only filled fields are looked at, so that the strict
account (mapped, ignored, or a finding) costs nothing extra.
"""

from collections.abc import Mapping
from typing import Any

from mappers.profile_dates import make_date_reader
from mappers.profile_fields import FieldMapping
from mappers.profile_model import REFERENCE, Constant, FieldRule, HeadRule, Profile, find_spec
from mappers.profile_paths import list_source_paths
from mappers.profile_tables import make_reader, make_table
from mappers.profile_trouble import Spot, Troubles
from mappers.profile_values import ReadOne, Unreadable, make_code_reader
from schemas.catalogue import mapping
from schemas.event import PATIENTS, Group, Groups, NationalEvent, Value
from schemas.record import Mapped, SourceRecord
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS
from schemas.values import clean_text, shown

_REFERENCE_GROUP, _, _REFERENCE_ELEMENT = REFERENCE.partition(".")
_VERSIONS = ", ".join(TAXONOMY_VERSIONS)


class ProfileMapper:
    """Maps the records of one profile; compiled once, then good for any number of records."""

    def __init__(self, profile: Profile, *, strict: bool, default_version: str) -> None:
        self._profile = profile
        self._strict = strict
        self._default_version = default_version
        self._tables = {version: make_table(profile, version) for version in profile.versions}
        self._numbers = {group: rule.number for group, rule in profile.repeated.items()}
        self._constants = {version: _read_constants(profile, version) for version in self._tables}
        given = profile.event_type
        codes = profile.codes_of(given) if isinstance(given, HeadRule) else None
        self._read_type = make_code_reader(codes)
        self._read_version = _make_version_reader(profile)
        date = profile.event_date
        self._read_date = make_date_reader(date.date_format if date else None)

    @property
    def name(self) -> str:
        return self._profile.name

    @property
    def version(self) -> str:
        return self._profile.version

    def map_record(self, record: SourceRecord) -> Mapped:
        content = record.content
        if not isinstance(content, dict):
            return Mapped(None, None, [])
        profile, troubles = self._profile, Troubles(self._profile.name, strict=self._strict)
        # A header that knows the event type is a header: its names may be shown in findings.
        head = profile.event_type
        troubles.show_names = (
            profile.format == "xml" or isinstance(head, Constant) or head.field in content
        )
        local_id = _read_head(content, profile.local_id, "", str.strip, troubles)
        event_type = self._find_type(content, troubles)
        version = self._find_version(content, troubles)
        if version is None:
            return Mapped(None, local_id, troubles.word({}))
        date = _read_head(content, profile.event_date, "event_date", self._read_date, troubles)
        narrative = _read_head(content, profile.narrative, "narrative", clean_text, troubles)
        fields = FieldMapping(version, troubles)
        fields.map_fields(content, self._tables[version])
        groups = fields.groups
        derived = self._add_constants(groups, version)
        slots = self._add_repeats(groups, fields.repeats)
        reference = _take_reference(groups)
        event = None
        if event_type is not None:
            event = NationalEvent(
                taxonomy_version=version,
                event_type=event_type,
                event_date=date,
                narrative=narrative,
                groups=groups,
            )
        return Mapped(event, local_id, troubles.word(slots), reference, derived)

    def source_paths(self, record: SourceRecord) -> Mapping[str, str]:
        """Every element the profile fills → its column or path, and those of the repeated groups
        that the record has."""
        if not isinstance(record.content, dict):
            return {}
        troubles = Troubles(self._profile.name, strict=False)
        version = self._find_version(record.content, troubles)
        if version is None:
            return list_source_paths(self._profile, {})
        fields = FieldMapping(version, troubles)
        fields.map_fields(record.content, self._tables[version])
        return list_source_paths(self._profile, self._add_repeats({}, fields.repeats))

    def _find_type(self, content: dict[str, Any], troubles: Troubles) -> str | None:
        rule, before = self._profile.event_type, len(troubles)
        if isinstance(rule, Constant):
            return rule.value
        found = _read_head(content, rule, "event_type", self._read_type, troubles)
        if found is None and len(troubles) == before:
            accepted = list(self._profile.codes_of(rule) or EVENT_TYPES)
            spot = Spot("event_type", "", 0, rule.field)
            troubles.add(
                mapping.NO_EVENT_TYPE_FIELD, spot, field=rule.field, accepted=", ".join(accepted)
            )
        return found

    def _find_version(self, content: dict[str, Any], troubles: Troubles) -> str | None:
        rule = self._profile.taxonomy_version
        if isinstance(rule, str):
            return rule
        before = len(troubles)
        found = _read_head(content, rule, "taxonomy_version", self._read_version, troubles)
        if found is None and len(troubles) > before:
            return None
        version = found or self._default_version
        if version not in self._tables:
            spot = Spot("taxonomy_version", "", 0, rule.field)
            troubles.add(mapping.VERSION_NOT_KNOWN, spot, value=shown(version), accepted=_VERSIONS)
            return None
        return version

    def _add_constants(self, groups: Groups, version: str) -> tuple[str, ...]:
        """Constants stand where the record says nothing; the elements so filled are derived."""
        filled = []
        for group, element, value in self._constants[version]:
            target = groups.setdefault(group, {})
            if isinstance(target, dict) and element not in target:
                target[element] = value
                filled.append(f"{group}.{element}")
        return tuple(filled)

    def _add_repeats(
        self, groups: Groups, repeats: dict[str, dict[int, Group]]
    ) -> dict[str, dict[int, int]]:
        """Puts the repeated groups in order; gives the place of each number."""
        slots = {}
        for group, by_number in repeats.items():
            counted = self._numbers.get(group)
            if counted is not None:
                for number, one in by_number.items():
                    one.setdefault(counted, number)
            numbers = sorted(number for number, one in by_number.items() if one)
            if group == PATIENTS:
                numbers.sort(key=lambda number: _sequence_of(by_number[number]))
            if numbers:
                groups[group] = [by_number[number] for number in numbers]
            slots[group] = {number: index for index, number in enumerate(numbers)}
        return slots


def _sequence_of(patient: Group) -> int:
    sequence = patient.get("PatientSequence")
    return sequence if isinstance(sequence, int) else 0


def _read_head(
    content: dict[str, Any],
    rule: HeadRule | None,
    name: str,
    read: ReadOne,
    troubles: Troubles,
) -> str | None:
    """A field of the record as a whole; None where it is absent, empty or unreadable."""
    cell = content.get(rule.field) if rule is not None else None
    if rule is None or cell is None:
        return None
    spot = Spot(name, "", 0, rule.field)
    if not isinstance(cell, str):
        count = len(cell) if isinstance(cell, list) else 1
        troubles.add(
            mapping.SEVERAL_VALUES, spot, field=rule.field, count=count, element=name or "the id"
        )
        return None
    try:
        found = read(cell)
    except Unreadable as problem:
        troubles.add_unreadable(problem, spot, cell)
        return None
    return found if isinstance(found, str) and found else None


def _take_reference(groups: Groups) -> str | None:
    """The national reference number goes beside the event, never into it."""
    group = groups.get(_REFERENCE_GROUP)
    if not isinstance(group, dict):
        return None
    reference = group.pop(_REFERENCE_ELEMENT, None)
    if not group:
        del groups[_REFERENCE_GROUP]
    return reference if isinstance(reference, str) else None


def _make_version_reader(profile: Profile) -> ReadOne:
    rule = profile.taxonomy_version
    return str.strip if isinstance(rule, str) else make_code_reader(profile.codes_of(rule))


def _read_constants(profile: Profile, version: str) -> tuple[tuple[str, str, Value], ...]:
    found: list[tuple[str, str, Value]] = []
    for target, given in profile.constants.items():
        spec = find_spec(target, (version,))
        if spec is None:
            continue
        read = make_reader(profile, FieldRule.model_validate(target), spec)
        texts = given if isinstance(given, list) else [given]
        values = [read(text) for text in texts]
        group, _, element = target.partition(".")
        found.append((group, element, values if isinstance(given, list) else values[0]))  # type: ignore[arg-type]
    return tuple(found)

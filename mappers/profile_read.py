"""CSV rows, vendor XML and JSON records → national events, by a mapping profile.

Content is a dict of field → text, or a list of texts where a field occurs several times; a
repeated group is a list of such dicts: at its path (XML, JSON), or the rows of a CSV record at
``ROWS``. Only filled fields are looked at, so that the strict account (mapped, used in a
condition, ignored, or a finding) costs nothing extra.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from mappers.profile_derive import derive, make_derivations
from mappers.profile_fields import FieldMapping
from mappers.profile_filling import Filling
from mappers.profile_heads import Head, HeadReader
from mappers.profile_model import REFERENCE, ROWS, Profile
from mappers.profile_parts import HeadRule
from mappers.profile_paths import list_source_paths
from mappers.profile_rules import RuleMapping
from mappers.profile_tables import make_table
from mappers.profile_trouble import Troubles
from schemas.event import PATIENTS, Group, Groups, NationalEvent
from schemas.record import Mapped, SourceRecord

_REFERENCE_GROUP, _, _REFERENCE_ELEMENT = REFERENCE.partition(".")
_Slots = dict[str, dict[int, int]]


class _Body(NamedTuple):
    """What became of the fields. ``rules``: None where all of them were plain. ``slots``: repeated
    group → number in the feed → place in the event."""

    filling: Filling
    rules: RuleMapping | None
    slots: _Slots


class ProfileMapper:
    """Maps the records of one profile; compiled once, then good for any number of records."""

    def __init__(self, profile: Profile, *, strict: bool, default_version: str) -> None:
        self._profile = profile
        self._strict = strict
        self._heads = HeadReader(profile, default_version)
        self._tables = {version: make_table(profile, version) for version in profile.versions}
        self._derivations = {one: make_derivations(profile, one) for one in self._tables}
        self._is_json = profile.format == "json"
        groups = profile.repeated
        self._joins_rows = profile.rows is not None and profile.rows.keep == "all"
        self._row_fields = profile.row_fields
        self._numbers = {group: rule.number for group, rule in groups.items()}
        # Where occurrences may be left out, they are numbered as they stand in the event.
        self._renumbered = {
            group for group, rule in groups.items() if rule.rows or rule.when is not None
        }
        head = profile.event_type
        self._type_field = head.field if isinstance(head, HeadRule) else None

    @property
    def name(self) -> str:
        return self._profile.name

    @property
    def version(self) -> str:
        return self._profile.version

    @property
    def digest(self) -> str:
        """sha256 over what the profile says, hexadecimal; what it leaves to defaults aside, so
        that a new key of the language changes no profile."""
        return sha256(self._profile.model_dump_json(exclude_defaults=True).encode()).hexdigest()

    def map_record(self, record: SourceRecord) -> Mapped:
        content = record.content
        if not isinstance(content, dict):
            return Mapped(None, None, [])
        troubles = self._begin(content)
        head = self._heads.read(content, troubles)
        if head.version is None:
            return Mapped(None, head.local_id, troubles.word({}))
        body = self._map_body(content, head, troubles)
        groups = body.filling.groups
        reference = _take_reference(groups)
        event = None
        if head.event_type is not None:
            event = NationalEvent(
                taxonomy_version=head.version,
                event_type=head.event_type,
                event_date=head.event_date,
                narrative=head.narrative,
                groups=groups,
            )
        return Mapped(
            event,
            head.local_id,
            troubles.word(body.slots),
            reference,
            self._list_derived(body),
            _list_names(body),
        )

    def _list_derived(self, body: _Body) -> tuple[str, ...]:
        derived = () if self._type_field is not None else ("event_type",)
        if body.rules is None:
            return derived
        return derived + tuple([key.path(body.slots) for key in body.rules.derived])

    def source_paths(self, record: SourceRecord) -> Mapping[str, str]:
        """Every element the profile fills → its field, and those of the repeated groups that the
        record has. Of a derived element: the field that decided."""
        content = record.content
        if not isinstance(content, dict):
            return {}
        troubles = self._begin(content)
        head = self._heads.read(content, troubles)
        if head.version is None:
            return list_source_paths(self._profile, {})
        body = self._map_body(content, head, troubles)
        paths = list_source_paths(self._profile, body.slots)
        if body.rules is not None:
            sources = body.rules.sources.items()
            paths |= {key.path(body.slots): source for key, source in sources}
        return paths

    def _begin(self, content: dict[str, Any]) -> Troubles:
        """A CSV header that knows a field of the profile is a header: its names may be shown."""
        troubles = Troubles(self._profile.name, strict=self._strict)
        if self._profile.format == "csv":
            if self._type_field is not None:
                troubles.show_names = self._type_field in content
            else:
                table = next(iter(self._tables.values()))
                troubles.show_names = any(map(table.knows, content))
        return troubles

    def _map_body(self, content: dict[str, Any], head: Head, troubles: Troubles) -> _Body:
        version = head.version or ""
        if self._row_fields and ROWS not in content:
            row = {name: content[name] for name in self._row_fields if name in content}
            content = {**content, ROWS: [row]}
        filling = Filling(troubles, is_json=self._is_json)
        fields = FieldMapping(version, content, head.event_date, filling)
        fields.map_fields(content, self._tables[version])
        if self._joins_rows:
            fields.tell_disagreements(self._tables[version], self._row_fields)
        if fields.rules is not None:
            fields.rules.settle()
        if derivations := self._derivations[version]:
            derive(derivations, fields)
        return _Body(filling, fields.rules, self._order_repeats(filling))

    def _order_repeats(self, filling: Filling) -> _Slots:
        """Puts the repeated groups in order; gives the place of each number."""
        slots: _Slots = {}
        for group, by_number in filling.repeats.items():
            self._number(group, by_number)
            numbers = sorted(number for number, one in by_number.items() if one)
            if group == PATIENTS:
                numbers.sort(key=lambda number: _sequence_of(by_number[number]))
            if numbers:
                filling.groups[group] = [by_number[number] for number in numbers]
            slots[group] = {number: index for index, number in enumerate(numbers)}
        return slots

    def _number(self, group: str, by_number: dict[int, Group]) -> None:
        """Gives the number that no field gave."""
        counted = self._numbers.get(group)
        if counted is None:
            return
        if group not in self._renumbered:
            for number, one in by_number.items():
                one.setdefault(counted, number)
            return
        filled = sorted(number for number, one in by_number.items() if one)
        for place, number in enumerate(filled, start=1):
            by_number[number].setdefault(counted, place)


def _list_names(body: _Body) -> dict[str, list[str]]:
    names = body.rules.names if body.rules is not None else {}
    return {key.path(body.slots): given for key, given in names.items()}


def _sequence_of(patient: Group) -> int:
    sequence = patient.get("PatientSequence")
    return sequence if isinstance(sequence, int) else 0


def _take_reference(groups: Groups) -> str | None:
    """The national reference number goes beside the event, never into it."""
    group = groups.get(_REFERENCE_GROUP)
    if not isinstance(group, dict):
        return None
    reference = group.pop(_REFERENCE_ELEMENT, None)
    if not group:
        del groups[_REFERENCE_GROUP]
    return reference if isinstance(reference, str) else None

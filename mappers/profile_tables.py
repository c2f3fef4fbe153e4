"""A profile compiled for one taxonomy version: field of the feed → what becomes of it.

Plain tuples in plain dicts, so that a record maps at the cost of one look-up a filled field.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mappers.profile_dates import make_date_reader, make_time_reader
from mappers.profile_model import PLACE, FieldRule, Profile, as_list, find_spec
from mappers.profile_values import (
    ReadOne,
    make_boolean_reader,
    make_code_reader,
    make_splitter,
    read_integer,
)
from schemas.taxonomy import ElementSpec, get_taxonomy
from schemas.values import clean_text

# A feed may invent column names without end; this many are remembered.
_MAX_REMEMBERED = 10_000


class Field(NamedTuple):
    """One field's way into the event. ``split`` is None where the element holds one value;
    ``slot`` is the n of a repeated group's column, 0 for a group that occurs once."""

    group: str
    element: str
    read: ReadOne
    split: Callable[[str], list[str]] | None
    is_code: bool
    slot: int = 0


class Nested(NamedTuple):
    """A repeated child element (XML): its group, and the table of its own fields."""

    group: str
    table: "Table"


class Outside(NamedTuple):
    """A field the version has no place for: ``element`` is where another version would put it,
    empty where the profile does not know the field at all."""

    element: str


class Aside:
    """A field read elsewhere (the record's head) or ignored on purpose."""


ASIDE = Aside()
Place = Field | Nested | Outside | Aside


class Table:
    """Looks fields up; columns with a number in their name are worked out when first met."""

    def __init__(
        self,
        places: dict[str, Place],
        numbered: list[tuple[re.Pattern[str], Place]],
        ignored_below: tuple[str, ...] = (),
    ) -> None:
        self.places = places
        self._numbered = numbered
        self._ignored_below = ignored_below

    def find(self, name: str) -> Place:
        """The slow way, for a name that is not in ``places``; remembered."""
        place = self._work_out(name)
        if len(self.places) < _MAX_REMEMBERED:
            self.places[name] = place
        return place

    def _work_out(self, name: str) -> Place:
        for pattern, place in self._numbered:
            if match := pattern.fullmatch(name):
                slot = int(match.group(1))
                return place._replace(slot=slot) if isinstance(place, Field) else place
        if name.startswith(self._ignored_below):
            return ASIDE
        return Outside("")


def make_table(profile: Profile, version: str) -> Table:
    places: dict[str, Place] = {}
    numbered: list[tuple[re.Pattern[str], Place]] = []
    for field, rules in profile.elements.items():
        places[field] = _make_place(profile, as_list(rules)[0], version)
    for group, repeated in profile.repeated.items():
        inner = {
            name: _make_place(profile, as_list(rules)[0], version)
            for name, rules in repeated.elements.items()
        }
        if repeated.at is None:
            numbered += [(_make_pattern(name), place) for name, place in inner.items()]
        elif group in get_taxonomy(version).by_name:
            below = _ignored_below(profile.ignored, f"{repeated.at}/")
            inner |= dict.fromkeys(below, ASIDE)
            places[repeated.at] = Nested(group, Table(inner, [], _with_content(below)))
        else:
            places[repeated.at] = Outside(group)
    for name in profile.ignored:
        if PLACE in name:
            numbered.append((_make_pattern(name), ASIDE))
        places[name] = ASIDE
    places |= dict.fromkeys((rule.field for rule in profile.heads.values()), ASIDE)
    is_xml = profile.format == "xml"
    return Table(places, numbered, _with_content(list(profile.ignored)) if is_xml else ())


def _ignored_below(ignored: Mapping[str, str], start: str) -> list[str]:
    return [name.removeprefix(start) for name in ignored if name.startswith(start)]


def _with_content(ignored: list[str]) -> tuple[str, ...]:
    """An XML element ignored is ignored with its attributes and everything inside it."""
    return tuple(f"{name}/" for name in ignored)


def _make_pattern(name: str) -> re.Pattern[str]:
    before, _, after = name.partition(PLACE)
    return re.compile(f"{re.escape(before)}([1-9][0-9]{{0,2}}){re.escape(after)}")


def _make_place(profile: Profile, rule: FieldRule, version: str) -> Place:
    group, _, element = rule.to.partition(".")
    spec = find_spec(rule.to, (version,))
    if spec is None:
        return Outside(rule.to)
    split = None
    if spec.many:
        split = make_splitter(profile.separator_of(rule), profile.escape)
    return Field(group, element, make_reader(profile, rule, spec), split, spec.type == "code")


def make_reader(profile: Profile, rule: FieldRule, spec: ElementSpec) -> ReadOne:
    """Text → value of the element's type."""
    if spec.type == "code":
        return make_code_reader(profile.codes_of(rule))
    if spec.type == "boolean":
        return make_boolean_reader(rule.booleans or profile.booleans)
    if spec.type == "integer":
        return read_integer
    if spec.type == "date":
        return make_date_reader(rule.date_format)
    if spec.type == "time":
        return make_time_reader(rule.date_format)
    return clean_text

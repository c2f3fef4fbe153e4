"""A profile compiled for one taxonomy version: field of the feed → what becomes of it.

Plain tuples in plain dicts, so that a record maps at the cost of one look-up a filled field. Only
a field with conditions, several rules or the like is a ``RuleSet``, which takes a slower way.
"""

import re
from collections.abc import Callable, Iterable

from mappers.profile_ages import make_age_reader
from mappers.profile_conditions import Condition, make_condition
from mappers.profile_date_readers import make_date_reader, make_time_reader
from mappers.profile_model import PLACE, ROWS, Profile, find_spec
from mappers.profile_parts import FieldRule, RepeatedGroup, Rules, Take, as_list
from mappers.profile_places import (
    ASIDE,
    Field,
    Nested,
    Outside,
    Place,
    Rows,
    Rule,
    RuleSet,
    Table,
)
from mappers.profile_uses import find_ignored_inside, find_shared, list_asked_inside, list_used
from mappers.profile_values import (
    ReadOne,
    make_boolean_reader,
    make_code_reader,
    make_name_reader,
    make_splitter,
    read_integer,
)
from schemas.taxonomy import ElementSpec, get_taxonomy
from schemas.values import clean_text


def make_table(profile: Profile, version: str) -> Table:
    return _Compiling(profile, version).make_table()


class _Compiling:
    def __init__(self, profile: Profile, version: str) -> None:
        self._profile = profile
        self._version = version
        self._shared = find_shared(profile, version)
        self._rules_made = 0

    def make_table(self) -> Table:
        profile = self._profile
        places: dict[str, Place] = {}
        numbered: list[tuple[re.Pattern[str], Place]] = []
        for field, rules in profile.elements.items():
            places[field] = self._make_place(rules)
        for group, repeated in profile.repeated.items():
            if repeated.at is not None:
                places[repeated.at] = self._make_nested(group, repeated)
            elif not repeated.rows:
                _add_columns(self._make_columns(group, repeated), places, numbered)
        if rows := [self._make_row(*one) for one in profile.repeated.items() if one[1].rows]:
            places[ROWS] = Rows(tuple(rows))
        _add_columns(dict.fromkeys(profile.ignored, ASIDE), places, numbered)
        _add_columns(dict.fromkeys(list_used(profile), ASIDE), places, numbered)
        has_paths = profile.format != "csv"
        return Table(places, numbered, _with_content(profile.ignored) if has_paths else ())

    def _make_columns(self, group: str, repeated: RepeatedGroup) -> dict[str, Place]:
        """Columns with the number of the occurrence in their names; without one, they are of the
        first occurrence."""
        when = make_condition(repeated.when)
        whens = () if when is None else (when,)
        made = {name: self._make_place(rules, whens) for name, rules in repeated.elements.items()}
        return {
            name: place
            if PLACE in name or not isinstance(place, Field | RuleSet)
            else place._replace(slot=1)
            for name, place in made.items()
        }

    def _make_nested(self, group: str, repeated: RepeatedGroup) -> Place:
        if group not in get_taxonomy(self._version).by_name:
            return Outside(group)
        inner = {name: self._make_place(rules) for name, rules in repeated.elements.items()}
        names = frozenset(inner)
        below = find_ignored_inside(self._profile, repeated.at or "")
        for name in [*below, *list_asked_inside(self._profile, group, repeated)]:
            inner.setdefault(name, ASIDE)
        table = Table(inner, [], _with_content(below))
        is_viewed = bool(list_asked_inside(self._profile, group, repeated))
        return Nested(group, table, names, make_condition(repeated.when), is_viewed)

    def _make_row(self, group: str, repeated: RepeatedGroup) -> Nested:
        inner = {name: self._make_place(rules) for name, rules in repeated.elements.items()}
        names = frozenset(inner)
        # What conditions ask, or another group takes from the rows, is no news to this one.
        inner |= dict.fromkeys(self._profile.row_fields - names, ASIDE)
        is_viewed = bool(list_asked_inside(self._profile, group, repeated))
        return Nested(group, Table(inner, []), names, make_condition(repeated.when), is_viewed)

    def _make_place(self, rules: Rules, whens: tuple[Condition, ...] = ()) -> Place:
        listed = as_list(rules)
        if len(listed) == 1 and not whens and self._is_plain(listed[0]):
            return self._make_way(listed[0])
        return RuleSet(tuple(self._make_rule(rule, whens) for rule in listed))

    def _is_plain(self, rule: FieldRule) -> bool:
        return rule.to not in self._shared and not (
            rule.when is not None
            or rule.take
            or rule.age
            or rule.by_name
            or rule.heading is not None
            or rule.derived
        )

    def _make_way(self, rule: FieldRule) -> Field | Outside:
        spec = find_spec(rule.to, (self._version,))
        if spec is None:
            return Outside(rule.to)
        group, _, element = rule.to.partition(".")
        split = None
        if spec.many:
            split = make_splitter(self._profile.separator_of(rule), self._profile.escape)
        if rule.by_name:
            read: ReadOne = make_name_reader(self._profile.codes_of(rule))
        else:
            read = make_reader(self._profile, rule, spec)
        return Field(group, element, read, split, spec.type == "code" and not rule.by_name)

    def _make_rule(self, rule: FieldRule, whens: tuple[Condition, ...]) -> Rule:
        when, way = make_condition(rule.when), self._make_way(rule)
        self._rules_made += 1
        settles = rule.heading is not None or rule.to in self._shared
        settles = settles and isinstance(way, Field) and way.split is None
        read_age = None
        if rule.age is not None:
            bracket = isinstance(way, Field) and way.is_code
            read_age = make_age_reader(rule.age, rule.date_format, bracket=bracket)
        return Rule(
            way=way,
            whens=whens if when is None else (*whens, when),
            take=None if rule.take is None else _make_take(rule.take),
            read_age=read_age,
            by_name=rule.by_name,
            heading=rule.heading,
            is_derived=rule.derived,
            rank=self._rules_made if settles else None,
        )


def _add_columns(
    made: dict[str, Place],
    places: dict[str, Place],
    numbered: list[tuple[re.Pattern[str], Place]],
) -> None:
    """What a field fills goes before what else is done with it."""
    for name, place in made.items():
        if PLACE in name:
            numbered.append((_make_pattern(name), place))
        places.setdefault(name, place)


def _with_content(ignored: Iterable[str]) -> tuple[str, ...]:
    """What is ignored is ignored with its attributes and everything inside it."""
    return tuple(f"{name}/" for name in ignored)


def _make_pattern(name: str) -> re.Pattern[str]:
    before, _, after = name.partition(PLACE)
    return re.compile(f"{re.escape(before)}([1-9][0-9]{{0,2}}){re.escape(after)}")


def _make_take(take: Take) -> Callable[[str], str]:
    """One piece of a text; empty where it has not so many. Cut at a blank: at any blanks."""
    separator = None if take.separator == " " else take.separator
    index = take.part - 1 if take.part > 0 else take.part

    def cut(text: str) -> str:
        pieces = text.split(separator)
        return pieces[index].strip() if -len(pieces) <= index < len(pieces) else ""

    return cut


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

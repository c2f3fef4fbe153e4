"""What of a profile can be turned round: national values → texts of its fields.

Turned round is what says a value of its own: a field for an element, its codes, words and (first)
date format. Left out is what only concludes or needs something beside it: rules with ``when``,
``take``, ``age``, ``by_name``, ``heading`` or ``derived``, repeated groups with ``when``, pointers
with ``*``, tables of ``derive`` and constants.
"""

from collections.abc import Iterator, Mapping
from datetime import date, time
from functools import lru_cache
from typing import Any, NamedTuple

from mappers.profile_dates import NAMED_FORMATS
from mappers.profile_model import Profile, find_spec
from mappers.profile_parts import Codes, FieldRule, Rules, as_list
from schemas.event import Group, NationalEvent, Value


class Written(NamedTuple):
    """How one field is written: the inverse of its reading."""

    field: str
    codes: dict[str, str] | None
    date_format: str | None
    separator: str | None
    escape: str | None
    words: tuple[str, str]
    is_many: bool

    def can_say(self, value: Value) -> bool:
        values = value if isinstance(value, list) else [value]
        return self.codes is None or all(one in self.codes for one in values)

    def write_cell(self, value: Value) -> str:
        """Lists in one text: the separator between values, the escape before one inside a value.
        ValueError for what would not be read again as it was."""
        if not isinstance(value, list):
            text = self.write_one(value)
            return self._escape(text) if self.is_many else text
        if self.separator is None and len(value) > 1:
            raise ValueError(f"{self.field}: several values, and no separator between them")
        return f" {self.separator} ".join(self._escape(self.write_one(one)) for one in value)

    def write_one(self, value: Any) -> str:
        if isinstance(value, bool):
            return self.words[0] if value else self.words[1]
        text = str(value)
        return write_date((self.codes or {}).get(text, text), self.date_format)

    def _escape(self, text: str) -> str:
        if self.separator is None:
            return text
        if self.escape is None:
            if self.separator in text:
                raise ValueError(f"{self.field}: a value holds the separator {self.separator}")
            return text
        text = text.replace(self.escape, self.escape * 2)
        return text.replace(self.separator, self.escape + self.separator)


# Element → the fields that say it.
Fields = Mapping[str, list[Written]]


class Inverse(NamedTuple):
    """Of a profile: the fields of each group, by element."""

    plain: Mapping[str, Fields]
    repeated: Mapping[str, Fields]
    heads: Mapping[str, dict[str, str]]


def write_heads(
    event: NationalEvent, local_id: str | None, profile: Profile
) -> Iterator[tuple[str, str]]:
    """Field → text, of the record as a whole."""
    values = {
        "taxonomy_version": event.taxonomy_version,
        "local_id": local_id,
        "event_type": event.event_type,
        "event_date": event.event_date,
        "narrative": event.narrative,
    }
    codes = invert(profile).heads
    for name, rule in profile.heads.items():
        value = values[name]
        if value is not None:
            text = codes[name].get(value, value)
            yield rule.field, write_date(text, _first(rule.date_format))


def find_values(
    event: NationalEvent, profile: Profile, taken: set[str]
) -> Iterator[tuple[Written, Value]]:
    """The fields of the event's groups that occur once, with what they say. ``taken`` are fields
    that say something already; those given here are added."""
    for name, fields in invert(profile).plain.items():
        group = event.groups.get(name)
        if isinstance(group, dict):
            yield from choose_fields(fields, group, taken)


def choose_fields(fields: Fields, group: Group, taken: set[str]) -> Iterator[tuple[Written, Value]]:
    """Where several fields can say an element, the first that has the words for it."""
    for element, ways in fields.items():
        value = group.get(element)
        if value is None:
            continue
        for way in ways:
            if way.field not in taken and (len(ways) == 1 or way.can_say(value)):
                taken.add(way.field)
                yield way, value
                break


def write_date(text: str, date_format: str | None) -> str:
    """A date or time in the profile's format; what is none stays as it is."""
    pattern = NAMED_FORMATS.get(date_format or "", date_format)
    if pattern in (None, "%Y-%m-%d"):
        return text
    for kind in (date, time):
        try:
            return kind.fromisoformat(text).strftime(pattern)
        except ValueError:
            continue
    return text


@lru_cache(maxsize=16)
def invert(profile: Profile) -> Inverse:
    plain: dict[str, dict[str, list[Written]]] = {}
    for field, rules in profile.elements.items():
        for rule in _turned_round(profile, field, rules):
            group, _, element = rule.to.partition(".")
            ways = plain.setdefault(group, {}).setdefault(element, [])
            ways.append(_make_written(profile, field, rule))
    repeated: dict[str, dict[str, list[Written]]] = {}
    for group, rule_of_group in profile.repeated.items():
        inside = repeated.setdefault(group, {})
        for field, rules in rule_of_group.elements.items() if not rule_of_group.when else ():
            for rule in _turned_round(profile, field, rules):
                ways = inside.setdefault(rule.to.partition(".")[2], [])
                ways.append(_make_written(profile, field, rule))
    heads = {name: _invert_codes(profile.codes_of(rule)) for name, rule in profile.heads.items()}
    return Inverse(plain, repeated, heads)


def _turned_round(profile: Profile, field: str, rules: Rules) -> Iterator[FieldRule]:
    if profile.format == "json" and "/*" in field:
        return
    for rule in as_list(rules):
        concludes = rule.when or rule.take or rule.age or rule.by_name or rule.heading
        if not concludes and not rule.derived:
            yield rule


def _make_written(profile: Profile, field: str, rule: FieldRule) -> Written:
    spec = find_spec(rule.to, profile.versions)
    booleans, codes = rule.booleans or profile.booleans, profile.codes_of(rule)
    return Written(
        field=field,
        codes=None if codes is None else _invert_codes(codes),
        date_format=_first(rule.date_format),
        separator=profile.separator_of(rule),
        escape=profile.escape,
        words=(booleans.true[0], booleans.false[0]),
        is_many=spec is not None and spec.many,
    )


def _invert_codes(codes: Codes | None) -> dict[str, str]:
    """National code → theirs; the first where several mean the same."""
    found: dict[str, str] = {}
    for theirs, national in (codes or {}).items():
        found.setdefault(national, theirs)
    return found


def _first(date_format: str | list[str] | None) -> str | None:
    return date_format[0] if isinstance(date_format, list) else date_format

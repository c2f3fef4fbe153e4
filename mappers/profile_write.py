"""A national event → the CSV row or XML element of a profile: the inverse of reading, so that an
event written and read again is equal.

It writes what it is given, right or wrong (the generator makes faulty feeds with it), and leaves
out what the profile has no field for. XML cannot carry control characters (ValueError).
"""

import io
from collections.abc import Iterator
from csv import writer
from datetime import date, time
from functools import lru_cache
from typing import Any, NamedTuple
from xml.sax.saxutils import quoteattr

from lxml import etree

from mappers.profile_model import PLACE, Codes, FieldRule, Profile, find_spec
from schemas.event import NationalEvent, Value


class _Rule(NamedTuple):
    """How one field is written: the inverse of its reading."""

    field: str
    group: str
    element: str
    codes: dict[str, str]
    date_format: str | None
    separator: str | None
    escape: str | None
    words: tuple[str, str]
    is_many: bool


class _Plan(NamedTuple):
    plain: list[_Rule]
    repeated: dict[str, list[_Rule]]
    heads: dict[str, dict[str, str]]


def csv_header(profile: Profile, *, patients: int, medications: int = 0) -> list[str]:
    """Every column of the profile, the numbered ones up to so many patients and medications."""
    columns = [rule.field for rule in profile.heads.values()] + list(profile.elements)
    for group, times in (("patients", patients), ("medications", medications)):
        repeated = getattr(profile, group)
        for number in range(1, times + 1) if repeated else ():
            columns += [field.replace(PLACE, str(number)) for field in repeated.elements]
    return columns


def write_row(event: NationalEvent, local_id: str | None, profile: Profile) -> dict[str, str]:
    """Column → cell text; empty cells are left out."""
    plan = _plan(profile)
    row = dict(_write_heads(event, local_id, profile, plan))
    for rule, value in _find_values(plan.plain, event):
        row[rule.field] = _write_cell(rule, value)
    for group, rules in plan.repeated.items():
        for number, one in enumerate(event.repeats(group), start=1):
            for rule in rules:
                if rule.element in one:
                    column = rule.field.replace(PLACE, str(number))
                    row[column] = _write_cell(rule, one[rule.element])
    return row


def write_line(row: dict[str, str], header: list[str], delimiter: str = ",") -> str:
    """A row as one CSV record; ValueError where it has a cell for which there is no column."""
    if missing := row.keys() - set(header):
        raise ValueError(f"no column {min(missing)} in the header")
    text = io.StringIO(newline="")
    writer(text, delimiter=delimiter).writerow([row.get(column, "") for column in header])
    return text.getvalue()


def write_record(event: NationalEvent, local_id: str | None, profile: Profile) -> bytes:
    """The record as an XML element, without a declaration, UTF-8."""
    plan = _plan(profile)
    steps = (profile.record or "").strip("/").split("/")
    building = _Building(profile.namespaces, steps[-1])
    for field, text in _write_heads(event, local_id, profile, plan):
        building.add(building.record, field, text)
    for rule, value in _find_values(plan.plain, event):
        _add_value(building, building.record, rule, value)
    for group, rules in plan.repeated.items():
        path = profile.repeated[group].at or ""
        for one in event.repeats(group):
            parent = building.add(building.record, path, "")
            for rule in rules:
                if rule.element in one:
                    _add_value(building, parent, rule, one[rule.element])
    return etree.tostring(building.record, encoding="utf-8", xml_declaration=False)


def xml_frame(profile: Profile) -> tuple[bytes, bytes]:
    """What stands before the first record of a file and after the last."""
    steps = (profile.record or "").strip("/").split("/")[:-1]
    declared = "".join(
        f" xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}"
        for prefix, uri in profile.namespaces.items()
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    head += "".join(f"<{step}{declared if not place else ''}>" for place, step in enumerate(steps))
    tail = "".join(f"</{step}>" for step in reversed(steps))
    return f"{head}\n".encode(), f"{tail}\n".encode()


class _Building:
    """The elements of one record, made as their paths are named."""

    def __init__(self, namespaces: dict[str, str], record: str) -> None:
        self._namespaces = namespaces
        nsmap: Any = {prefix or None: uri for prefix, uri in namespaces.items()}
        self.record = etree.Element(self._tag(record), nsmap=nsmap)
        self._sections: dict[tuple[etree._Element, str], etree._Element] = {}

    def add(self, parent: etree._Element, path: str, text: str) -> etree._Element:
        """A new element (or attribute) at the path; the sections it stands in are shared."""
        *sections, last = path.split("/")
        for section in sections:
            found = self._sections.get((parent, section))
            if found is None:
                found = etree.SubElement(parent, self._tag(section))
                self._sections[parent, section] = found
            parent = found
        if last.startswith("@"):
            name = last[1:]
            parent.set(self._tag(name) if ":" in name else name, text)
            return parent
        made = etree.SubElement(parent, self._tag(last))
        made.text = text or None
        return made

    def _tag(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        uri = self._namespaces.get(prefix)
        return f"{{{uri}}}{local}" if uri else local


def _add_value(building: _Building, parent: etree._Element, rule: _Rule, value: Value) -> None:
    if isinstance(value, list) and rule.separator is None:
        for one in value:
            building.add(parent, rule.field, _write_one(rule, one))
    else:
        building.add(parent, rule.field, _write_cell(rule, value))


def _write_heads(
    event: NationalEvent, local_id: str | None, profile: Profile, plan: _Plan
) -> Iterator[tuple[str, str]]:
    values = {
        "taxonomy_version": event.taxonomy_version,
        "local_id": local_id,
        "event_type": event.event_type,
        "event_date": event.event_date,
        "narrative": event.narrative,
    }
    for name, rule in profile.heads.items():
        value = values[name]
        if value is not None:
            yield rule.field, _format(plan.heads[name].get(value, value), rule.date_format)


def _find_values(rules: list[_Rule], event: NationalEvent) -> Iterator[tuple[_Rule, Value]]:
    groups = event.groups
    for rule in rules:
        group = groups.get(rule.group)
        if isinstance(group, dict) and rule.element in group:
            yield rule, group[rule.element]


def _write_cell(rule: _Rule, value: Value) -> str:
    """Lists in one cell: the separator between values, the escape before one inside a value."""
    if not isinstance(value, list):
        text = _write_one(rule, value)
        return _escape(rule, text) if rule.is_many else text
    return f" {rule.separator or '|'} ".join(_escape(rule, _write_one(rule, one)) for one in value)


def _escape(rule: _Rule, text: str) -> str:
    if rule.escape is None or rule.separator is None:
        return text
    text = text.replace(rule.escape, rule.escape * 2)
    return text.replace(rule.separator, rule.escape + rule.separator)


def _write_one(rule: _Rule, value: Any) -> str:
    if isinstance(value, bool):
        return rule.words[0] if value else rule.words[1]
    text = str(value)
    return _format(rule.codes.get(text, text), rule.date_format)


def _format(text: str, date_format: str | None) -> str:
    """A date or time in the profile's format; what is none stays as it is."""
    if date_format is None:
        return text
    for kind in (date, time):
        try:
            return kind.fromisoformat(text).strftime(date_format)
        except ValueError:
            continue
    return text


@lru_cache(maxsize=16)
def _plan(profile: Profile) -> _Plan:
    return _Plan(
        plain=[_make_rule(profile, field, rule) for field, rule in profile.elements.items()],
        repeated={
            group: [_make_rule(profile, field, rule) for field, rule in repeated.elements.items()]
            for group, repeated in profile.repeated.items()
        },
        heads={name: _inverse(profile.codes_of(rule)) for name, rule in profile.heads.items()},
    )


def _make_rule(profile: Profile, field: str, rule: FieldRule) -> _Rule:
    group, _, element = rule.to.partition(".")
    spec = find_spec(rule.to, profile.versions)
    booleans = rule.booleans or profile.booleans
    return _Rule(
        field=field,
        group=group,
        element=element,
        codes=_inverse(profile.codes_of(rule)),
        date_format=rule.date_format,
        separator=profile.separator_of(rule),
        escape=profile.escape,
        words=(booleans.true[0], booleans.false[0]),
        is_many=spec is not None and spec.many,
    )


def _inverse(codes: Codes | None) -> dict[str, str]:
    """National code → theirs; the first where several mean the same."""
    found: dict[str, str] = {}
    for theirs, national in (codes or {}).items():
        found.setdefault(national, theirs)
    return found

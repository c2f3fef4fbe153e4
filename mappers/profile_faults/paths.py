"""Names of fields: columns, XML paths with their namespaces and predicates, JSON pointers."""

import re
from collections.abc import Iterator
from typing import Final

from mappers.profile_faults.uses import (
    KEY_OF_GROUP,
    Fault,
    list_fields,
    list_group_fields,
)
from mappers.profile_model import PLACE, Profile

_NAME: Final = r"(?:[^\W\d][\w.\-]*:)?[^\W\d][\w.\-]*"
_PREDICATE: Final = rf"\[@{_NAME}=(?:'[^']*'|\"[^\"]*\")\]"
_STEP: Final = rf"{_NAME}(?:{_PREDICATE})?"
_XML_PATH = re.compile(rf"(?:@{_NAME}|{_STEP}(?:/{_STEP})*(?:/@{_NAME})?)")
_XML_RECORD = re.compile(rf"/?{_NAME}(?:/{_NAME})*")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_PREFIX = re.compile(r"([^\W\d][\w.\-]*):")
_POINTER = re.compile(r"(?:/(?:[^/~]|~0|~1)+)+")


def find_faults(profile: Profile) -> Iterator[Fault]:
    if profile.format == "csv":
        yield from _find_column_faults(profile)
    elif profile.format == "json":
        yield from _find_pointer_faults(profile)
    else:
        yield from _find_xml_faults(profile)


def _find_column_faults(profile: Profile) -> Iterator[Fault]:
    named = list_fields(profile)
    if profile.rows is not None:
        named += [
            (("rows", key), name) for key in ("id", "by") if (name := getattr(profile.rows, key))
        ]
    for path, name in named:
        if not name.strip():
            yield path, "a column has a name"
        if PLACE in name and path[0] != "ignored":
            yield path, "{n} stands only in columns of patients and medications, and of ignored"


def _list_paths(profile: Profile) -> list[tuple[tuple[str | int, ...], str]]:
    named = list_fields(profile)
    # Where the number of an occurrence stands in a name, any number makes the name.
    named += [(path, name.replace(PLACE, "1")) for path, name, _ in list_group_fields(profile)]
    named += [
        ((KEY_OF_GROUP[group], "at"), repeated.at)
        for group, repeated in profile.repeated.items()
        if repeated.at is not None
    ]
    return named


def _find_pointer_faults(profile: Profile) -> Iterator[Fault]:
    if profile.record and not _POINTER.fullmatch(profile.record):
        yield ("record",), f"'{profile.record}': a pointer as /incidents, '' for the whole document"
    for path, name in _list_paths(profile):
        if not _POINTER.fullmatch(name):
            message = f"'{name}': a pointer from the record, as /what/agent (~1 for /, ~0 for ~)"
            yield path, message


def _find_xml_faults(profile: Profile) -> Iterator[Fault]:
    named = _list_paths(profile)
    if profile.record:
        named.append((("record",), profile.record))
    declared = {*profile.namespaces, "xml"}  # 'xml' is declared by XML itself
    for path, name in named:
        pattern = _XML_RECORD if path == ("record",) else _XML_PATH
        if "{" in name:
            message = "declare a prefix for each namespace and write prefix:name in paths"
            yield ("namespaces",), message
        elif not pattern.fullmatch(name):
            example = "incidents/incident" if path == ("record",) else "what/agent, what/@kind or"
            tail = "" if path == ("record",) else " field[@name='x']"
            yield path, f"'{name}': a path as {example}{tail}"
        else:
            for prefix in sorted({*_PREFIX.findall(_QUOTED.sub("", name))} - declared):
                yield path, f"prefix '{prefix}' is used and not declared under namespaces"

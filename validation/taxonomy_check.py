"""Checks an event against its taxonomy version: every cardinality, type and code list.

The compiled model judges; this module says its verdict in our words.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from pydantic import ValidationError

from schemas.catalogue import taxonomy as codes
from schemas.event import NationalEvent
from schemas.finding import Finding, Severity
from schemas.taxonomy import (
    EVENT_TYPES,
    TAXONOMY_VERSIONS,
    ElementSpec,
    GroupSpec,
    Taxonomy,
    get_taxonomy,
)
from schemas.taxonomy.compiled import MAX_STRING_LENGTH, compile_groups
from schemas.values import is_date, shown
from validation.accepted_codes import word_accepted

MAX_CODE_LENGTH: Final = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_EXPECTED: Final = {
    "code": "a text (one code)",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "date": "a text (a date, YYYY-MM-DD)",
    "time": "a text (a time, HH:MM:SS)",
}


def check_taxonomy(event: NationalEvent, *, strict: bool = False) -> list[Finding]:
    """What the event's taxonomy version forbids. A group or element that the version does not
    know is an error where ``strict``, else a warning. Of an unknown version nothing more can be
    said than that."""
    version = event.taxonomy_version
    if version not in TAXONOMY_VERSIONS:
        accepted = ", ".join(TAXONOMY_VERSIONS)
        return [
            codes.UNKNOWN_VERSION.at("taxonomy_version", value=shown(version), accepted=accepted)
        ]
    findings = []
    if event.event_type not in EVENT_TYPES:
        accepted = ", ".join(f"{code} {one.label}" for code, one in EVENT_TYPES.items())
        value = shown(event.event_type)
        findings.append(codes.UNKNOWN_EVENT_TYPE.at("event_type", value=value, accepted=accepted))
    if event.event_date is not None and not is_date(event.event_date):
        findings.append(
            codes.NOT_A_DATE.at("event_date", value=shown(event.event_date, is_date=True))
        )
    if event.narrative is not None and len(event.narrative) > MAX_STRING_LENGTH:
        length = len(event.narrative)
        findings.append(codes.TEXT_TOO_LONG.at("narrative", length=length, most=MAX_STRING_LENGTH))
    try:
        compile_groups(version).validate_python(event.groups)
    except ValidationError as error:
        unknown: Severity = "error" if strict else "warning"
        taxonomy = get_taxonomy(version)
        findings += [
            _word(_Fault(taxonomy, fault), unknown)
            for fault in error.errors(include_url=False, include_context=False)
        ]
    return findings


class _Fault:
    """One line of pydantic's error list, with the group and element it is about."""

    def __init__(self, taxonomy: Taxonomy, fault: Any) -> None:
        self.taxonomy = taxonomy
        self.kind: str = fault["type"]
        self.value: object = fault["input"]
        names = [part for part in fault["loc"] if isinstance(part, str)]
        self.path = _make_path(fault["loc"])
        self.group_name: str = names[0] if names else ""
        self.element_name: str = names[1] if len(names) > 1 else ""
        self.group: GroupSpec | None = taxonomy.by_name.get(self.group_name)
        self.element: ElementSpec | None = (
            self.group.by_name.get(self.element_name) if self.group else None
        )
        # Inside a list of values (or of groups), not the list itself.
        self.is_item = bool(fault["loc"]) and isinstance(fault["loc"][-1], int)


def _make_path(location: tuple[str | int, ...]) -> str:
    """``Group[0].Element[1]``. A name that no taxonomy would use may be anything a sender wrote,
    so it and what is below it are left out."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _NAME.fullmatch(part):
            path += f".{part}" if path else part
        else:
            break
    return path


def _word(fault: _Fault, unknown: Severity) -> Finding:
    if fault.kind == "extra_forbidden":
        return _word_unknown(fault, unknown)
    word = _WORDS.get(fault.kind, _word_type)
    return word(fault)


def _word_missing(fault: _Fault) -> Finding:
    version = fault.taxonomy.version
    if fault.element_name:
        return codes.MISSING_ELEMENT.at(
            fault.path, group=fault.group_name, element=fault.element_name, version=version
        )
    elements = [element.name for element in fault.group.elements] if fault.group else []
    return codes.MISSING_GROUP.at(
        fault.path,
        group=fault.group_name,
        version=version,
        elements=_word_group(fault.group, elements),
    )


def _word_group(group: GroupSpec | None, elements: list[str]) -> str:
    required = [element.name for element in group.elements if element.min] if group else []
    return ", ".join(required) or f"one of its elements: {', '.join(elements)}"


def _word_unknown(fault: _Fault, severity: Severity) -> Finding:
    version = fault.taxonomy.version
    if fault.group is None:
        return codes.UNKNOWN_GROUP.at(
            fault.path, severity=severity, group=_named(fault.group_name), version=version
        )
    return codes.UNKNOWN_ELEMENT.at(
        fault.path,
        severity=severity,
        element=_named(fault.element_name),
        group=fault.group_name,
        version=version,
    )


def _named(name: str) -> str:
    return f"'{name}'" if _NAME.fullmatch(name) else shown(name)


def _word_length(fault: _Fault) -> Finding:
    if isinstance(fault.value, str):
        if not fault.value:
            return codes.EMPTY_VALUE.at(fault.path)
        is_code = fault.element is not None and fault.element.type == "code"
        most = MAX_CODE_LENGTH if is_code else MAX_STRING_LENGTH
        return codes.TEXT_TOO_LONG.at(fault.path, length=len(fault.value), most=most)
    count = len(fault.value) if isinstance(fault.value, (list, dict)) else 0
    spec = fault.element or fault.group
    if fault.kind == "too_short":
        return codes.TOO_FEW_VALUES.at(
            fault.path, count=count, least=max(spec.min, 1) if spec else 1
        )
    return codes.TOO_MANY_VALUES.at(fault.path, count=count, most=spec.max if spec else 0)


def _word_code(fault: _Fault) -> Finding:
    if not isinstance(fault.value, str) or fault.element is None:
        return _word_type(fault)
    version, value_set = fault.taxonomy.version, fault.element.value_set or ""
    return codes.UNKNOWN_CODE.at(
        fault.path,
        value=shown(fault.value),
        value_set=value_set,
        accepted=word_accepted(version, value_set, fault.value),
        version=version,
    )


def _word_date(fault: _Fault) -> Finding:
    return codes.NOT_A_DATE.at(fault.path, value=shown(fault.value, is_date=True))


def _word_time(fault: _Fault) -> Finding:
    return codes.NOT_A_TIME.at(fault.path, value=shown(fault.value, is_date=True))


def _word_range(fault: _Fault) -> Finding:
    return codes.NUMBER_OUT_OF_RANGE.at(fault.path, least=-(2**31), most=2**31 - 1)


def _word_type(fault: _Fault) -> Finding:
    value = _shown_any(fault.value)
    return codes.WRONG_TYPE.at(fault.path, value=value, expected=_word_expected(fault))


# Any kind that is not here is some way of having the wrong type.
_WORDS: Final[dict[str, Callable[[_Fault], Finding]]] = {
    "missing": _word_missing,
    "literal_error": _word_code,
    "not_a_date": _word_date,
    "not_a_time": _word_time,
    "greater_than_equal": _word_range,
    "less_than_equal": _word_range,
    "too_short": _word_length,
    "too_long": _word_length,
    "string_too_short": _word_length,
    "string_too_long": _word_length,
}


def _word_expected(fault: _Fault) -> str:
    if fault.kind == "string_unicode":
        return "a text of valid Unicode characters"
    if fault.element:
        is_list = fault.element.many and not fault.is_item
        return "a list of values" if is_list else _EXPECTED[fault.element.type]
    if fault.group and fault.group.repeats and not fault.is_item:
        return "a list of groups"
    return "a group of elements"


def _shown_any(value: object) -> str:
    """As ``shown``, also for what is no plain value."""
    if isinstance(value, str) or value is True or value is False:
        return shown(value)
    if isinstance(value, int):
        return shown(value) if abs(value) < 10**9 else "a number"
    if isinstance(value, float):
        return "a number"
    if value is None:
        return "nothing"
    return "a list" if isinstance(value, (list, tuple)) else "a group"

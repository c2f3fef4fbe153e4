"""Reads what the ODT FHIR API says of an organisation. Pure."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import msgspec

from schemas.identifiers import is_ods_code
from schemas.values import storable

_ENGLAND: Final = "https://fhir.nhs.uk/England/StructureDefinition/Extension-England-"
ROLE: Final = f"{_ENGLAND}OrganisationRole"
PERIOD: Final = f"{_ENGLAND}TypedPeriod"
INSTANT: Final = f"{_ENGLAND}TypedDateTime"
Json = dict[str, Any]


class UnreadableError(ValueError):
    """A resource that is not what the API's specification says. ``code``: whose, if that is
    known."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code


class Found(msgspec.Struct, frozen=True):
    """An organisation as the register tells it. ``closed``: the first day on which it is no more:
    the register names the last one on which it was. ``is_active`` without a ``closed`` may be
    False: then nobody says since when."""

    code: str
    name: str
    is_active: bool
    opened: date | None
    closed: date | None
    roles: tuple[str, ...]
    changed_on: date | None


class Facts(msgspec.Struct, frozen=True):
    """``successors``: all that carried on from it. ``icb`` and ``region`` are codes."""

    successors: tuple[str, ...] = ()
    icb: str | None = None
    region: str | None = None


def read_organisation(resource: Json) -> Found:
    """UnreadableError where what we need is not there."""
    code = resource.get("id")
    if not isinstance(code, str) or not is_ods_code(code):
        raise UnreadableError("?", "its id is no ODS code")
    name = resource.get("name")
    if not isinstance(name, str) or not name.strip():
        raise UnreadableError(code, "it has no name")
    is_active = resource.get("active", True)
    if not isinstance(is_active, bool):
        raise UnreadableError(code, "active is neither true nor false")
    try:
        roles = [_read_role(one) for one in _find_all(resource, ROLE)]
        own = _find_period(resource)
        changed_on = _find_changed_on(resource)
    except (ValueError, TypeError, AttributeError, LookupError):
        raise UnreadableError(code, "a role, or a date") from None
    periods = [own] if own else [period for _, period in roles if period]
    opened = min((start for start, _ in periods if start), default=None)
    return Found(
        code=code,
        name=storable(name.strip()),
        is_active=is_active,
        opened=opened,
        closed=_find_closed(periods, is_active=is_active),
        roles=tuple(sorted({role for role, _ in roles if role})),
        changed_on=changed_on,
    )


def read_facts(parameters: Json) -> Facts:
    """Of a ``$lookup``: what is not there is nothing; what is no ODS code is left out."""
    found: dict[str, list[str]] = {}
    for parameter in _dicts(parameters.get("parameter")):
        if parameter.get("name") != "property":
            continue
        parts = {str(part.get("name")): part for part in _dicts(parameter.get("part"))}
        name = (parts.get("code") or {}).get("valueCode")
        value = _read_value(parts.get("value") or {})
        if isinstance(name, str) and value is not None and is_ods_code(value):
            found.setdefault(name, []).append(value)
    one = {name: values[0] for name, values in found.items()}
    successors = tuple(sorted(set(found.get("successor", ()))))
    return Facts(successors, one.get("ICB"), one.get("NHSER"))


def _find_closed(periods: list[tuple[date | None, date | None]], *, is_active: bool) -> date | None:
    """One that lost a role is not closed: of an active one every role must end. The register's last
    day is included in a period, and ours, ``closed``, is the first one after."""
    ends = [end for _, end in periods if end is not None]
    if not ends or (is_active and len(ends) < len(periods)):
        return None
    return max(ends) + timedelta(days=1)


def _read_role(role: Json) -> tuple[str | None, tuple[date | None, date | None] | None]:
    code = None
    for part in _find_all(role, "roleCode"):
        code = part["valueCodeableConcept"]["coding"][0]["code"]
    return code if isinstance(code, str) else None, _find_period(role)


def _find_period(holder: Json) -> tuple[date | None, date | None] | None:
    """The legal period, else the operational one."""
    found: dict[str, tuple[date | None, date | None]] = {}
    for period in _find_all(holder, PERIOD):
        parts = {part["url"]: part for part in period["extension"]}
        bounds = parts["period"]["valuePeriod"]
        kind = parts["dateType"]["valueCoding"]["code"]
        found[kind] = (_date(bounds.get("start")), _date(bounds.get("end")))
    return found.get("Legal") or found.get("Operational")


def _find_changed_on(resource: Json) -> date | None:
    for instant in _find_all(resource, INSTANT):
        parts = {part["url"]: part for part in instant["extension"]}
        if parts["type"]["valueCoding"]["code"] == "LastChangeDate":
            return _date(parts["dateTime"]["valueDateTime"])
    return None


def _find_all(holder: Json, url: str) -> Iterator[Json]:
    for extension in holder.get("extension", []):
        if extension["url"] == url:
            yield extension


def _date(text: object) -> date | None:
    return None if text is None else date.fromisoformat(str(text)[:10])


def _read_value(part: Json) -> str | None:
    coding = part.get("valueCoding")
    value = part.get("valueCode") or part.get("valueString")
    if value is None and isinstance(coding, dict):
        value = coding.get("code")
    return value if isinstance(value, str) else None


def _dicts(value: object) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []

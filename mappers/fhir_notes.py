"""Collects the findings of reading one FHIR record."""

import re
from typing import Any, Final

import msgspec

from mappers.fhir_tables import IGNORED
from schemas.catalogue import mapping
from schemas.finding import Finding, FindingCode, Severity
from schemas.values import shown

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,79}", re.ASCII)


class Notes:
    """``loose`` is the severity of an unknown name: error where the source is strict."""

    __slots__ = ("findings", "loose")

    def __init__(self, loose: Severity) -> None:
        self.loose: Severity = loose
        self.findings: list[Finding] = []

    def add(self, code: FindingCode, path: str, at: str, **params: str) -> None:
        self.findings.append(code.at(path, at, severity=None, **params))

    def add_loose(self, code: FindingCode, path: str, at: str, **params: str) -> None:
        """The same, as severe as an unknown name is for this source."""
        self.findings.append(code.at(path, at, severity=self.loose, **params))

    def add_unknown(
        self, found: dict[str, Any], known: tuple[str, ...], where: str, at: str
    ) -> None:
        """A finding for each key that is neither known nor in the table IGNORED of ``where``."""
        ignored = IGNORED[where]
        for name in found:
            if name in known or name in ignored:
                continue
            # FHIR: who does not know a modifier may not go on without it.
            severity: Severity = "error" if name == "modifierExtension" else self.loose
            self._add_unknown(named(name), f"{at}/{escape(name)}", severity)

    def add_more(self, field: str, positions: int, at: str) -> None:
        """A finding for each entry but the first of a list of which one is read."""
        for position in range(1, positions):
            self._add_unknown(f"'{field}[{position}]'", f"{at}/{position}", self.loose)

    def _add_unknown(self, field: str, at: str, severity: Severity) -> None:
        self.findings.append(mapping.UNKNOWN_FIELD.at("", at, severity=severity, field=field))

    def add_structure(self, field: str, expected: str, at: str, path: str = "") -> None:
        self.findings.append(mapping.WRONG_STRUCTURE.at(path, at, field=field, expected=expected))

    def renumber(self, group: str, order: list[int]) -> None:
        """The occurrences of a repeated group were sorted: ``order`` has their former places."""
        places = {f"{group}[{old}]": f"{group}[{new}]" for new, old in enumerate(order)}
        for position, finding in enumerate(self.findings):
            place, dot, rest = finding.path.partition(".")
            if place in places:
                path = f"{places[place]}{dot}{rest}"
                self.findings[position] = msgspec.structs.replace(finding, path=path)

    def unwrap(self, value: object, field: str, at: str) -> Any:
        """The value, or the one entry of a list of one, as some clients send it."""
        if type(value) is list and len(value) == 1:
            self.findings.append(mapping.LIST_OF_ONE.at("", at, field=field))
            return value[0]
        return value


def escape(name: str) -> str:
    """A name as a token of a JSON pointer (RFC 6901), shortened: it may be anything."""
    return name[:60].replace("~", "~0").replace("/", "~1")


def named(name: str) -> str:
    """A name as a finding may show it: whole where it has the form of one."""
    return f"'{name}'" if _NAME.fullmatch(name) else shown(name)


def name_of(content: object) -> str:
    """What a thing is that is no AdverseEvent, for a finding."""
    if type(content) is not dict:
        return "a value that is no object"
    kind = content.get("resourceType")
    return named(kind) if type(kind) is str else "an object without resourceType"

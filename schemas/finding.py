"""A finding: what is wrong with a record or a batch, as data. Its wording is in the catalogue."""

from collections.abc import Iterable
from typing import Literal

import msgspec

Severity = Literal["error", "warning", "information"]
Scope = Literal["field", "record", "batch"]
Params = dict[str, str | int]


class Finding(msgspec.Struct, frozen=True):
    """``path`` is where in the national event (``PatientInformation[0].PhysicalHarm``, positions
    from 0), ``source_path`` where in the sender's record (column name, XPath, JSON pointer).
    ``params`` fill the catalogue's wording; they never hold free text of the event."""

    code: str
    severity: Severity
    scope: Scope = "field"
    path: str = ""
    source_path: str = ""
    params: Params = {}


class FindingCode(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the catalogue. ``message`` and ``fix`` are format strings over the finding's
    ``params``; ``example`` says what a sender did to get it. ``code`` is never used again for
    another meaning.

    ``misses`` names what a finding finds absent, or without the value it looks for: an element
    (``Group.Element``), one beside its own (``.Element``), or its own path (``""``). Where mapping
    had to leave just that out, the finding only repeats the fault, and is not told."""

    code: str
    severity: Severity
    scope: Scope
    title: str
    message: str
    fix: str
    example: str = ""
    misses: tuple[str, ...] = ()

    def at(
        self,
        path: str = "",
        source_path: str = "",
        *,
        severity: Severity | None = None,
        **params: str | int,
    ) -> Finding:
        """A finding of this code. Pass values of the record through ``schemas.values.shown``."""
        return Finding(self.code, severity or self.severity, self.scope, path, source_path, params)


def has_error(findings: Iterable[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)

"""What stored events would be under another version of the taxonomy, in counts."""

import msgspec

from schemas.finding import Severity


class FoundByElement(msgspec.Struct, frozen=True):
    """``events`` with this finding at this element, positions left out."""

    code: str
    title: str
    severity: Severity
    element: str
    events: int


class FoundBySource(msgspec.Struct, frozen=True):
    """``source`` is a source or an organisation. ``code`` empty: all of its events."""

    source: str
    code: str
    events: int
    refused: int


class Revalidation(msgspec.Struct, frozen=True, kw_only=True):
    """``events`` were looked at, of the versions before ``to``; ``refused`` of them would be
    rejected, ``warned`` would have new warnings only; ``already`` are of the version. ``carried``:
    how many events say something in another place now, by element. Of findings those alone that an
    event does not have under its own version."""

    to: str
    events: int
    refused: int
    warned: int
    already: int
    carried: dict[str, int]
    findings: list[FoundByElement]
    sources: list[FoundBySource]
    organisations: list[FoundBySource]

"""docs/finding-catalogue.md, made from the catalogue of finding codes."""

import re

from schemas.catalogue import AREAS, get_catalogue
from schemas.finding import FindingCode

AREA_TITLES = {
    "READ": "Reading",
    "PACK": "Packed feeds",
    "MAP": "Mapping",
    "TAX": "Taxonomy",
    "RULE": "Rules between elements",
    "ORG": "Organisations",
    "TEXT": "Narrative and free text",
    "EXP": "The batch as a whole",
}
INTRODUCTION = """\
# Finding catalogue

<!-- Generated from schemas/catalogue by `make docs`. Do not edit. -->

Everything the gateway may say about a record or a batch. A code keeps its meaning for ever and is
never used again for another. A record with an **error** is rejected, and its neighbours are not; a
**warning** or **information** leaves it accepted. The scope says what a finding is about: one
field, the whole record, or the whole batch. In the wording, names in braces stand for what the
finding carries: a code, a position, a number, and never free text of the record.
"""


def make_finding_catalogue() -> str:
    parts = [INTRODUCTION, _make_contents()]
    for area in AREAS:
        if entries := _entries(area):
            parts += [_make_area(area, entries), *map(_make_entry, entries)]
    return "\n".join(parts)


def _entries(area: str) -> list[FindingCode]:
    return [entry for code, entry in get_catalogue().items() if code.split("-")[0] == area]


def _make_contents() -> str:
    lines = [
        f"- [{AREA_TITLES[area]}](#{_anchor(_area_heading(area))}): {len(_entries(area))}"
        for area in AREAS
        if _entries(area)
    ]
    return "\n".join([*lines, ""])


def _make_area(area: str, entries: list[FindingCode]) -> str:
    lines = [
        f"## {_area_heading(area)}",
        "",
        "| code | severity | scope | title |",
        "|---|---|---|---|",
    ]
    for entry in entries:
        link = f"[{entry.code}](#{_anchor(_entry_heading(entry))})"
        lines.append(f"| {link} | {entry.severity} | {entry.scope} | {_cell(entry.title)} |")
    return "\n".join([*lines, ""])


def _make_entry(entry: FindingCode) -> str:
    lines = [
        f"### {_entry_heading(entry)}",
        "",
        f"- **Severity**: {entry.severity}, on the {entry.scope}",
        f"- **Message**: {entry.message}",
        f"- **Fix**: {entry.fix}",
    ]
    if entry.example:
        lines.append(f"- **Example**: {entry.example}")
    return "\n".join([*lines, ""])


def _area_heading(area: str) -> str:
    return f"{AREA_TITLES[area]} ({area})"


def _entry_heading(entry: FindingCode) -> str:
    return f"{entry.code} {entry.title}"


def _anchor(heading: str) -> str:
    """As GitHub makes it: lower case, blanks as hyphens, other marks left out."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

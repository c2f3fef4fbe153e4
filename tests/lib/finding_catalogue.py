"""docs/finding-catalogue.md, made from the catalogue of finding codes."""

import re

from schemas.catalogue import AREAS, get_catalogue
from schemas.finding import FindingCode
from tests.lib.finding_examples import find_example

AREA_TITLES = {
    "READ": "Reading",
    "PACK": "Packed feeds",
    "MAP": "Mapping",
    "TAX": "Taxonomy",
    "RULE": "Rules between elements",
    "ORG": "Organisations",
    "TEXT": "Narrative and free text",
    "EXP": "The batch as a whole",
    "REQ": "Requests about one event",
    "OURS": "Faults of the gateway",
    "KEPT": "What was kept long enough",
}
INTRODUCTION = """\
# Finding catalogue

<!-- Generated from schemas/catalogue by `make docs`. Do not edit. -->

Everything the gateway may say about a record or a batch. A code keeps its meaning for ever and is
never used again for another. A record with an **error** is rejected, and its neighbours are not
(OURS: it is not rejected, but kept by the gateway, whose own error it is); a **warning** or
**information** leaves it accepted. The scope says what a finding is about: one
field, the whole record, or the whole batch. In the wording, names in braces stand for what the
finding carries: a code, a position, a number, and never free text of the record.

Below each stands a real example: what was sent, at the place the finding names, and what the
receipt said of it. They are excerpts of [samples](../samples/findings), which the tests run as they
are.
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
    # Braces are doubled as in the wording, though nothing is filled in here.
    told = entry.example.replace("{{", "{").replace("}}", "}").replace("&#", "&amp;#")
    lines.append(f"- **Example**: {told} {_link_sample(entry)}".rstrip())
    return "\n".join([*lines, *_make_example(entry), ""])


def _link_sample(entry: FindingCode) -> str:
    example = find_example(entry.code)
    if example is None:
        return ""
    where = f", at `{example.where}`" if example.where else ""
    settings = f", with `{' '.join(example.settings)}`" if example.settings else ""
    return f"[Sample](../samples/findings/{entry.code}){where}{settings}:"


def _make_example(entry: FindingCode) -> list[str]:
    example = find_example(entry.code)
    if example is None:
        return []
    sent = ["", "```text", *example.sent, "```"] if example.sent else []
    said = [("", example.message, entry.message), ("To do: ", example.fix, entry.fix)]
    # What has nothing to fill in stands above already.
    quoted = [f"> {head}{quote(text)}" for head, text, wording in said if text != wording]
    return [*sent, *([""] if quoted else []), *"\n>\n".join(quoted).splitlines()]


def quote(text: str) -> str:
    """Not read as Markdown: what a message quotes may be anything."""
    return re.sub(r"([\\`*<>\[\]])", r"\\\1", text)


def _area_heading(area: str) -> str:
    return f"{AREA_TITLES[area]} ({area})"


def _entry_heading(entry: FindingCode) -> str:
    return f"{entry.code} {entry.title}"


def _anchor(heading: str) -> str:
    """As GitHub makes it: lower case, blanks as hyphens, other marks left out."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

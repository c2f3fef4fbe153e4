"""``python -m samples.makers.hostile`` writes ``samples/hostile/``: a folder a case, and the table
in its README."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from samples.makers.hostile import csv_cases, json_cases, packed_cases, xml_cases
from samples.makers.hostile.case import Hostile

FOLDER = Path("samples/hostile")
_INTRODUCTION = """\
# Hostile feeds

Files as they really come, or as somebody made them to hurt, and what the gateway must give. Each
folder holds the feed and `case.json`: why it is hostile, how its source is registered, and what
must come of it. The files are made by `python -m samples.makers.hostile`; a test runs each
through the whole line. "Held" batches wait for a decision (`lrms-gateway batch release`,
`batch discard`).

| case | what it is | verdict | records | rejected | findings |
|---|---|---|---:|---:|---|
"""


def find_cases() -> list[Hostile]:
    makers = (csv_cases, xml_cases, json_cases, packed_cases)
    return [case for maker in makers for case in maker.make_cases()]


def make_files() -> Iterator[tuple[Path, bytes]]:
    """Every file of the folder but the profile that is written by hand."""
    cases = find_cases()
    for one in cases:
        folder = FOLDER / one.name
        yield folder / f"feed.{one.extension}", one.feed
        yield folder / "case.json", msgspec.json.format(msgspec.json.encode(one.case)) + b"\n"
    table = "".join(map(_make_row, cases))
    yield FOLDER / "README.md", f"{_INTRODUCTION}{table}".encode()


def _make_row(one: Hostile) -> str:
    must = one.case.must
    codes = " ".join(
        f"[{code}](../../docs/finding-catalogue.md#{code.lower()})" for code in must.findings
    )
    settings = "".join(
        f"; `LRMS_{name.upper()}={value}`" for name, value in one.case.limits.items()
    )
    verdict = must.verdict.replace("_", " ")
    why = one.case.why.replace("|", "\\|")
    return (
        f"| [{one.name}]({one.name}) | {why}{settings} | {verdict} | {must.records}"
        f" | {must.rejected} | {codes} |\n"
    )


if __name__ == "__main__":
    for path, content in make_files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

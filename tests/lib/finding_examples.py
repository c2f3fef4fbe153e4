"""A real example of each finding, from samples/findings: what was sent, at the place the finding
names, and what the receipt says of it. The samples are run by tests/golden."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from tests.lib import finding_excerpts as excerpts

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples" / "findings"
_PACKED = (".gz", ".zip", ".7z")


class Example(NamedTuple):
    """``sent``: an excerpt, which may be empty where it would say nothing."""

    sent: list[str]
    where: str
    message: str
    fix: str
    settings: list[str]


def find_example(code: str) -> Example | None:
    """None for a finding of which there is no sample: on a request, not on a record."""
    folder = SAMPLES / code
    if not folder.is_dir():
        return None
    (path,) = (one for one in folder.iterdir() if one.name.startswith("input."))
    locator, finding = _find_finding(folder, code)
    return Example(
        sent=_make_excerpt(path, locator, finding),
        where=_word_place(locator, finding),
        message=finding["message"],
        fix=finding["fix"],
        settings=_read_settings(folder / "case.json"),
    )


def _find_finding(folder: Path, code: str) -> tuple[str, dict[str, Any]]:
    expected = json.loads((folder / "expected.json").read_bytes())
    receipt = expected.get("receipt", {"findings": expected.get("findings"), "records": []})
    told = [("", one) for one in receipt["findings"]]
    told += [
        (record["locator"], one) for record in receipt["records"] for one in record["findings"]
    ]
    return next((locator, one) for locator, one in told if one["code"] == code)


def _word_place(locator: str, finding: dict[str, Any]) -> str:
    place = finding["source_path"] or finding["path"]
    if locator in ("", "document"):
        return place
    return f"{locator}, {place}" if place else locator


def _make_excerpt(path: Path, locator: str, finding: dict[str, Any]) -> list[str]:
    content = path.read_bytes()
    place, element = finding["source_path"], finding["path"]
    if path.name == "input.event.json":
        return excerpts.show_element(content, element)
    if path.suffix in _PACKED:
        return []
    if place.startswith("/") and path.suffix == ".json":
        return excerpts.show_pointer(content.decode(), place)
    if place and path.suffix == ".csv":
        return excerpts.show_cells(content.decode("utf-8-sig"), locator, [place])
    if place and path.suffix == ".xml":
        return excerpts.show_node(content, locator, place)
    return _show_raw(path, content, locator, finding)


def _show_raw(path: Path, content: bytes, locator: str, finding: dict[str, Any]) -> list[str]:
    """Without a place in the record: the record, or the feed where it begins or breaks."""
    message = finding["message"]
    if broken := re.search(r"\bbyte (\d+)", message):
        return excerpts.show_bytes(content, int(broken[1]))
    if locator == "document" or finding["code"].startswith("EXP-") or content.startswith(b"PK"):
        return []
    numbers = [int(one) for one in re.findall(r"\d+", locator)]
    if locator.startswith("/"):
        if path.suffix == ".xml":
            return excerpts.show_record(content, numbers[-1])
        # What a Bundle asks for stands beside the resource.
        place = locator.replace("resource", "request") if "request" in message else locator
        return excerpts.show_pointer(content.decode(), place)
    if not numbers:
        return _show_feed(content, message)
    head = excerpts.show_lines(content) if path.suffix == ".csv" else []
    lines = [excerpts.show_lines(content, one, marked=True) for one in numbers[:3]]
    return [*head, *(line for shown in lines for line in shown)]


def _show_feed(content: bytes, message: str) -> list[str]:
    """How it begins, and the row that is spoken of."""
    named = re.search(r"'(\w+)'", message)
    head = excerpts.show_lines(content, 1, 3, named=named[1] if named else "")
    row = re.search(r"\brow (\d+)", message)
    return [*head, *(excerpts.show_lines(content, int(row[1]), marked=True) if row else [])]


def _read_settings(case: Path) -> list[str]:
    limits = json.loads(case.read_bytes()).get("limits", {}) if case.exists() else {}
    return [f"LRMS_{name.upper()}={value}" for name, value in limits.items()]

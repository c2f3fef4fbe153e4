"""What a sync of organisations changed, or would change: as JSON, CSV, or text for people."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

import msgspec

from schemas.prepared import prepared
from schemas.reference import OrganisationChange
from schemas.values import plain

_MOST_SHOWN: Final = 50
_COLUMNS: Final = ("code", "name", "kinds", "element", "before", "after", "used_by")
_ASK: Final = {
    "several": "several carried on: say which, with organisation load, or events of later days"
    " keep its code",
    "undated": "no longer active, and nobody says since when: it is taken as open",
    "closed": "closed without a successor: events of later days keep its code",
}
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@prepared
class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """``received``: organisations that came; ``kept``: those of them that are ours to keep.
    ``unreadable``: codes of those that were not what they should be."""

    dry_run: bool
    since: date | None
    upto: date | None
    received: int
    kept: int
    changes: list[OrganisationChange]
    unreadable: list[str]

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(kind for one in self.changes for kind in one.kinds))

    def list_open(self) -> list[tuple[OrganisationChange, str]]:
        """What somebody here stands on and is to decide about."""
        return [
            (one, _ASK[kind])
            for one in self.changes
            for kind in one.kinds
            if one.used_by and kind in _ASK and (kind != "closed" or not _has_successor(one))
        ]


def write_json(report: SyncReport) -> Iterator[str]:
    values = msgspec.to_builtins(report) | {"counts": report.counts}
    yield msgspec.json.format(msgspec.json.encode(values), indent=2).decode() + "\n"


def write_csv(report: SyncReport) -> Iterator[str]:
    """A line a changed element, and one for a change that has none."""
    yield _line(_COLUMNS)
    for one in report.changes:
        about = (one.code, one.name, " ".join(one.kinds))
        used = "; ".join(one.used_by)
        elements = dict.fromkeys((*one.before, *one.after)) or {"": None}
        for name in elements:
            yield _line((*about, name, one.before.get(name), one.after.get(name), used))


def write_text(report: SyncReport) -> Iterator[str]:
    """Those that somebody here stands on first, then the others, as many as can be read."""
    would = "would be " if report.dry_run else ""
    since = f"changed since {report.since}" if report.since else "of the roles that are kept"
    yield f"{report.received:,} organisations {since}; {report.kept:,} of them are kept here\n"
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.counts.items()))
    yield f"{would}changed: {counts or 'nothing'}\n"
    known = [one for one in report.changes if "added" not in one.kinds]
    for title, chosen in (
        ("Used here", [one for one in known if one.used_by]),
        ("Others", [one for one in known if not one.used_by]),
    ):
        if chosen:
            yield f"\n{title}\n"
            yield from map(_word, chosen[:_MOST_SHOWN])
        if len(chosen) > _MOST_SHOWN:
            yield f"  … and {len(chosen) - _MOST_SHOWN:,} more: --format csv\n"
    if asked := report.list_open():
        yield "\nTo be decided\n"
        yield from (f"  {one.code} {plain(one.name)}: {what}\n" for one, what in asked)
    if report.unreadable:
        codes = ", ".join(report.unreadable[:_MOST_SHOWN])
        yield f"\n{len(report.unreadable)} could not be read, and are as they were: {codes}\n"


def _word(one: OrganisationChange) -> str:
    elements = dict.fromkeys((*one.before, *one.after))
    told = "; ".join(
        f"{name} {one.before.get(name) or '-'} → {one.after.get(name) or '-'}" for name in elements
    )
    used = f" [{', '.join(one.used_by)}]" if one.used_by else ""
    return f"  {one.code} {plain(one.name)}: {', '.join(one.kinds)}: {plain(told)}{plain(used)}\n"


def _has_successor(one: OrganisationChange) -> bool:
    return bool(one.after.get("successor"))


def _line(cells: tuple[str | None, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else _harmless(plain(cell)) for cell in cells])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


WRITERS: Final[dict[str, Callable[[SyncReport], Iterator[str]]]] = {
    "text": write_text,
    "json": write_json,
    "csv": write_csv,
}

"""How a fetched taxonomy differs from the shipped one: as JSON, or text for people."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import msgspec

from gateway.reference.taxonomy_changes import TaxonomyChange
from schemas.values import plain


class TaxonomyReport(msgspec.Struct, frozen=True, kw_only=True):
    """``candidate``: the file that was written, if one was."""

    version: str
    base: str
    fetched_at: datetime
    changes: list[TaxonomyChange]
    candidate: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(f"{one.what} {one.how}" for one in self.changes))

    @property
    def in_use(self) -> list[TaxonomyChange]:
        """Removed, and stored events have it."""
        return [one for one in self.changes if one.events]


def write_json(report: TaxonomyReport) -> Iterator[str]:
    values = msgspec.to_builtins(report) | {"counts": report.counts}
    yield msgspec.json.format(msgspec.json.encode(values), indent=2).decode() + "\n"


def write_text(report: TaxonomyReport) -> Iterator[str]:
    yield f"Version {report.version} at {plain(report.base)}, beside the one that is shipped\n"
    counts = ", ".join(f"{count:,} {what}" for what, count in sorted(report.counts.items()))
    yield f"{counts or 'they are the same'}\n"
    if report.in_use:
        yield "\nRemoved, and stored events have it\n"
        yield from (f"  {_word(one)}: {one.events:,} events\n" for one in report.in_use)
    if report.changes:
        yield "\nAll\n"
        yield from (f"  {_word(one)}\n" for one in report.changes)
    if report.candidate:
        yield (
            f"\n{report.candidate} holds it, to be looked through. It takes effect nowhere: the"
            " taxonomy that judges is the one this release ships\n"
        )


def _word(one: TaxonomyChange) -> str:
    told = f"{one.what} {one.how}: {one.path}"
    if one.before is not None or one.after is not None:
        told += f" ({one.before or '-'} → {one.after or '-'})"
    return plain(told)


WRITERS: Final[dict[str, Callable[[TaxonomyReport], Iterator[str]]]] = {
    "text": write_text,
    "json": write_json,
}

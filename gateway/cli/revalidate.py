"""The command that says what a switch of the taxonomy version would mean for what is stored."""

import csv
import os
import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from gateway.cli.options import open_command_gateway, print_json
from gateway.pipeline.revalidate import revalidate as revalidate_events
from schemas.errors import WrongUseError
from schemas.revalidation import FoundBySource, Revalidation
from schemas.values import plain

_FORMS = ("text", "json", "csv")
_Row = tuple[object, ...]


def revalidate(
    to: Annotated[str, typer.Option("--to", metavar="VERSION", help="Taxonomy version, as 6.")],
    source: Annotated[
        str | None, typer.Option("--source", metavar="ID", help="Only events of this source.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, json or csv.")] = "text",
    processes: Annotated[int, typer.Option(min=1, help="How many share the work.")] = min(
        2, os.cpu_count() or 1
    ),
) -> None:
    """Say what the events that are stored would be under a newer version of the taxonomy: how many
    would be rejected, by finding, element, source and organisation. Reads everything and writes
    nothing; nothing of any event is in the report."""
    if form not in _FORMS:
        raise WrongUseError(f"format {form!r}: one of {', '.join(_FORMS)}")
    with open_command_gateway() as gateway:
        found = revalidate_events(gateway, to, source_id=source, processes=processes)
    if form == "json":
        print_json(found)
    elif form == "csv":
        csv.writer(sys.stdout).writerows([_HEAD, *_list_rows(found)])
    else:
        sys.stdout.writelines(f"{line}\n" for line in _word(found))


_HEAD: _Row = ("by", "name", "code", "severity", "element", "events", "refused")


def _list_rows(found: Revalidation) -> Iterator[_Row]:
    yield ("all", "", "", "", "", found.events, found.refused)
    for element, events in found.carried.items():
        yield ("carried", "", "", "", element, events, "")
    for one in found.findings:
        yield ("finding", "", one.code, one.severity, one.element, one.events, "")
    for by, rows in (("source", found.sources), ("organisation", found.organisations)):
        for row in rows:
            yield (by, row.source, row.code, "", "", row.events, row.refused)


def _word(found: Revalidation) -> Iterator[str]:
    fine = found.events - found.refused - found.warned
    yield f"To version {found.to}: {found.events} events of older versions; {found.already} have it"
    yield f"  {found.refused} would be rejected, {found.warned} have new warnings, {fine} are fine"
    if found.carried:
        yield "\nCarried over to another element"
        yield from (f"  {events:>9}  {element}" for element, events in found.carried.items())
    if found.findings:
        yield "\nFindings that are new"
    for one in found.findings:
        yield f"  {one.events:>9}  {one.code} {one.severity:<7} {plain(one.element)}: {one.title}"
    yield from _word_by("source", found.sources)
    yield from _word_by("organisation", found.organisations)


def _word_by(name: str, rows: list[FoundBySource]) -> Iterator[str]:
    if rows:
        yield f"\nBy {name}: events that would be rejected, of all"
    for row in rows:
        if not row.code:
            codes = [
                f"{one.code} {one.events}" for one in rows if one.source == row.source and one.code
            ]
            told = f"  {', '.join(codes)}" if codes else ""
            yield f"  {row.refused:>9} of {row.events:<9} {plain(row.source)}{told}"

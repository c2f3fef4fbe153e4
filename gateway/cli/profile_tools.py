"""Commands for whoever takes a feed on: what a profile makes of some records, and whether it still
makes of its golden cases what it should."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.bootstrap import open_shelf
from gateway.cli.options import AsJson, FeedFile, open_feed, print_json
from gateway.cli.profile_judging import ProfileName, open_judging, tell_look
from gateway.cli.profile_screens import print_cases, print_preview
from gateway.exit_codes import ExitCode
from gateway.profiles.golden import CASES, EXPECTED, PROFILE_FILE, run_cases, write_expected
from gateway.profiles.judging import NOT_ASKED
from gateway.profiles.preview import make_preview
from schemas.errors import WrongUseError

_Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="ID",
        help="Judge as for this source, with the register; without, organisations are not asked.",
    ),
]


def preview(
    profile: ProfileName,
    file: FeedFile,
    records: Annotated[int, typer.Option(min=1, max=1_000, help="How many records.")] = 5,
    first: Annotated[int, typer.Option("--from", min=1, help="Number of the first.")] = 1,
    source: _Source = None,
    as_json: AsJson = False,
) -> None:
    """Show records beside the national events they become, field by field.

    Prints the content of the records, on purpose: for whoever makes the profile, not for a log."""
    with open_judging(profile, source) as (judging, _), open_feed(file) as (stream, _name):
        found = make_preview(judging, stream, first=first, count=records)
        if not found.records:
            tell_look(stream, judging.profile)
    if as_json:
        print_json(found)
    else:
        print_preview(found)
        if source is None and found.records:
            typer.echo(NOT_ASKED, err=True)
    if found.findings and not found.records:
        raise typer.Exit(ExitCode.UNREADABLE)


def run_golden_cases(
    profile: ProfileName,
    write: Annotated[
        bool, typer.Option("--write", help="Make what is found what is expected; then READ it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the golden cases in a profile's folder: cases/CASE/input.* and expected.json.

    Organisations are not asked. Exit code 3 where something differs."""
    shelf = open_shelf()
    found = Path(str(shelf.find_file(profile)))
    if found.name != PROFILE_FILE:
        raise WrongUseError(
            f"{found.name} has no folder of its own for cases: move it to"
            f" {found.stem}/{PROFILE_FILE}"
        )
    results = run_cases(found.parent, shelf)
    if write:
        for result in results:
            write_expected(result)
        cases, them = ("1 case", "it") if len(results) == 1 else (f"{len(results)} cases", "them")
        typer.echo(f"{EXPECTED} written for {cases} in {found.parent / CASES}: READ {them}")
        return
    if as_json:
        print_json(results)
    else:
        print_cases(shelf.read_any(profile).name, results)
    if any(result.differences for result in results):
        raise typer.Exit(ExitCode.SOME_REJECTED)

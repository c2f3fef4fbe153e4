"""Commands for whoever takes a feed on: what a profile makes of a file, and whether it still makes
of its golden cases what it should."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import typer

from gateway.bootstrap import Gateway, open_shelf
from gateway.cli.options import (
    AsJson,
    FeedFile,
    open_command_gateway,
    open_feed,
    open_progress,
    print_json,
)
from gateway.cli.profile_screens import print_cases, print_coverage, print_preview
from gateway.config import read_settings
from gateway.exit_codes import ExitCode
from gateway.pipeline.judge import LONDON
from gateway.profiles.golden import CASES, EXPECTED, PROFILE_FILE, run_cases, write_expected
from gateway.profiles.judging import NOT_ASKED, Judging
from gateway.profiles.looks import find_look
from gateway.profiles.preview import make_preview
from gateway.profiles.sharing import MIN_COUNT
from mappers.profile_model import Profile
from schemas.errors import WrongUseError

if TYPE_CHECKING:
    from gateway.profiles.cover import Covered

ProfileName = Annotated[
    str,
    typer.Argument(metavar="P", help="A profile: its name, or the path to its file or folder."),
]
_Source = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="ID",
        help="Judge as for this source, with the register; without, organisations are not asked.",
    ),
]
_FailOn = Annotated[
    str | None,
    typer.Option(
        metavar="drift|unknown",
        help="Exit code 3 where there is drift, or a field or value the profile does not know.",
    ),
]
# What the first bytes tell for certain; of anything else the reader says what is wrong.
_LOOKS: Final = {"xml": "XML", "json": "JSON", "fhir": "FHIR, which needs no profile"}


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
    with _open_judging(profile, source) as (judging, _), open_feed(file) as (stream, _name):
        found = make_preview(judging, stream, first=first, count=records)
        if not found.records:
            _tell_look(stream, judging.profile)
    if as_json:
        print_json(found)
    else:
        print_preview(found)
        if source is None:
            typer.echo(NOT_ASKED, err=True)
    if found.findings and not found.records:
        raise typer.Exit(ExitCode.UNREADABLE)


def coverage(  # noqa: PLR0913, PLR0917 - an option each
    profile: ProfileName,
    file: FeedFile,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Judge as for this source, and compare with its last batch.",
        ),
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="FILE2", help="Compare with this file instead.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Write the report as one HTML file too.")
    ] = None,
    min_count: Annotated[
        int, typer.Option(min=1, help="A value seen less often is counted and not shown.")
    ] = MIN_COUNT,
    fail_on: _FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Say what a profile makes of a whole file: fields without use, elements never filled, values
    without a national code, and what is different from the feed before.

    Shows no free text and nothing that looks like a person, so that it can be sent to a vendor."""
    if fail_on not in (None, "drift", "unknown"):
        raise WrongUseError(f"--fail-on {fail_on}: drift or unknown")
    if html is not None and not html.absolute().parent.is_dir():
        raise WrongUseError(f"{html.absolute().parent}: no such folder")
    with _open_judging(profile, source) as (judging, gateway):
        found = _cover(judging, gateway, file, source, against, min_count)
    if html is not None:
        _write_html(found, html)
    if as_json:
        print_json(found.as_json())
    else:
        print_coverage(found)
        if source is None:
            typer.echo(NOT_ASKED, err=True)
        elif found.drift is None:
            typer.echo(f"source {source} has no batch before this one to compare with", err=True)
    if not found.coverage.records and found.coverage.feed:
        raise typer.Exit(ExitCode.UNREADABLE)
    has_drift = found.drift is not None and found.drift.is_any
    if (fail_on == "drift" and has_drift) or (fail_on == "unknown" and found.coverage.has_unknown):
        raise typer.Exit(ExitCode.SOME_REJECTED)


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


@contextmanager
def _open_judging(profile: str, source: str | None) -> Iterator[tuple[Judging, Gateway | None]]:
    """With a source its gateway is opened; without, nothing but the profile is needed."""
    if profile == "fhir":
        raise WrongUseError("fhir is no profile: FHIR feeds need none; see lrms-gateway check")
    now = datetime.now(UTC)
    if source is None:
        settings = read_settings()
        shelf = open_shelf(settings)
        yield Judging(shelf.read_any(profile), limits=settings.limits, received_at=now), None
        return
    with open_command_gateway() as gateway:
        with gateway.store.read() as work:
            registered = work.sources.get(source)
            register = work.organisations.get_register()
        judging = Judging(
            gateway.profiles.read_any(profile),
            limits=gateway.settings.limits,
            received_at=now,
            source=registered,
            register=register,
        )
        yield judging, gateway


def _tell_look(stream: BinaryIO, profile: Profile) -> None:
    """Why nothing could be read, where another kind of file was given than the profile is for."""
    look = find_look(stream)
    if look in _LOOKS and look != profile.format:
        typer.echo(
            f"The file looks like {_LOOKS[look]}; profile {profile.name} reads"
            f" {profile.format.upper()}.",
            err=True,
        )


def _cover(
    judging: Judging,
    gateway: Gateway | None,
    file: str,
    source: str | None,
    against: str | None,
    min_count: int,
) -> "Covered":
    # It brings pandas, whose import would cost every other command half a second.
    from gateway.profiles.cover import Covering  # noqa: PLC0415

    with open_feed(file) as (stream, name), open_progress("reading") as progress:
        covering = Covering(
            judging, stream, name, source=source, min_count=min_count, progress=progress
        )
        if covering.is_empty:
            _tell_look(stream, judging.profile)
        if against is not None:
            with open_feed(against) as (other, other_name):
                return covering.against(other, other_name)
        if gateway is not None and source is not None:
            return covering.against_previous(gateway, source)
        return covering.alone()


def _write_html(found: "Covered", path: Path) -> None:
    from gateway.profiles.report import write_report  # noqa: PLC0415 - as above

    made_on = f"{datetime.now(LONDON):%-d %B %Y}"
    text = write_report(found.coverage, found.drift, made_on=made_on)
    path.write_text(text, encoding="utf-8")
    typer.echo(f"report written to {path}", err=True)

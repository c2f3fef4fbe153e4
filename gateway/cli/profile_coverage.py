"""The command that covers a whole file, and its report for the sender."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.bootstrap import Gateway
from gateway.cli.options import AsJson, FeedFile, open_feed, open_progress, print_json
from gateway.cli.profile_judging import ProfileName, open_judging, tell_look
from gateway.cli.profile_screens import print_coverage
from gateway.exit_codes import ExitCode
from gateway.pipeline.judge import LONDON
from gateway.profiles.judging import NOT_ASKED, Judging
from gateway.profiles.sharing import MIN_COUNT
from schemas.errors import WrongUseError

if TYPE_CHECKING:
    from gateway.profiles.cover import Covered

_FailOn = Annotated[
    str | None,
    typer.Option(
        metavar="drift|unknown",
        help="Exit code 3 where there is drift, or a field or value the profile does not know.",
    ),
]


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
    with open_judging(profile, source) as (judging, gateway):
        found = _cover(judging, gateway, file, source, against, min_count)
    if html is not None:
        _write_html(found, html)
    if as_json:
        print_json(found.as_json())
    else:
        print_coverage(found)
        _tell_not_asked(found, source)
    _exit(found, fail_on)


def _tell_not_asked(found: "Covered", source: str | None) -> None:
    if not found.coverage.records:
        return
    if source is None:
        typer.echo(NOT_ASKED, err=True)
    elif found.drift is None:
        typer.echo(f"source {source} has no batch before this one to compare with", err=True)


def _exit(found: "Covered", fail_on: str | None) -> None:
    if not found.coverage.records and found.coverage.feed:
        raise typer.Exit(ExitCode.UNREADABLE)
    has_drift = found.drift is not None and found.drift.is_any
    if (fail_on == "drift" and has_drift) or (fail_on == "unknown" and found.coverage.has_unknown):
        raise typer.Exit(ExitCode.SOME_REJECTED)


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
            tell_look(stream, judging.profile)
        if against is not None:
            with open_feed(against) as (other, other_name):
                # Every week's file may be called export.csv: then its folder tells which is meant.
                longer = "/".join(Path(against).absolute().parts[-2:])
                return covering.against(other, longer if other_name == name else other_name)
        if gateway is not None and source is not None:
            return covering.against_previous(gateway, source)
        return covering.alone()


def _write_html(found: "Covered", path: Path) -> None:
    from gateway.profiles.report import write_report  # noqa: PLC0415 - as above

    made_on = f"{datetime.now(LONDON):%-d %B %Y}"
    text = write_report(found.coverage, found.drift, made_on=made_on)
    path.write_text(text, encoding="utf-8")
    typer.echo(f"report written to {path}", err=True)

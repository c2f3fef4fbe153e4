"""Commands that bring reference data up to date."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from gateway.cli.options import AsJson, open_command_gateway
from gateway.pipeline.sync_organisations import find_last_report, open_ods, sync_organisations
from gateway.reference.organisation_report import WRITERS
from schemas.errors import UnknownError, WrongUseError

_Form = Annotated[str, typer.Option("--format", help="text, json or csv.")]


def sync(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], metavar="DATE", help="Changed that day or later, again."
        ),
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Print what the last sync changed, and ask nobody.")
    ] = False,
    form: _Form = "text",
    as_json: AsJson = False,
) -> None:
    """Bring the register up to date from the ODS API (LRMS_ODS_URL), and print what changed: new,
    renamed, closed, reopened, who carried on, and who here stands on it."""
    form = "json" if as_json else form
    if form not in WRITERS:
        raise WrongUseError(f"format {form!r}: one of {', '.join(WRITERS)}")
    with open_command_gateway() as gateway:
        if last:
            report = find_last_report(gateway)
            if report is None:
                raise UnknownError("no sync of organisations ended well yet")
        else:
            with open_ods(gateway) as ods:
                day = since.date() if since else None
                report = sync_organisations(gateway, ods, since=day, dry_run=dry_run)
    sys.stdout.writelines(WRITERS[form](report))

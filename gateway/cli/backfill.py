"""Make up for what was not done; load the history of a source."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.bootstrap import Gateway
from gateway.cli.options import AsJson, open_command_gateway, print_json, print_table
from gateway.exit_codes import ExitCode, find_worst
from gateway.pipeline.backfill import (
    Backfilled,
    LoadedFile,
    backfill_window,
    load_history,
    make_window,
)
from schemas.batch import Batch
from schemas.errors import WrongUseError
from schemas.submission import Quiet

_OF_BATCH = ("state", "verdict", "records", "revised", "rejected")


def backfill(  # noqa: PLR0913, PLR0917 - an option each
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE|FOLDER]...", help="History to load, the oldest first."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this source; whose history it is.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Received on that day or later."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Received on that day or before."),
    ] = None,
    file_list: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Names of files, a line each, in the order to load."),
    ] = None,
    quiet_before: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Tell nobody of events that occurred before that day.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why nobody is told; kept in the audit log.")] = "",
    receive_only: Annotated[
        bool, typer.Option("--receive-only", help="Leave the loading to Airflow.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Finish, mark and announce what was received from --since to --until and is not; or load
    files of history. A folder's files are loaded in the order of their names, which is the order
    of arrival from then on. Done already, nothing is done again."""
    chosen = _list_files(files or [], file_list)
    if chosen:
        if source is None or since or until:
            raise WrongUseError("history needs --source, and takes no --since or --until")
        quiet = Quiet(quiet_before.date(), reason) if quiet_before else None
        _load(chosen, source, quiet, receive_only=receive_only, dry_run=dry_run, as_json=as_json)
        return
    if since is None or until is None or quiet_before:
        raise WrongUseError("name files of history, or a window: --since DATE --until DATE")
    window = make_window(since.date(), until.date())
    with open_command_gateway() as gateway:
        found = backfill_window(gateway, *window, source_id=source, dry_run=dry_run)
    if as_json:
        print_json(found)
    else:
        _print_window(found)
    if any(one.error for one in found):
        raise typer.Exit(ExitCode.BROKEN)


def _load(
    files: list[Path],
    source: str,
    quiet: Quiet | None,
    *,
    receive_only: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    if dry_run:
        told = [LoadedFile(file=str(path)) for path in files]
    else:
        with open_command_gateway() as gateway:
            told = _tell_each(gateway, files, source, quiet, receive_only=receive_only)
    if as_json:
        print_json(told)
    else:
        columns = ["file", "batch", "new", *_OF_BATCH, "quiet", ""]
        print_table(columns, [_word_file(one) for one in told])
    if not dry_run:
        raise typer.Exit(find_worst([_find_code(one) for one in told]))


def _tell_each(
    gateway: Gateway, files: list[Path], source: str, quiet: Quiet | None, *, receive_only: bool
) -> list[LoadedFile]:
    told = []
    for one in load_history(gateway, source, files, quiet=quiet, receive_only=receive_only):
        told.append(one)
        typer.echo(f"{len(told)} of {len(files)}: {one.error or 'done'}", err=True)
    return told


def _list_files(given: list[Path], file_list: Path | None) -> list[Path]:
    """In the order given; of a folder by name, hidden ones and folders in it left out."""
    chosen: list[Path] = []
    for path in [*given, *(_read_list(file_list) if file_list else [])]:
        if path.is_dir():
            inside = (one for one in path.iterdir() if one.is_file() and one.name[0] != ".")
            chosen += sorted(inside, key=lambda one: one.name)
        elif path.is_file():
            chosen.append(path)
        else:
            raise WrongUseError(f"{path}: no such file")
    if (given or file_list) and not chosen:
        raise WrongUseError("there is no file to load")
    return chosen


def _read_list(file_list: Path) -> list[Path]:
    """Names beside the list are relative to it."""
    if not file_list.is_file():
        raise WrongUseError(f"{file_list}: no such file")
    try:
        lines = file_list.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise WrongUseError(f"{file_list}: not in UTF-8") from None
    named = (line.strip() for line in lines)
    return [file_list.parent / one for one in named if one and not one.startswith("#")]


def _find_code(one: LoadedFile) -> ExitCode:
    batch = one.batch
    if batch is None:
        return ExitCode.BROKEN
    if batch.state == "held":
        return ExitCode.HELD
    if batch.verdict == "rejected" and not batch.counts.records:
        return ExitCode.UNREADABLE
    return ExitCode.SOME_REJECTED if batch.counts.rejected else ExitCode.ALL_ACCEPTED


def _word_file(one: LoadedFile) -> list[str]:
    if one.batch is None:
        return [one.file, *[""] * (len(_OF_BATCH) + 3), one.error or "would be loaded"]
    new = "yes" if one.is_new else "no"
    return [one.file, one.batch.id, new, *_word_batch(one.batch), str(one.quiet), ""]


def _word_batch(batch: Batch) -> list[str]:
    counts = batch.counts
    told = (counts.records, counts.revised, counts.rejected)
    return [batch.state, batch.verdict or "", *map(str, told)]


def _print_window(found: list[Backfilled]) -> None:
    columns = ["batch", "source", "received", "was", *_OF_BATCH, ""]
    rows = [
        [
            one.batch.id,
            one.batch.source_id,
            one.batch.received_at.isoformat(timespec="seconds"),
            one.before,
            *_word_batch(one.batch),
            one.error or ("a person is to decide" if one.batch.state == "held" else ""),
        ]
        for one in found
    ]
    print_table(columns, rows)
    if not found:
        typer.echo("nothing is left to do of what was received then", err=True)

"""Options and arguments that several commands share, and how they print."""

import getpass
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from gateway.bootstrap import Gateway, open_gateway
from gateway.pipeline.process import Progress as ProgressCall
from gateway.pipeline.workers import count_workers
from schemas.errors import WrongUseError
from schemas.values import plain

# As a shell tells of a process that SIGINT ended.
_STOPPED = 130
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
FeedFile = Annotated[str, typer.Argument(metavar="FILE", help="The feed; - for standard input.")]
SourceId = Annotated[str, typer.Option("--source", metavar="ID", help="The registered source.")]
Workers = Annotated[
    int, typer.Option("--workers", min=1, max=64, help="Processes that load (PostgreSQL).")
]
BatchId = Annotated[str, typer.Argument(metavar="BATCH", help="The batch's id, as in b-….")]


def open_command_gateway() -> AbstractContextManager[Gateway]:
    """The gateway, acting for whoever runs the command."""
    return open_gateway(actor=f"cli:{_who()}")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number without a name.
        return str(os.getuid())


@contextmanager
def stopped_by_hand() -> Iterator[None]:
    """What Ctrl-C means to a load."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            "stopped: what was committed stays; lrms-gateway process goes on from there", err=True
        )
        raise typer.Exit(_STOPPED) from None


def tell_workers(gateway: Gateway, wanted: int) -> int:
    """How many processes work; says so where they are fewer than wanted."""
    workers = count_workers(gateway, wanted)
    if workers < wanted:
        typer.echo(f"SQLite has one writer: --workers {wanted} works as {workers}", err=True)
    return workers


@contextmanager
def open_feed(file: str) -> Iterator[tuple[BinaryIO, str]]:
    """A seekable stream of the feed, and the name to remember it by."""
    if file == "-":
        with _spool(sys.stdin.buffer) as spooled:
            yield spooled, "standard input"
        return
    path = Path(file)
    if path.is_dir():
        raise WrongUseError(f"{file} is a folder: name a file in it")
    if not path.exists():
        raise WrongUseError(f"{file}: no such file")
    with path.open("rb") as stream:
        if stream.seekable():
            yield stream, path.name
            return
        # A pipe with a name, as the shell's <(…).
        with _spool(stream) as spooled:
            yield spooled, path.name


@contextmanager
def _spool(stream: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as spooled:
        shutil.copyfileobj(stream, spooled)
        spooled.seek(0)
        yield spooled


@contextmanager
def open_progress(what: str) -> Iterator[ProgressCall | None]:
    """Counts records on standard error while it works; nothing where that is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}: {task.completed:,.0f} records"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(what, total=None)
        yield lambda records: progress.advance(task, records)


def print_json(value: object) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(text.decode() + "\n")


def print_done(found: object, words: str, as_json: bool) -> None:
    """What a command did: as JSON for machines, or in words."""
    if as_json:
        print_json(found)
    else:
        typer.echo(words)


def print_table(columns: list[str], rows: list[list[str]], *, err: bool = False) -> None:
    """On standard output, or where it only tells what is going on, on standard error."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(plain, row))
    # A table that wraps inside a pipe is of no use to grep; only a terminal has a width.
    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else 500
    Console(width=width, highlight=False, markup=False, stderr=err).print(table)

"""Commands for whoever runs the gateway."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import AsJson, open_command_gateway, print_done
from gateway.config import read_settings
from gateway.generator import FORMATS, write_feed
from gateway.pipeline.notify import deliver_messages, prepare_messages
from schemas.errors import WrongUseError
from store.engine import open_store


def deliver(as_json: AsJson = False) -> None:
    """Turn waiting alerts into mail and deliver what is due."""
    with open_command_gateway() as gateway:
        counts = prepare_messages(gateway) | deliver_messages(gateway)
    print_done(counts, ", ".join(f"{count} {name}" for name, count in counts.items()), as_json)


def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the newest schema."""
    settings = read_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.database)
    try:
        store.migrate()
    finally:
        store.close()
    print_done({"migrated": True}, "the database has the newest schema", as_json)


def generate(
    events: Annotated[int, typer.Option(help="How many records.")],
    format: Annotated[str, typer.Option(help=" ".join(FORMATS))],  # noqa: A002
    seed: Annotated[int, typer.Option(help="The same seed gives the same feed.")] = 1,
    errors: Annotated[float, typer.Option(help="Share of records with a fault, 0 to 1.")] = 0,
    duplicates: Annotated[
        float, typer.Option(help="Share of records that repeat an earlier one, 0 to 1.")
    ] = 0,
    output: Annotated[str, typer.Option("--output", "-o", help="A file; - to print.")] = "-",
) -> None:
    """Write a realistic synthetic feed of any size. Its organisations are those of
    samples/organisations.csv."""
    if format not in FORMATS:
        raise WrongUseError(f"format {format!r}: one of {', '.join(FORMATS)}")
    for name, share in (("errors", errors), ("duplicates", duplicates)):
        if not 0 <= share <= 1:
            raise WrongUseError(f"--{name} {share}: a share from 0 to 1")
    if output == "-":
        stream = sys.stdout.buffer
        write_feed(
            stream, events=events, format=format, seed=seed, errors=errors, duplicates=duplicates
        )
        stream.flush()
        return
    with Path(output).open("wb") as stream:
        write_feed(
            stream, events=events, format=format, seed=seed, errors=errors, duplicates=duplicates
        )

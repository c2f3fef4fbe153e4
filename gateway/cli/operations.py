"""Commands for whoever runs the gateway."""

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from gateway.cli.options import AsJson, open_command_gateway, print_done
from gateway.config import read_settings
from gateway.generator import FORMATS, write_feed
from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.notify import retry_parked as make_parked_due
from schemas.errors import WrongUseError
from schemas.outbox import Parked
from store.engine import open_store


def deliver(
    retry_parked: Annotated[
        bool,
        typer.Option("--retry-parked", help="First make parked messages due again."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Turn waiting alerts into mail and deliver what is due. A message whose address is refused
    for good is parked; --retry-parked sends it again once the address takes mail."""
    with open_command_gateway() as gateway:
        retried = make_parked_due(gateway) if retry_parked else 0
        made = prepare_messages(gateway)
        delivered = deliver_messages(gateway)
        with gateway.store.read() as work:
            parked = work.messages.find_parked(gateway.settings.national_leads)
    done = made | {"retried": retried} | delivered | {"parked_by_organisation": parked}
    print_done(done, _word_delivery(made, retried, delivered, parked), as_json)


def _word_delivery(
    made: dict[str, int], retried: int, delivered: dict[str, int], parked: Sequence[Parked]
) -> str:
    kinds = (
        f"{made['urgent']} urgent, {made['digest']} digests, {made['no_admin']} of no admin user"
    )
    lines = [
        f"made      {kinds}",
        f"delivered {delivered['sent']}, failed {delivered['failed']}",
        f"waiting   {delivered['waiting']}",
        f"parked    {delivered['parked']}",
    ]
    if retried:
        lines.insert(0, f"retried   {retried} that were parked")
    lines += [f"  {_word_parked(one)}" for one in parked]
    if parked:
        lines.append("Once the addresses take mail: lrms-gateway deliver --retry-parked")
    return "\n".join(lines)


def _word_parked(one: Parked) -> str:
    if not one.organisation:
        return f"{one.messages} for the operators: LRMS_OPERATORS refuses mail ({one.reason})"
    whose = (
        "the national leads' address refuses mail, and perhaps nobody was told"
        if one.to_leads
        else "an admin user's address refuses mail, and the national leads are told"
    )
    return f"{one.messages} for {one.organisation}: {whose} ({one.reason})"


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
    with _open_output(output) as stream:
        write_feed(
            stream, events=events, format=format, seed=seed, errors=errors, duplicates=duplicates
        )
        stream.flush()


def _open_output(name: str) -> AbstractContextManager[BinaryIO]:
    if name == "-":
        return nullcontext(sys.stdout.buffer)
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        raise WrongUseError(f"{name}: not a file in a folder that exists")
    return path.open("wb")

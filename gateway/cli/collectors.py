"""Commands about collectors: where feeds are fetched from, and what was found there."""

import sys
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
import typer
import yaml

from gateway.bootstrap import Gateway
from gateway.cli.collector_words import (
    tell_collector,
    tell_collectors,
    tell_receipts,
    tell_run,
)
from gateway.cli.failure import tell_failure
from gateway.cli.options import AsJson, open_command_gateway, print_done, print_json
from gateway.collectors.far_end import CollectError
from gateway.collectors.register import add_collector, remove_collector
from gateway.exit_codes import ExitCode
from gateway.pipeline.collect import find_due_collectors, run_collector
from gateway.pipeline.collect_item import retry_refused, take_refused
from schemas.collecting import NOT_SENT, CollectorKind
from schemas.errors import WrongUseError

collectors = typer.Typer(help="Where feeds are fetched from.", no_args_is_help=True)

CollectorId = Annotated[str, typer.Argument(metavar="COLLECTOR", help="The collector's id.")]
ItemId = Annotated[int, typer.Argument(metavar="ITEM", help="The item's number, as show tells it.")]


@collectors.command("add")
def add(
    collector_id: Annotated[str, typer.Argument(metavar="ID")],
    source: Annotated[str, typer.Option(metavar="ID", help="Whose feeds it fetches.")],
    kind: Annotated[str, typer.Option(help=f"{', '.join(get_args(CollectorKind))}.")],
    every: Annotated[int, typer.Option(metavar="SECONDS", help="How often it runs.")] = 300,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its settings, in YAML or JSON.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One setting; repeatable. a.b is b in a."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register a collector. Its settings hold no secrets: they name environment variables or files
    that do."""
    given = _read_settings(settings) if settings else {}
    for one in set_ or []:
        _put(given, one)
    text = msgspec.json.encode(given).decode()
    with open_command_gateway() as gateway:
        add_collector(
            gateway, collector_id, source_id=source, kind=kind, settings=text, every=every
        )
    words = f"collector {collector_id} fetches for {source}, every {every} seconds"
    print_done({"collector": collector_id}, words, as_json)


@collectors.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the collectors, and how their last runs ended."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.collectors.find_all()
        counts = {one.id: work.collected.count(one.id) for one in found}
    if as_json:
        print_json([msgspec.structs.asdict(one) | {"items": counts[one.id]} for one in found])
        return
    tell_collectors(found, counts)


@collectors.command("show")
def show(
    collector_id: CollectorId,
    limit: Annotated[int, typer.Option(help="How many items of each list.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show a collector: its settings, how its last run ended, what waits or was refused, and the
    items it found last."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.collectors.get(collector_id)
        open_items = work.collected.find_open(collector_id, limit=limit)
        items = work.collected.find(collector_id, limit=limit)
        unsent = work.receipt_messages.find(collector_id, NOT_SENT)
        now = gateway.now()
    if as_json:
        told = {"collector": found, "open": open_items, "items": items, "receipts": unsent}
        print_json(told)
        return
    tell_collector(found, open_items, items, now)
    tell_receipts(unsent)


@collectors.command("remove")
def remove(collector_id: CollectorId, as_json: AsJson = False) -> None:
    """Remove a collector. What it collected stays, and what was found is remembered."""
    with open_command_gateway() as gateway:
        remove_collector(gateway, collector_id)
    print_done({"collector": collector_id}, f"collector {collector_id} removed", as_json)


@collectors.command("run")
def run(
    collector_id: Annotated[str | None, typer.Argument(metavar="[COLLECTOR]")] = None,
    as_json: AsJson = False,
) -> None:
    """Run a collector now, or all that are due. What is received waits to be processed."""
    with open_command_gateway() as gateway:
        wanted = [collector_id] if collector_id else find_due_collectors(gateway)
        if not wanted:
            typer.echo("no collector is due", err=True)
        codes = [_run_one(gateway, one, as_json) for one in wanted]
    raise typer.Exit(max(codes, default=ExitCode.ALL_ACCEPTED))


@collectors.command("take")
def take(
    item: ItemId,
    source: Annotated[str, typer.Option(metavar="ID", help="Whose feed it is.")],
    as_json: AsJson = False,
) -> None:
    """Receive a refused item whose bytes are kept as a feed of a source after all."""
    with open_command_gateway() as gateway:
        batch = take_refused(gateway, item, source)
    print_done({"item": item, "batch_id": batch.id}, f"item {item} is {batch.id}", as_json)


@collectors.command("retry")
def retry(item: ItemId, as_json: AsJson = False) -> None:
    """Have a refused item that is still at the far end collected again."""
    with open_command_gateway() as gateway:
        retry_refused(gateway, item)
    print_done({"item": item}, f"item {item} is collected again when it is listed", as_json)


@collectors.command("answer")
def answer(as_json: AsJson = False) -> None:
    """Send the receipts of finished batches back to the mailboxes their messages came from, where
    a collector is set to."""
    # What speaks to mailboxes takes its time to import.
    from gateway.pipeline.send_receipts import send_receipts  # noqa: PLC0415

    with open_command_gateway() as gateway:
        done = send_receipts(gateway)
    words = ", ".join(f"{count} {what}" for what, count in done.items())
    print_done(done, f"receipts: {words}", as_json)
    raise typer.Exit(ExitCode.BROKEN if done["failed"] else ExitCode.ALL_ACCEPTED)


@collectors.command("resend")
def resend(item: ItemId, as_json: AsJson = False) -> None:
    """Have the receipt of an item sent anew, though its recipient may have it already."""
    from gateway.pipeline.send_receipts import resend_receipt  # noqa: PLC0415

    with open_command_gateway() as gateway:
        resend_receipt(gateway, item)
    print_done({"item": item}, f"the receipt of item {item} is sent with the next run", as_json)


def _run_one(gateway: Gateway, collector_id: str, as_json: bool) -> ExitCode:
    """One that fails must not hold up the others."""
    try:
        counts = run_collector(gateway, collector_id)
    except CollectError as error:
        return tell_failure(error, about=collector_id)
    if as_json:
        print_json({"collector": collector_id, **counts})
    else:
        tell_run(collector_id, counts)
    return ExitCode.ALL_ACCEPTED


def _read_settings(path: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        found = yaml.safe_load(text)
    except FileNotFoundError:
        raise WrongUseError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise WrongUseError(f"{path}: not YAML or JSON") from None
    if not isinstance(found, dict):
        raise WrongUseError(f"{path}: not names and values")
    return found


def _put(settings: dict[str, Any], one: str) -> None:
    name, equals, value = one.partition("=")
    if not equals:
        raise WrongUseError(f"--set {name}: expected NAME=VALUE")
    *outer, last = name.split(".")
    place = settings
    for step in outer:
        place = place.setdefault(step, {})
        if not isinstance(place, dict):
            raise WrongUseError(f"--set {name}: {step} is a value already")
    place[last] = _parse_value(value)


def _parse_value(value: str) -> object:
    """A number, true, false, a list … where it is written so, else the text."""
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value

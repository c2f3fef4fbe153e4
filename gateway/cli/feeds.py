"""Commands about feeds and their batches."""

import sys
from collections.abc import Sequence
from typing import Annotated, cast, get_args

import typer

from gateway.bootstrap import Gateway
from gateway.cli.failure import tell_failure
from gateway.cli.options import (
    AsJson,
    BatchId,
    FeedFile,
    SourceId,
    Workers,
    open_command_gateway,
    open_feed,
    open_progress,
    print_done,
    print_json,
    print_table,
    stopped_by_hand,
    tell_workers,
)
from gateway.exit_codes import ExitCode, find_worst, of_receipt
from gateway.pipeline.check import check_feed
from gateway.pipeline.decide import discard_batch, release_batch
from gateway.pipeline.ingest import ingest_feed, process_batch
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.workers import process_together
from gateway.receipts.build import ReceiptStream
from gateway.receipts.read import open_receipt
from gateway.receipts.write import WRITERS
from schemas.errors import WrongUseError
from schemas.statuses import BatchState

batches = typer.Typer(help="Received feeds.", no_args_is_help=True)

_STATES = get_args(BatchState)
_Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")]
_Form = Annotated[str, typer.Option("--format", help="json, csv or text.")]


def receive(file: FeedFile, source: SourceId, as_json: AsJson = False) -> None:
    """Take a feed in and keep its bytes; it waits to be processed."""
    with open_command_gateway() as gateway, open_feed(file) as (stream, name):
        batch, is_new = receive_feed(gateway, source, stream, filename=name)
    words = f"{batch.id} {'received' if is_new else 'was here already: nothing done'}"
    print_done({"batch_id": batch.id, "new": is_new, "state": batch.state}, words, as_json)


def process(
    batch: Annotated[str | None, typer.Argument(metavar="[BATCH]")] = None,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Process a received batch, or all that wait, and print the receipts. Stopped anywhere and run
    again, it goes on where it stopped."""
    form = "json" if as_json else "text"
    with stopped_by_hand(), open_command_gateway() as gateway:
        if batch is None:
            with gateway.store.read() as work:
                waiting = [one.id for one in work.batches.find_waiting()]
        else:
            waiting = [batch]
        if not waiting:
            typer.echo("no batch waits", err=True)
        if (several := tell_workers(gateway, workers)) > 1:
            codes = _process_together(gateway, waiting, several, form)
        else:
            codes = [_try_one(gateway, one, form) for one in waiting]
    raise typer.Exit(find_worst(codes))


def ingest(file: FeedFile, source: SourceId, workers: Workers = 1, as_json: AsJson = False) -> None:
    """Receive, process, load, mark and queue alerts at once, without Airflow; prints the
    receipt."""
    with stopped_by_hand(), open_command_gateway() as gateway:
        several = tell_workers(gateway, workers)
        with open_feed(file) as (stream, name), open_progress("loading") as progress:
            batch, is_new = ingest_feed(
                gateway, source, stream, filename=name, progress=progress, workers=several
            )
        if not is_new:
            still = ", and is still held" if batch.state == "held" else ""
            typer.echo(f"{batch.id} was here already{still}: nothing is loaded twice", err=True)
        code = _print_receipt(gateway, batch.id, "json" if as_json else "text")
    raise typer.Exit(code)


def check(file: FeedFile, source: SourceId, as_json: AsJson = False) -> None:
    """Say what ingesting a feed would say, and store nothing."""
    with open_command_gateway() as gateway, open_feed(file) as (stream, name):
        found = check_feed(gateway, source, stream, filename=name)
    form = "json" if as_json else "text"
    sys.stdout.writelines(WRITERS[form](ReceiptStream(found, iter(found.records))))
    if found.verdict == "held":
        typer.echo("nothing is stored; ingested as it is, this feed would be held", err=True)
    raise typer.Exit(of_receipt(found))


def receipt(batch: BatchId, form: _Form = "text") -> None:
    """Print the receipt of a batch."""
    if form not in WRITERS:
        raise WrongUseError(f"format {form!r}: one of {', '.join(WRITERS)}")
    with open_command_gateway() as gateway:
        _print_receipt(gateway, batch, form)


@batches.command("list")
def list_batches(
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(help="How many, newest first.")] = 20,
    state: Annotated[str | None, typer.Option(help="Only these: " + ", ".join(_STATES))] = None,
) -> None:
    """List received batches, newest first. Those in state held wait for a decision."""
    if state is not None and state not in _STATES:
        raise WrongUseError(f"state {state!r}: one of {', '.join(_STATES)}")
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.batches.find_all(limit, state=cast("BatchState | None", state))
    if as_json:
        print_json(found)
        return
    print_table(
        ["batch", "source", "received", "state", "verdict", "records", "rejected", "file"],
        [
            [
                batch.id,
                batch.source_id,
                batch.received_at.isoformat(timespec="seconds"),
                batch.state,
                batch.verdict or "",
                str(batch.counts.records),
                str(batch.counts.rejected),
                batch.filename,
            ]
            for batch in found
        ],
    )


@batches.command("release")
def release(batch: BatchId, reason: _Reason, as_json: AsJson = False) -> None:
    """Load a batch that is held, as far as it can be read, and print its receipt."""
    with open_command_gateway() as gateway:
        release_batch(gateway, batch, reason)
        code = _process_one(gateway, batch, "json" if as_json else "text")
    raise typer.Exit(code)


@batches.command("discard")
def discard(batch: BatchId, reason: _Reason, as_json: AsJson = False) -> None:
    """Load nothing of a batch that is held: it is finished, rejected. Prints its receipt."""
    with open_command_gateway() as gateway:
        discard_batch(gateway, batch, reason)
        _print_receipt(gateway, batch, "json" if as_json else "text")


def _try_one(gateway: Gateway, batch_id: str, form: str) -> ExitCode:
    """One that we fail over does not hold up the others; where the database is away, all stop."""
    try:
        return _process_one(gateway, batch_id, form)
    except BrokenPipeError:
        raise
    except Exception as error:
        if getattr(error, "retryable", False):
            raise
        return tell_failure(error, about=f"batch {batch_id}")


def _process_together(
    gateway: Gateway, batch_ids: Sequence[str], workers: int, form: str
) -> list[ExitCode]:
    with open_progress("loading") as progress:
        failed = process_together(gateway, batch_ids, workers, progress=progress)
    return [
        tell_failure(failed[one], about=f"batch {one}")
        if one in failed
        else _print_receipt(gateway, one, form)
        for one in batch_ids
    ]


def _process_one(gateway: Gateway, batch_id: str, form: str) -> ExitCode:
    with open_progress(batch_id) as progress:
        process_batch(gateway, batch_id, progress=progress)
    return _print_receipt(gateway, batch_id, form)


def _print_receipt(gateway: Gateway, batch_id: str, form: str) -> ExitCode:
    with open_receipt(gateway, batch_id) as found:
        sys.stdout.writelines(WRITERS[form](found))
        return of_receipt(found.head)

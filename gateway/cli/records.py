"""Commands about records that were not loaded: rejected by their findings, or quarantined by a
fault of ours."""

import io
import sys
from typing import Annotated, Any

import msgspec
import typer

from gateway.bootstrap import Gateway
from gateway.cli.option_groups import takes
from gateway.cli.options import (
    AsJson,
    BatchId,
    open_command_gateway,
    open_feed,
    print_json,
    print_table,
)
from gateway.cli.record_asking import Terms, read_fields, read_place, read_state, read_terms
from gateway.cli.record_words import show_record, show_replayed, word_record, word_replayed
from gateway.exit_codes import ExitCode, of_receipt
from gateway.pipeline.edit import edit_record, write_row
from gateway.pipeline.record_content import find_content
from gateway.pipeline.replay import MOST, Pace, Replayed, replay_records
from gateway.receipts.read import open_receipt
from gateway.receipts.write import WRITERS
from schemas.errors import UnknownError, WrongUseError
from schemas.quarantine import UnloadedFilter, UnloadedRecord

records = typer.Typer(help="Records that were not loaded.", no_args_is_help=True)

_Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The record's number in it.")]


@records.command("list")
@takes(Terms)
def list_records(
    terms: Terms,
    state: Annotated[str, typer.Option(help="open, settled or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, help="How many, of the newest batch first.")] = 50,
    after: Annotated[
        str | None, typer.Option(metavar="BATCH:NUMBER", help="Go on behind this one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the records that are not loaded: those that are open, or were settled since, by a
    replay or by a correction."""
    wanted = UnloadedFilter(
        settlement=read_state(state),
        after=read_place(after),
        **read_terms(terms),
    )
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.unloaded.find(wanted, limit + 1)
        in_all = work.unloaded.count(msgspec.structs.replace(wanted, after=None))
    shown = found[:limit]
    following = f"{shown[-1].batch.id}:{shown[-1].line.number}" if len(found) > limit else None
    if as_json:
        told = [show_record(one) for one in shown]
        print_json({"records": told, "in_all": in_all, "next": following})
        return
    print_table(
        ["batch", "record", "source", "received", "disposition", "state", "id", "findings"],
        [word_record(one) for one in shown],
    )
    more = f"; further: --after {following}" if following else ""
    typer.echo(f"{len(shown)} of {in_all}{more}", err=True)


@records.command("show")
def show(
    batch: BatchId,
    number: _Number,
    content: Annotated[
        bool, typer.Option("--content", help="Print the record as it came instead.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="With what its edits changed, which is content.")
    ] = False,
) -> None:
    """Print what became of a record, as JSON. --content and --diff print what it says of patients;
    that they were looked at is kept in the audit log."""
    with open_command_gateway() as gateway:
        if content:
            with gateway.store.read() as work:
                found = find_content(gateway, work.batches.get(batch), number)
            _tell_audit(gateway, batch, number, "content")
            sys.stdout.buffer.write(found.content + b"\n")
            return
        record = _get_record(gateway, batch, number)
        told = show_record(record)
        with gateway.store.read() as work:
            edits = work.unloaded.find_edits(record.batch.number, number)
        told["edits"] = [_show_edit(edit, text if diff else None) for edit, text in edits]
        if diff:
            _tell_audit(gateway, batch, number, "diff")
        print_json(told)


@records.command("fault")
def fault(fault_id: Annotated[str, typer.Argument(metavar="ID", help="As f-….")]) -> None:
    """Print a fault that quarantined records: its kind, and where in the code it came through."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        seen = work.quarantine.find_fault(fault_id)
    typer.echo(f"{seen.fault.id}  {seen.fault.kind}")
    typer.echo(f"{seen.records} records, first {seen.first_seen}, last {seen.last_seen}")
    for line in seen.fault.trace:
        typer.echo(f"  {line}")


@records.command("replay")
@takes(Terms)
def replay(
    terms: Terms,
    number: Annotated[int | None, typer.Argument(metavar="[NUMBER]")] = None,
    for_real: Annotated[
        bool, typer.Option("--for-real", help="Do it; else it is only said what it would do.")
    ] = False,
    most: Annotated[int, typer.Option(min=1, help="At most so many records.")] = MOST,
    per_minute: Annotated[
        int, typer.Option(min=0, help="At most so many a minute; 0: as fast as may be.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Judge records that were not loaded anew and load them in their own place in the order of
    arrival. Says first what that would do; --for-real does it."""
    wanted = UnloadedFilter(
        number=number,
        **read_terms(terms),
    )
    with open_command_gateway() as gateway:
        if number is not None:
            _check_replayable(gateway, terms.batch or "", number)
        pace = Pace(per_minute, gateway.monotonic)
        done = list(replay_records(gateway, wanted, for_real=for_real, most=most, pace=pace))
    if as_json:
        print_json(show_replayed(done, for_real=for_real))
    else:
        print_table(
            ["batch", "record", "id", "was", "is" if for_real else "would be", "reference", ""],
            [word_replayed(one) for one in done],
        )
        changed = sum(one.is_changed for one in done)
        would = "changed" if for_real else "would change; nothing is done yet: --for-real does it"
        typer.echo(f"{len(done)} records, {changed} {would}", err=True)
    raise typer.Exit(_find_exit(done) if for_real else ExitCode.ALL_ACCEPTED)


@records.command("edit")
def edit(
    batch: BatchId,
    number: _Number,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with the edit.")],
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="The corrected record; - for standard input."),
    ] = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=TEXT", help="Of a row of CSV; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send a corrected record in the place of one that was not loaded: whole, in the format of its
    feed. The original is kept; what differs, who did it and why is kept with it."""
    if (file is None) == (not fields):
        raise WrongUseError("give the corrected record with --file, or cells of it with --set")
    with open_command_gateway() as gateway:
        if file is not None:
            with open_feed(file) as (stream, _):
                done = edit_record(gateway, batch, number, stream, reason=reason)
        else:
            with gateway.store.read() as work:
                found = work.batches.get(batch)
            row = write_row(gateway, found, number, read_fields(fields or []))
            done = edit_record(gateway, batch, number, io.BytesIO(row), reason=reason)
        with open_receipt(gateway, done.id) as receipt:
            sys.stdout.writelines(WRITERS["json" if as_json else "text"](receipt))
            code = of_receipt(receipt.head)
    raise typer.Exit(code)


def _get_record(gateway: Gateway, batch: str, number: int) -> UnloadedRecord:
    wanted = UnloadedFilter(settlement=None, batch_id=batch, number=number)
    with gateway.store.read() as work:
        work.batches.get(batch)
        found = work.unloaded.find(wanted, 1)
    if not found:
        raise UnknownError(f"batch {batch} has no record {number}")
    return found[0]


def _check_replayable(gateway: Gateway, batch: str, number: int) -> None:
    """One that is named, and cannot be replayed, is said to be so."""
    record = _get_record(gateway, batch, number)
    if record.is_settled:
        raise WrongUseError(f"record {number} of {batch} is settled: there is nothing to replay")
    with gateway.store.read() as work:
        if work.singles.find_body(record.batch.number) is not None:
            raise WrongUseError(
                f"{batch} came as a request of its own, and was answered: its sender sends it again"
            )


def _tell_audit(gateway: Gateway, batch: str, number: int, what: str) -> None:
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.audit.add("record.read", batch, {"record": number, "what": what})


def _show_edit(one: Any, diff: str | None) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(one)
    return told if diff is None else told | {"diff": msgspec.json.decode(diff)}


def _find_exit(done: list[Replayed]) -> ExitCode:
    if any(one.after == "quarantined" or one.after is None for one in done):
        return ExitCode.QUARANTINED
    is_rejected = any(one.after == "rejected" for one in done)
    return ExitCode.SOME_REJECTED if is_rejected else ExitCode.ALL_ACCEPTED

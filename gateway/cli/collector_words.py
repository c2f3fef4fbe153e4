"""How the command line tells of collectors and their items."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import typer

from gateway.cli.options import print_table
from schemas.collecting import REASONS, CollectedItem, Collector, ReceiptMessage

_ITEM_COLUMNS = ["item", "file", "state", "first seen", "expires in", "batch", "tries", "reason"]


def tell_collectors(found: Sequence[Collector], counts: Mapping[str, Mapping[str, int]]) -> None:
    columns = ["collector", "source", "kind", "every", "due", "last success", "failing", "items"]
    print_table(
        columns,
        [
            [
                one.id,
                one.source_id,
                one.kind,
                f"{one.every} s",
                _word_instant(one.due_at),
                _word_instant(one.last_success_at),
                f"{one.failures} times: {one.reason}" if one.failures else "no",
                _word_counts(counts[one.id]),
            ]
            for one in found
        ],
    )


def tell_collector(
    found: Collector,
    open_items: Sequence[CollectedItem],
    items: Sequence[CollectedItem],
    now: datetime,
) -> None:
    typer.echo(f"Collector {found.id}   {found.kind} for {found.source_id}, every {found.every} s")
    typer.echo(f"Settings  {found.settings}")
    typer.echo(f"Due       {_word_instant(found.due_at)}")
    typer.echo(f"Success   {_word_instant(found.last_success_at)}")
    if found.failures and found.reason:
        typer.echo(f"Failing   {found.failures} times: {found.reason}, {REASONS[found.reason]}")
    if open_items:
        typer.echo("\nWaiting, refused, or not settled at the far end:")
        print_table(_ITEM_COLUMNS, [_word_item(one, now) for one in open_items])
    if items:
        typer.echo("\nFound last:")
        print_table(_ITEM_COLUMNS, [_word_item(one, now) for one in items])


def tell_receipts(unsent: Sequence[ReceiptMessage]) -> None:
    if not unsent:
        return
    typer.echo("\nReceipts that are not sent, or not known to have arrived:")
    print_table(
        ["item", "batch", "local id", "recipient", "state", "tries", "due", "reason"],
        [
            [
                str(one.item_id),
                one.batch_id,
                one.local_id,
                one.recipient,
                one.state,
                str(one.attempts),
                _word_instant(one.due_at),
                one.reason or "",
            ]
            for one in unsent
        ],
    )


def tell_run(collector_id: str, counts: Mapping[str, int]) -> None:
    if counts.get("busy"):
        typer.echo(f"{collector_id}: another run is at it")
    else:
        typer.echo(f"{collector_id}: {_word_counts(counts) or 'nothing was ready'}")


def _word_item(item: CollectedItem, now: datetime) -> list[str]:
    return [
        str(item.id),
        item.name,
        item.state if item.settled_at or item.state == "waiting" else f"{item.state}, not settled",
        _word_instant(item.first_seen_at),
        _word_left(item, now),
        item.batch_id or "",
        str(item.tries or ""),
        item.reason or "",
    ]


def _word_left(item: CollectedItem, now: datetime) -> str:
    """How long the far end still keeps what it was not told of."""
    if item.expires_at is None or item.settled_at is not None:
        return ""
    hours = int((item.expires_at - now).total_seconds() // 3600)
    return f"{hours // 24} d {hours % 24} h" if hours >= 0 else "expired"


def _word_instant(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}Z" if instant else "never"


def _word_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)

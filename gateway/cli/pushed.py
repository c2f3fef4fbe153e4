"""Prints what a gateway answered to ``push``."""

import sys
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import typer

from gateway.cli.options import print_json
from gateway.exit_codes import ExitCode, of_receipt
from gateway.receipts.read_json import read_json
from gateway.receipts.write import write_text
from schemas.values import plain

if TYPE_CHECKING:
    from gateway.client import Created, Feed, GatewayClient, Issue


def print_receipt(client: "GatewayClient", feed_id: str, form: str) -> ExitCode:
    """The receipt in the form that was asked for, as it comes; the exit code it stands for."""
    with closing(client.receipt(feed_id, "json")) as pieces:
        receipt = read_json(pieces)
        if form == "text":
            sys.stdout.writelines(write_text(receipt))
    if form != "text":
        sys.stdout.flush()
        sys.stdout.buffer.writelines(client.receipt(feed_id, "csv" if form == "csv" else "json"))
    return of_receipt(receipt.head)


def print_feed(feed: "Feed", form: str, *, err: bool = False) -> None:
    """How a feed stands, without its receipt."""
    if form == "json":
        print_json(feed)
    else:
        what = " (dry run)" if feed.dry_run else ""
        typer.echo(f"{plain(feed.id)}{what} {plain(feed.state)}", err=err)


def print_made(made: "Created", form: str) -> None:
    """What became of a single event, without its content."""
    if form == "json":
        print_json(msgspec.structs.replace(made, event=None))
        return
    again = ", as answered before" if made.replayed else ""
    typer.echo(f"{plain(made.reference)} revision {made.revision}: {made.status}{again}")
    _print_issue_lines(made.findings)


def print_issues(issues: "Sequence[Issue]", form: str) -> None:
    """What is wrong with a single event, or would be."""
    if form == "json":
        print_json(issues)
    else:
        _print_issue_lines(issues)


def _print_issue_lines(issues: "Sequence[Issue]") -> None:
    for one in issues:
        place = f"{plain(', '.join(one.expression))}:" if one.expression else ""
        words = [plain(one.code), place, plain(one.text)]
        typer.echo(f"  {plain(one.severity):<11} {' '.join(filter(None, words))}")
        if one.what_to_do:
            typer.echo(f"              to do: {plain(one.what_to_do)}")

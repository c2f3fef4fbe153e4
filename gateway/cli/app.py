"""Puts the commands together; turns errors into a message and an exit code."""

import os
import sys
from collections.abc import Callable

import typer

from gateway.cli import (
    access,
    alarms,
    backfill,
    clients,
    collectors,
    conformance,
    events,
    feeds,
    forwarding,
    keys,
    operations,
    profiles,
    prune,
    push,
    records,
    registry,
    revalidate,
    sandbox,
    serve,
    taxonomy,
)
from gateway.cli.failure import tell_failure
from gateway.logs import set_up_logging

app = typer.Typer(
    name="lrms-gateway",
    help="From local risk management systems to national patient safety events."
    " Exit codes: 0 all accepted, 3 some records rejected, 4 feed unreadable, 5 feed held for a"
    " decision, 6 some records kept in quarantine by a fault of ours, 7 an alarm is open, 2 wrong"
    " use, 1 we broke.",
    no_args_is_help=True,
    add_completion=False,
    # Its tracebacks print local variables: event content must never get there.
    pretty_exceptions_enable=False,
)
app.add_typer(registry.sources, name="source")
app.add_typer(access.grants, name="grant")
app.add_typer(keys.keys, name="key")
app.add_typer(clients.clients, name="client")
app.add_typer(clients.certificates, name="certificate")
app.add_typer(registry.organisations, name="organisation")
app.add_typer(registry.users, name="user")
app.add_typer(events.events, name="event")
app.add_typer(feeds.batches, name="batch")
app.add_typer(alarms.alarms, name="alarm")
app.add_typer(collectors.collectors, name="collector")
app.add_typer(records.records, name="record")
app.add_typer(profiles.profiles, name="profile")
app.add_typer(forwarding.forwarding, name="forward")
app.add_typer(sandbox.sandbox, name="sandbox")
app.add_typer(taxonomy.taxonomies, name="taxonomy")
_COMMANDS: tuple[Callable[..., None], ...] = (
    feeds.receive,
    feeds.process,
    feeds.ingest,
    feeds.check,
    feeds.receipt,
    push.push,
    serve.serve,
    alarms.status,
    alarms.watch,
    alarms.metrics,
    operations.deliver,
    prune.prune,
    backfill.backfill,
    operations.migrate,
    revalidate.revalidate,
    operations.generate,
    conformance.conformance,
)
for command in _COMMANDS:
    app.command()(command)


def main() -> None:
    """The entry point of the distribution."""
    set_up_logging()
    try:
        app()
    except BrokenPipeError:
        # The reader of our output went away (| head); nothing is wrong with us.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the boundary
        sys.exit(tell_failure(error))

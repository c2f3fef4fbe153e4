"""Commands that tell how the gateway stands, and the commands of alarms."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from gateway.cli.options import AsJson, open_command_gateway, print_done, print_json, print_table
from gateway.exit_codes import ExitCode
from gateway.monitoring.instants import word_instant
from gateway.monitoring.status import find_status
from gateway.monitoring.status_text import write_status
from gateway.monitoring.watch import acknowledge as acknowledge_alarm
from gateway.monitoring.watch import watch as watch_once
from schemas.alarm import Alarm, Expected
from schemas.alarm_codes import ALARM_CODES
from schemas.errors import WrongUseError

alarms = typer.Typer(help="What somebody should look at.", no_args_is_help=True)


def status(as_json: AsJson = False) -> None:
    """What came, what waits, what failed, what is late. Exit code 0 where all is well, 7 where an
    alarm is open that nobody acknowledged."""
    with open_command_gateway() as gateway:
        found = find_status(gateway)
    if as_json:
        print_json(found)
    else:
        typer.echo(write_status(found))
    if not found.is_well:
        raise typer.Exit(ExitCode.ALARM)


def watch(as_json: AsJson = False) -> None:
    """Look at everything now: open new alarms and tell the operators, close those that are over.
    What Airflow's watch_feeds does every ten minutes."""
    with open_command_gateway() as gateway:
        done = watch_once(gateway)
    words = f"opened {done['opened']}, closed {done['closed']}, open now {done['open']}"
    print_done(done, words, as_json)


def metrics() -> None:
    """Print the metrics of the store for Prometheus, once: for a textfile collector, or to look."""
    # It takes a tenth of a second to import, and no other command needs it.
    from gateway.monitoring.metrics import write_metrics  # noqa: PLC0415

    with open_command_gateway() as gateway:
        typer.echo(write_metrics(gateway), nl=False)


@alarms.command("list")
def list_alarms(
    days: Annotated[int, typer.Option(min=0, help="Also those that closed in so many days.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List the alarms that are not closed, the oldest first."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.alarms.find_since(gateway.now() - timedelta(days=days))
        found = [one for one in found if days or one.closed_at is None]
    if as_json:
        print_json(found)
    else:
        _print_alarms(found)


@alarms.command("acknowledge")
def acknowledge(
    number: Annotated[int, typer.Argument(metavar="NUMBER")],
    reason: Annotated[str, typer.Option(help="Who looks into it, or why it may stay.")],
    as_json: AsJson = False,
) -> None:
    """Say that somebody looks into an alarm: it is kept until its cause is gone, and no longer
    counts in the exit code of status."""
    with open_command_gateway() as gateway:
        alarm = acknowledge_alarm(gateway, number, reason)
    print_done(alarm, f"alarm {number} ({alarm.code}) is acknowledged", as_json)


def expect(
    source_id: Annotated[str, typer.Argument(metavar="ID")],
    silent_after: Annotated[
        float | None, typer.Option(min=0, metavar="HOURS", help="0: never called silent.")
    ] = None,
    records_least: Annotated[int | None, typer.Option(min=0, help="Of one day.")] = None,
    records_most: Annotated[int | None, typer.Option(min=0, help="Of one day.")] = None,
    rejected_most: Annotated[float | None, typer.Option(help="A share, 0 to 1.")] = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="Forget what was set; learn it from what comes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Set what is expected of a source, where what is learned from its past will not do: an alarm
    is opened where it is otherwise. Without options: what is set."""
    changed: dict[str, Any] = {
        "silent_after_minutes": None if silent_after is None else round(60 * silent_after),
        "records_least": records_least,
        "records_most": records_most,
        "rejected_most": rejected_most,
    }
    changed = {name: value for name, value in changed.items() if value is not None}
    _check_expected(changed, learn=learn)
    found = _set_expected(source_id, changed, learn=learn)
    print_done(found, _word_expected(source_id, found), as_json)


def _set_expected(source_id: str, changed: dict[str, Any], *, learn: bool) -> Expected | None:
    with (
        open_command_gateway() as gateway,
        gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work,
    ):
        work.sources.get(source_id)
        if learn:
            work.expected.forget(source_id)
        elif changed:
            work.expected.set(source_id, changed)
        return work.expected.find_all().get(source_id)


def _check_expected(changed: dict[str, Any], *, learn: bool) -> None:
    if learn and changed:
        raise WrongUseError("--learn forgets what is set: give no other option with it")
    if not 0 <= changed.get("rejected_most", 0) <= 1:
        raise WrongUseError(f"--rejected-most {changed['rejected_most']}: a share from 0 to 1")
    least, most = changed.get("records_least", 0), changed.get("records_most", 2**62)
    if least > most:
        raise WrongUseError(f"--records-least {least} is more than --records-most {most}")


def _word_expected(source_id: str, found: Expected | None) -> str:
    if found is None:
        return f"of {source_id} nothing is set: what is expected is learned from its past"
    told = []
    if found.silent_after_minutes is not None:
        told.append(f"something every {found.silent_after_minutes / 60:g} hours")
    if found.records_least is not None:
        told.append(f"{found.records_least:,} records a day at least")
    if found.records_most is not None:
        told.append(f"{found.records_most:,} records a day at most")
    if found.rejected_most is not None:
        told.append(f"{found.rejected_most:.0%} rejected at most")
    return f"of {source_id} is expected: {', '.join(told)}"


def _print_alarms(found: Sequence[Alarm]) -> None:
    print_table(
        ["number", "code", "about", "state", "opened", "closed", "what"],
        [
            [
                str(one.number),
                one.code,
                one.subject or "the gateway",
                one.state,
                word_instant(one.opened_at),
                word_instant(one.closed_at) if one.closed_at else "",
                ALARM_CODES[one.code].word(one.params) + (f" [{one.reason}]" if one.reason else ""),
            ]
            for one in found
        ],
    )

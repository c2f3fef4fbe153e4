"""Commands about forwarding: what was submitted to the endpoint upstream, and what is not known."""

from typing import Annotated

import msgspec
import typer

from gateway.cli.options import AsJson, open_command_gateway, print_done, print_json, print_table
from gateway.exit_codes import ExitCode
from gateway.pipeline.forward import (
    forward_events,
    retry_refused_event,
    show_forward,
    start_forwarding,
)
from schemas.errors import WrongUseError
from schemas.forwarding import Forward, ForwardState
from schemas.identifiers import make_reference

forwarding = typer.Typer(help="What is submitted on to an endpoint upstream.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="The event's own number.")]
_COLUMNS = ["event", "state", "revision", "upstream", "tries", "due", "status", "codes"]
_STATES: tuple[ForwardState, ...] = ("waiting", "sending", "sent", "refused", "unknown")


@forwarding.command("start")
def start(
    begin: Annotated[
        str,
        typer.Option("--from", metavar="now|beginning", help="Which batches: later ones, or all."),
    ],
    as_json: AsJson = False,
) -> None:
    """Queue the events of finished batches from now on. Done once; LRMS_FORWARD_URL says whether
    they are submitted."""
    if begin not in {"now", "beginning"}:
        raise WrongUseError("--from: now or beginning")
    with open_command_gateway() as gateway:
        start_forwarding(gateway, from_beginning=begin == "beginning")
    print_done({"from": begin}, f"forwarding was started, from {begin} on", as_json)


@forwarding.command("run")
def run(
    limit: Annotated[int | None, typer.Option(min=1, help="Calls at most.")] = None,
    as_json: AsJson = False,
) -> None:
    """Submit what is due. Exit code 3 where some was refused, 1 where some was not answered."""
    with open_command_gateway() as gateway:
        counts = forward_events(gateway, limit=limit)
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    print_done(counts, told or "nothing was due", as_json)
    raise typer.Exit(_find_code(counts))


@forwarding.command("list")
def list_(
    state: Annotated[str | None, typer.Option(help=f"{', '.join(_STATES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List events on their way upstream, the last changed first, and how many are in each state."""
    wanted = next((one for one in _STATES if one == state), None)
    if state is not None and wanted is None:
        raise WrongUseError(f"--state: one of {', '.join(_STATES)}")
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.forwards.find(wanted, limit=limit)
        counts = work.forwards.count()
    if as_json:
        print_json({"counts": counts, "events": [_show(one) for one in found]})
        return
    print_table(_COLUMNS, [_word(one) for one in found])
    typer.echo(", ".join(f"{counts[one]} {one}" for one in _STATES if one in counts) or "none")


@forwarding.command("show")
def show(reference: Reference, as_json: AsJson = False) -> None:
    """Show how far an event is forwarded, and every call that was made for it."""
    with open_command_gateway() as gateway:
        found, calls = show_forward(gateway, reference)
    if as_json:
        print_json(_show(found) | {"calls": calls})
        return
    print_table(_COLUMNS, [_word(found)])
    typer.echo("")
    columns = ["call", "revision", "state", "made", "ended", "status", "codes", "key"]
    rows = [
        [
            str(one.id),
            str(one.revision),
            one.state,
            f"{one.made_at:%Y-%m-%d %H:%M:%S}Z",
            f"{one.ended_at:%Y-%m-%d %H:%M:%S}Z" if one.ended_at else "",
            str(one.status or ""),
            _word_codes(one.codes),
            one.idempotency_key,
        ]
        for one in calls
    ]
    print_table(columns, rows)


@forwarding.command("retry")
def retry(reference: Reference, as_json: AsJson = False) -> None:
    """Have a revision that upstream refused submitted again."""
    with open_command_gateway() as gateway:
        retry_refused_event(gateway, reference)
    print_done({"event": reference}, f"{reference} is submitted again in the next run", as_json)


def _find_code(counts: dict[str, int]) -> ExitCode:
    if counts["failed"] or counts["unknown"]:
        return ExitCode.BROKEN
    return ExitCode.SOME_REJECTED if counts["refused"] else ExitCode.ALL_ACCEPTED


def _show(one: Forward) -> dict[str, object]:
    return {"reference": make_reference(one.event_id)} | msgspec.structs.asdict(one)


def _word(one: Forward) -> list[str]:
    return [
        make_reference(one.event_id),
        one.state,
        str(one.done),
        one.upstream_id or "",
        str(one.attempts or ""),
        "" if one.state in {"sent", "refused"} else f"{one.due_at:%Y-%m-%d %H:%M:%S}Z",
        str(one.status or ""),
        _word_codes(one.codes),
    ]


def _word_codes(codes: str | None) -> str:
    return ", ".join(msgspec.json.decode(codes, type=list[str])) if codes else ""

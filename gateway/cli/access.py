"""Commands about who may send for whom, and what a source used."""

from datetime import datetime
from typing import Annotated

import msgspec
import typer

from gateway.bootstrap import Gateway
from gateway.cli.options import (
    AsJson,
    open_command_gateway,
    print_done,
    print_json,
    print_table,
)
from gateway.pipeline import access
from gateway.pipeline.access import HourOfUse
from schemas.submission import Grant

grants = typer.Typer(help="Which organisations let a source submit for them.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(metavar="SOURCE", help="The registered source.")]
AnySource = Annotated[str | None, typer.Argument(metavar="SOURCE", help="Only this source.")]
_Organisation = Annotated[str, typer.Argument(metavar="ODS", help="The organisation.")]


@grants.command("add")
def add_grant(
    source_id: Source,
    organisation: _Organisation,
    by: Annotated[str, typer.Option(help="Who gave it, as the audit log will tell.")],
    starts_on: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], metavar="DATE", help="The first day."),
    ] = None,
    ends_on: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], metavar="DATE", help="The last day."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a source submit for an organisation. Days are those of Europe/London; a grant that is
    there already is replaced. A feed is judged by the grants of the day on which it came."""
    grant = Grant(
        organisation,
        starts_on.date() if starts_on else None,
        ends_on.date() if ends_on else None,
        by,
    )
    with open_command_gateway() as gateway:
        access.give_grant(gateway, source_id, grant)
    found = {"source": source_id, "organisation": organisation}
    print_done(found, f"{source_id} may submit for {organisation}{_word_bounds(grant)}", as_json)


@grants.command("end")
def end_grant(
    source_id: Source,
    organisation: _Organisation,
    by: Annotated[str, typer.Option(help="Who ended it, as the audit log will tell.")],
    on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="The last day on which it holds; today, unless given. Yesterday ends it at once.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """End a grant."""
    with open_command_gateway() as gateway:
        last = access.end_grant(
            gateway, source_id, organisation, by=by, on=on.date() if on else None
        )
    found = {"source": source_id, "organisation": organisation, "ends_on": last}
    print_done(found, f"{source_id} may submit for {organisation} until {last}", as_json)


@grants.command("list")
def list_grants(source_id: AnySource = None, as_json: AsJson = False) -> None:
    """List the grants, also those that are over or have not begun."""
    with open_command_gateway() as gateway:
        found = access.find_sources(gateway, source_id)
        today = access.find_today(gateway)
    rows = [(source.id, grant) for source in found for grant in source.grants]
    if as_json:
        print_json([{"source": name} | msgspec.structs.asdict(grant) for name, grant in rows])
        return
    print_table(
        ["source", "organisation", "from", "until", "holds today", "given by"],
        [
            [
                name,
                grant.organisation,
                str(grant.starts_on or ""),
                str(grant.ends_on or ""),
                "yes" if grant.holds_on(today) else "no",
                grant.given_by,
            ]
            for name, grant in rows
        ],
    )


def show_usage(source_id: Source, as_json: AsJson = False) -> None:
    """What a source used within the last day, hour by hour (UTC), beside its limits."""
    with open_command_gateway() as gateway:
        found = access.find_usage(gateway, source_id)
        limits = _find_limits(gateway)
    if as_json:
        print_json({"limits_a_minute": limits, "hours": found})
        return
    columns = ["hour", "requests", "records", "bytes", "refused", "busiest minute"]
    print_table(columns, [_word_hour(hour) for hour in found])
    told = [f"{limit:,} {what}" if limit else f"any {what}" for what, limit in limits.items()]
    typer.echo(f"Limits a minute: {'; '.join(told)}")


def _find_limits(gateway: Gateway) -> dict[str, int]:
    settings = gateway.settings
    return {
        "requests": settings.max_requests_per_minute,
        "records": settings.max_records_per_minute,
        "bytes": settings.max_bytes_per_minute,
    }


def _word_hour(hour: HourOfUse) -> list[str]:
    counts = (hour.requests, hour.records, hour.bytes, hour.refused, hour.busiest_minute)
    return [f"{hour.begins:%Y-%m-%d %H:00}", *(f"{count:,}" for count in counts)]


def _word_bounds(grant: Grant) -> str:
    begins = f" from {grant.starts_on}" if grant.starts_on else ""
    return f"{begins} until {grant.ends_on}" if grant.ends_on else begins

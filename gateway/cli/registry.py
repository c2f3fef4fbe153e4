"""Commands that register sources, organisations and users."""

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from gateway.cli.access import show_usage
from gateway.cli.alarms import expect
from gateway.cli.options import (
    AsJson,
    open_command_gateway,
    print_done,
    print_json,
    print_table,
)
from gateway.cli.reference import sync as sync_organisations
from gateway.pipeline import access, register
from schemas.errors import WrongUseError
from schemas.submission import FeedFormat, OnBreak, Source

sources = typer.Typer(help="Local systems that send feeds.", no_args_is_help=True)
organisations = typer.Typer(help="The register of organisations (ODS).", no_args_is_help=True)
users = typer.Typer(help="Who is told of events.", no_args_is_help=True)
sources.command("usage")(show_usage)
organisations.command("sync")(sync_organisations)
sources.command("expect")(expect)

_FORMATS: tuple[str, ...] = get_args(FeedFormat)
_ON_BREAK: tuple[str, ...] = get_args(OnBreak)


@sources.command("add")
def add_source(  # noqa: PLR0913, PLR0917 - an option each
    source_id: Annotated[str, typer.Argument(metavar="ID")],
    organisation: Annotated[str, typer.Option(metavar="ODS", help="Whose system it is.")],
    format: Annotated[str, typer.Option(help="fhir, xml, csv or json.")],  # noqa: A002
    profile: Annotated[str | None, typer.Option(help="Mapping profile (not fhir).")] = None,
    submits_for: Annotated[
        list[str] | None,
        typer.Option(metavar="ODS", help="May send for this organisation too; repeatable."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="What the taxonomy does not know rejects the record.")
    ] = False,
    taxonomy_version: Annotated[
        str, typer.Option(help="For records that do not name theirs: 4, 5 or 6.")
    ] = "5",
    on_break: Annotated[
        str,
        typer.Option(
            help="What is done with a feed that breaks off half-way: wait for a decision, or load"
            " what came before."
        ),
    ] = "wait",
    as_json: AsJson = False,
) -> None:
    """Register a source."""
    if format not in _FORMATS:
        raise WrongUseError(f"format {format!r}: one of {', '.join(_FORMATS)}")
    if on_break not in _ON_BREAK:
        raise WrongUseError(f"on-break {on_break!r}: one of {', '.join(_ON_BREAK)}")
    source = Source(
        id=source_id,
        organisation=organisation,
        format=cast("FeedFormat", format),
        profile=profile,
        submits_for=frozenset([organisation, *(submits_for or [])]),
        strict=strict,
        taxonomy_version=taxonomy_version,
        on_break=cast("OnBreak", on_break),
    )
    with open_command_gateway() as gateway:
        register.add_source(gateway, source)
    print_done({"source": source_id}, f"source {source_id} registered for {organisation}", as_json)


@sources.command("list")
def list_sources(as_json: AsJson = False) -> None:
    """List the sources; for whom they may submit today."""
    with open_command_gateway() as gateway:
        found = access.find_sources(gateway, None)
        today = access.find_today(gateway)
    if as_json:
        print_json(found)
        return
    print_table(
        ["source", "organisation", "format", "profile", "submits for", "strict", "on break"],
        [
            [
                source.id,
                source.organisation,
                source.format,
                source.profile or "",
                " ".join(sorted(source.on(today).submits_for)),
                "yes" if source.strict else "no",
                source.on_break,
            ]
            for source in found
        ],
    )


@organisations.command("add")
def add_organisation(
    code: Annotated[str, typer.Argument(metavar="ODS")],
    name: Annotated[str, typer.Argument(metavar="NAME")],
    as_json: AsJson = False,
) -> None:
    """Add one organisation, or rename a known one."""
    with open_command_gateway() as gateway:
        register.add_organisation(gateway, code, name)
    print_done({"organisation": code}, f"organisation {code} is in the register", as_json)


@organisations.command("load")
def load_organisations(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: code, name, …")],
    as_json: AsJson = False,
) -> None:
    """Load organisations from a CSV file: code, name, and where given opened, closed, successor,
    icb, region."""
    if not file.is_file():
        raise WrongUseError(f"{file}: no such file")
    with open_command_gateway() as gateway, file.open(encoding="utf-8-sig", newline="") as lines:
        count = register.add_organisations(gateway, register.read_organisations(lines, file.name))
    print_done({"loaded": count}, f"{count} organisations loaded", as_json)


@users.command("add")
def add_admin(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    organisation: Annotated[str, typer.Option(metavar="ODS")],
    role: Annotated[str, typer.Option(help="admin")] = "admin",
    as_json: AsJson = False,
) -> None:
    """Add an admin user of an organisation: told of events that happened there."""
    with open_command_gateway() as gateway:
        register.add_user(gateway, email, organisation, role)
    found = {"email": email, "organisation": organisation, "role": role}
    print_done(found, f"{email} is {role} of {organisation}", as_json)


@users.command("remove")
def remove_admin(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    organisation: Annotated[str, typer.Option(metavar="ODS")],
    role: Annotated[str, typer.Option(help="admin")] = "admin",
    as_json: AsJson = False,
) -> None:
    """Remove an admin user: somebody who left, or an address that mail servers refuse."""
    with open_command_gateway() as gateway:
        register.remove_user(gateway, email, organisation, role)
    found = {"email": email, "organisation": organisation, "role": role}
    print_done(found, f"{email} is no longer {role} of {organisation}", as_json)


@users.command("list")
def list_users(as_json: AsJson = False) -> None:
    """List the users by organisation."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.users.find_all()
    columns = ["organisation", "email", "role"]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in found])
    else:
        print_table(columns, [list(row) for row in found])

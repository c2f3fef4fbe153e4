"""Commands about stored events."""

import sys
from typing import Annotated

import msgspec
import typer

from gateway.cli.options import open_command_gateway, print_json
from gateway.pipeline.show import show_event, show_event_as_fhir
from schemas.errors import WrongUseError

events = typer.Typer(help="National events.", no_args_is_help=True)


@events.command("show")
def show(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE")],
    form: Annotated[str, typer.Option("--as", help="json or fhir.")] = "json",
) -> None:
    """Print an event: as JSON with its marks and revisions, or as the FHIR AdverseEvent of its
    taxonomy version."""
    with open_command_gateway() as gateway:
        if form == "json":
            print_json(show_event(gateway, reference))
        elif form == "fhir":
            resource = show_event_as_fhir(gateway, reference)
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(resource)).decode() + "\n")
        else:
            raise WrongUseError(f"--as {form!r}: one of json, fhir")

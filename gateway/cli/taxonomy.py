"""Commands about the national taxonomy."""

import sys
from typing import Annotated

import typer

from gateway.cli.options import AsJson, open_command_gateway
from gateway.pipeline.refresh_taxonomy import open_taxonomy, refresh_taxonomy
from gateway.reference.taxonomy_report import WRITERS

taxonomies = typer.Typer(help="The national taxonomy.", no_args_is_help=True)


@taxonomies.command("refresh")
def refresh(
    base: Annotated[
        str, typer.Option(metavar="URL", help="Where StructureDefinition and CodeSystem are.")
    ],
    version: Annotated[str, typer.Option(help="4, 5 or 6.")] = "6",
    key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable with a key for it (apikey)."),
    ] = None,
    writes: Annotated[
        bool,
        typer.Option("--write", help="Keep what was fetched as a file in LRMS_HOME/taxonomy."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lay a taxonomy that a FHIR server gives beside the one that is shipped: elements, codes and
    cardinalities, and which stored events have what is removed. Nothing takes effect by it."""
    with (
        open_command_gateway() as gateway,
        open_taxonomy(gateway, base, key_env=key_env) as api,
    ):
        report = refresh_taxonomy(gateway, api, base, version, writes=writes)
    sys.stdout.writelines(WRITERS["json" if as_json else "text"](report))

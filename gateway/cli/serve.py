"""The command that serves the API."""

import os
from typing import Annotated

import typer

from gateway.cli.options import open_command_gateway
from gateway.cli.sandbox import print_keys
from gateway.sandbox.restore import prepare_sandbox


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")
    ] = 1,
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox",
            help="For vendors' developers: fixed keys, answers on request, a reset. Only on a"
            " database that holds nothing else. As LRMS_SANDBOX=true.",
        ),
    ] = False,
) -> None:
    """Serve the API for vendors, until it is stopped."""
    # FastAPI takes half a second to import, and no other command needs it.
    from gateway.api.serve import serve as serve_api  # noqa: PLC0415

    if sandbox:
        # The processes that serve read their settings themselves.
        os.environ["LRMS_SANDBOX"] = "true"
    with open_command_gateway() as gateway:
        if gateway.settings.sandbox:
            prepare_sandbox(gateway)
            print_keys(err=True)
        typer.echo(f"Serving on http://{host}:{port} (as {gateway.settings.public_url})", err=True)
    serve_api(host=host, port=port, workers=workers)

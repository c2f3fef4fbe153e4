"""The command that serves the API."""

from typing import Annotated

import typer

from gateway.cli.options import open_command_gateway


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes; more than one needs PostgreSQL.")
    ] = 1,
) -> None:
    """Serve the API for vendors, until it is stopped."""
    # FastAPI takes half a second to import, and no other command needs it.
    from gateway.api.serve import serve as serve_api  # noqa: PLC0415

    with open_command_gateway() as gateway:
        typer.echo(f"Serving on http://{host}:{port} (as {gateway.settings.public_url})", err=True)
    serve_api(host=host, port=port, workers=workers)

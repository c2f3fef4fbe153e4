"""Commands about the sandbox: what is fixed in it, its reset, a client that signs."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.clients import read_file, tell_client, word_keys
from gateway.cli.options import (
    AsJson,
    open_command_gateway,
    print_done,
    print_json,
    print_table,
)
from gateway.pipeline.credentials import set_client
from gateway.sandbox.fixed import FHIR, KEYS, SOURCES
from gateway.sandbox.restore import check_sandbox, reset_sandbox
from schemas.errors import WrongUseError
from schemas.sandbox import SOURCE_PREFIX, is_sandbox_source
from schemas.submission import Source

sandbox = typer.Typer(
    help="The sandbox for vendors' developers (serve --sandbox).", no_args_is_help=True
)


@sandbox.command("keys")
def show_keys(as_json: AsJson = False) -> None:
    """Print the keys of the sandbox. They are the same everywhere, and good nowhere else."""
    if as_json:
        print_json(KEYS)
    else:
        print_keys()


@sandbox.command("reset")
def reset(as_json: AsJson = False) -> None:
    """Remove everything that the sandbox's sources sent, and put back what is fixed. Refused where
    the database holds any other source."""
    with open_command_gateway() as gateway:
        removed = reset_sandbox(gateway, asked_by=gateway.actor)
    found = {"events": removed.events, "batches": removed.batches}
    words = f"the sandbox is reset: {removed.events} events and {removed.batches} batches removed"
    print_done(found, words, as_json)


@sandbox.command("client")
def register_client(
    jwks: Annotated[Path, typer.Option(metavar="FILE", help="Your public keys, as a JWKS.")],
    source_id: Annotated[
        str, typer.Option("--source", metavar="ID", help="A source of the sandbox.")
    ] = FHIR.id,
    as_json: AsJson = False,
) -> None:
    """Let a source of the sandbox get access tokens by the keys that you made. A reset leaves them
    registered."""
    if not is_sandbox_source(source_id):
        raise WrongUseError(f"{source_id}: the sources of a sandbox begin with {SOURCE_PREFIX!r}")
    with open_command_gateway() as gateway:
        check_sandbox(gateway)
        client = set_client(gateway, source_id, jwks=read_file(jwks))
        address = gateway.settings.token_url
    words = f"{source_id} gets tokens at {address}; its keys: {word_keys(client)}"
    print_done(tell_client(client), words, as_json)


def print_keys(*, err: bool = False) -> None:
    by_source = {source.id: source for source in SOURCES}
    rows = []
    for key in KEYS:
        source = by_source[key.source_id]
        sends = source.profile or source.format
        state = "expired: 401" if key.expires_at else ""
        rows.append([source.id, sends, _word_grants(source), key.secret, state])
    print_table(["source", "sends", "submits for", "subscription key", ""], rows, err=err)


def _word_grants(source: Source) -> str:
    words = [source.organisation]
    for grant in source.grants:
        begins = f" from {grant.starts_on}" if grant.starts_on else ""
        words.append(f"{grant.organisation}{begins}")
        if grant.ends_on:
            words[-1] = f"{grant.organisation} until {grant.ends_on}"
    return ", ".join(words)

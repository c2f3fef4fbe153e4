"""Commands about what a source is known by beside its keys: clients that sign, certificates."""

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.access import AnySource, Source
from gateway.cli.options import (
    AsJson,
    open_command_gateway,
    print_done,
    print_json,
    print_table,
)
from gateway.identity.jwks import list_kids
from gateway.pipeline import credentials
from schemas.errors import WrongUseError
from schemas.identity import SCOPES, Client

clients = typer.Typer(
    help="Sources that ask for access tokens by a signed JWT.", no_args_is_help=True
)
certificates = typer.Typer(
    help="Client certificates that sources must present to the proxy in front of the API.",
    no_args_is_help=True,
)


@clients.command("set")
def set_client(
    source_id: Source,
    jwks: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its public keys, as a JWKS.")
    ] = None,
    jwks_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where it publishes them (https).")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What it may ask for: {', '.join(SCOPES)}; repeatable. All, unless given."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Register the keys by which a source signs, in place of those it had. Public keys only: RSA of
    2048 bits or more, or EC on P-384, each with its kid."""
    content = None if jwks is None else read_file(jwks)
    with open_command_gateway() as gateway:
        client = credentials.set_client(
            gateway, source_id, jwks=content, jwks_url=jwks_url, scopes=scope or SCOPES
        )
        address = gateway.settings.token_url
    print_done(
        tell_client(client),
        f"{source_id} gets tokens at {address}; its keys: {word_keys(client)}",
        as_json,
    )


@clients.command("remove")
def remove_client(source_id: Source, as_json: AsJson = False) -> None:
    """Issue no more tokens to a source, and refuse those it has."""
    with open_command_gateway() as gateway:
        credentials.remove_client(gateway, source_id)
    print_done({"source": source_id}, f"{source_id} gets no more tokens", as_json)


@clients.command("list")
def list_clients(as_json: AsJson = False) -> None:
    """List the sources that get tokens, with the ids of their keys."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        found = work.clients.find_all()
    if as_json:
        print_json([tell_client(client) for client in found])
        return
    print_table(
        ["source", "keys", "scopes"],
        [[one.source_id, word_keys(one), " ".join(sorted(one.scopes))] for one in found],
    )


def tell_client(client: Client) -> dict[str, object]:
    return {
        "source": client.source_id,
        "kids": list_kids(client.jwks) if client.jwks else [],
        "jwks_url": client.jwks_url,
        "scopes": sorted(client.scopes),
        "updated_at": client.updated_at,
    }


def word_keys(client: Client) -> str:
    if client.jwks is None:
        return f"at {client.jwks_url}"
    return ", ".join(list_kids(client.jwks))


@certificates.command("add")
def add_certificate(
    source_id: Source,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One certificate, PEM.")],
    as_json: AsJson = False,
) -> None:
    """Have a source present this certificate (or another of its own) with every request. The API
    sees certificates only behind a proxy that LRMS_TRUSTED_PROXIES names."""
    try:
        pem = read_file(file).decode("ascii")
    except UnicodeDecodeError:
        raise WrongUseError(f"{file}: no certificate in PEM form") from None
    with open_command_gateway() as gateway:
        sha256 = credentials.add_certificate(gateway, source_id, pem)
    found = {"source": source_id, "sha256": sha256}
    print_done(found, f"{source_id} must present a certificate, as {sha256}", as_json)


@certificates.command("remove")
def remove_certificate(
    source_id: Source,
    sha256: Annotated[str, typer.Argument(metavar="SHA256", help="As the list shows it.")],
    as_json: AsJson = False,
) -> None:
    """Take a certificate away. Without the last of them a source need not present any."""
    with open_command_gateway() as gateway:
        credentials.remove_certificate(gateway, source_id, sha256)
    print_done({"source": source_id, "sha256": sha256}, f"{source_id} has it no more", as_json)


@certificates.command("list")
def list_certificates(source_id: AnySource = None, as_json: AsJson = False) -> None:
    """List the certificates by their sha256."""
    with open_command_gateway() as gateway, gateway.store.read() as work:
        if source_id is not None:
            work.sources.get(source_id)
        found = work.certificates.find_all(source_id)
    if as_json:
        print_json(found)
        return
    print_table(
        ["source", "sha256", "added"],
        [[one.source_id, one.sha256, f"{one.added_at:%Y-%m-%d}"] for one in found],
    )


def read_file(file: Path) -> bytes:
    if not file.is_file():
        raise WrongUseError(f"{file}: no such file")
    return file.read_bytes()

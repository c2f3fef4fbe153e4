"""How ``push`` reaches a gateway: its address, who asks, and whom to trust. No secret is an
argument: those are seen by everybody on the machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from schemas.errors import GatewayError, UnavailableError, WrongUseError
from schemas.values import plain

if TYPE_CHECKING:
    from gateway.client import ClientCredentials, ClientError, GatewayClient

KEY_VARIABLE = "LRMS_PUSH_KEY"


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for on the command line."""

    base: Annotated[str, typer.Option(metavar="URL", help="The gateway's address.")]
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"Holds the subscription key; else {KEY_VARIABLE} has it."
        ),
    ] = None
    client_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="OAuth 2 client, in place of a subscription key."),
    ] = None
    private_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its private key, in PEM.")
    ] = None
    kid: Annotated[
        str | None, typer.Option(help="The id under which its public key is registered.")
    ] = None
    algorithm: Annotated[str, typer.Option(help="What it signs with.")] = "RS512"
    ca_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificate authorities to trust instead.")
    ] = None
    cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Client certificate to show (mutual TLS).")
    ] = None
    cert_key: Annotated[Path | None, typer.Option(metavar="FILE", help="And its key.")] = None
    plain_http: Annotated[
        bool,
        typer.Option("--plain-http", help="Allow http: to another machine; shows key and events."),
    ] = False


@contextmanager
def open_client(access: Access) -> Iterator["GatewayClient"]:
    """A client while the block lasts; what it raises is told as errors of the command line."""
    # Slow to import (requests, cryptography), and no other command needs it.
    from gateway.client import Certificates, ClientError, GatewayClient  # noqa: PLC0415

    certificates = Certificates(
        trusted=_name(access.ca_file), own=_name(access.cert), own_key=_name(access.cert_key)
    )
    credentials = _find_credentials(access)
    try:
        client = GatewayClient(
            access.base,
            key=None if credentials else _get_key(access.key_file),
            credentials=credentials,
            certificates=certificates,
            plain_http=access.plain_http,
        )
    except ValueError as error:
        raise WrongUseError(str(error)) from None
    with client:
        try:
            yield client
        except ClientError as error:
            raise _translate(error) from None


def _find_credentials(access: Access) -> "ClientCredentials | None":
    from gateway.client import ClientCredentials  # noqa: PLC0415 - see open_client

    given = (access.client_id, access.private_key, access.kid)
    if given == (None, None, None):
        return None
    if access.client_id is None or access.private_key is None or access.kid is None:
        raise WrongUseError("--client-id, --private-key and --kid go together")
    if access.key_file is not None:
        raise WrongUseError("--key-file or --client-id, not both")
    return ClientCredentials(
        access.client_id, _read_secret(access.private_key), access.kid, access.algorithm
    )


def _get_key(file: Path | None) -> str:
    if file is not None:
        return _read_secret(file).strip()
    if key := os.environ.get(KEY_VARIABLE, "").strip():
        return key
    raise WrongUseError(f"a key is needed: --key-file, or {KEY_VARIABLE}, or --client-id")


def _read_secret(file: Path) -> str:
    _check_file(file)
    try:
        return file.read_text(encoding="ascii")
    except UnicodeDecodeError:
        raise WrongUseError(f"{file} holds no key") from None


def _name(file: Path | None) -> str | None:
    if file is None:
        return None
    _check_file(file)
    return str(file)


def _check_file(file: Path) -> None:
    # Neither /dev/stdin nor the shell's <(…) is a regular file, and both are good for a secret.
    if not file.exists() or file.is_dir():
        raise WrongUseError(f"{file}: no such file")


def _translate(error: "ClientError") -> GatewayError:
    """With what to do, in the gateway's words or as the option to go on by."""
    from gateway import client  # noqa: PLC0415 - see open_client

    words = [str(error)]
    for one in error.issues[:1]:
        words += [plain(one.text), plain(one.what_to_do)]
    match error:
        case client.OutcomeUnknownError():
            words.append(f"go on by --idempotency-key {error.idempotency_key}")
        case client.UploadCutError():
            words.append(f"go on by --upload-id {error.upload_id}")
        case client.NotFinishedError():
            words.append("push the same file again to wait for it: nothing is loaded twice")
    text = ". ".join(word.rstrip(".") for word in words if word)
    if isinstance(error, client.NotAllowedError | client.NotFoundError | client.RefusedError):
        return WrongUseError(text)
    if isinstance(error, client.NotNowError | client.UnreachableError):
        return UnavailableError(text)
    return GatewayError(text)

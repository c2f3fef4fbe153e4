"""SFTP collectors: their settings, and how their far end is opened. What needs paramiko is imported
where it is needed: no other command waits for it."""

import base64
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import FarEnd
from gateway.collectors.secret import Secret
from gateway.collectors.settings import KindSettings
from schemas.collecting import Collector

if TYPE_CHECKING:
    from paramiko import PKey

_PUBLIC_KEY = re.compile(r"(?:^|\s)((?:ssh|ecdsa)-\S+)\s+(\S+)", re.ASCII)


def _check_host_key(line: str) -> str:
    try:
        parse_host_key(line)
    except ValueError:
        raise ValueError("a public key as in 'ssh-ed25519 AAAA…', as ssh-keyscan has it") from None
    return line


class SftpSettings(KindSettings):
    """Either ``connection``, the id of a connection that Airflow holds, or ``host``, ``user``,
    ``host_key`` and ``key_file`` or ``password``: nobody is trusted at first sight.

    ``folder``: where files lie; ``names``: only those whose names look so. ``ready``: ``done``:
    once ``X.done`` lies beside X; ``still``: once size and time of change were the same in two
    looks, ``still_seconds`` apart. ``after``: what becomes of a file that is received: it goes to
    ``archive``, is deleted, or is left and remembered by its name, size and time of change. One
    that is refused goes to ``refused`` if others are moved, and else is left.
    ``timeout``: so many seconds without an answer end a connection."""

    connection: str | None = Field(None, min_length=1)
    host: str | None = Field(None, min_length=1)
    port: int = Field(22, ge=1, le=65_535)
    user: str | None = Field(None, min_length=1)
    key_file: Path | None = None
    password: Secret | None = None
    host_key: Annotated[str, AfterValidator(_check_host_key)] | None = None
    folder: str = Field(".", min_length=1)
    names: str = Field("*", min_length=1)
    ready: Literal["still", "done"] = "still"
    still_seconds: float = Field(30, gt=0, le=300)
    after: Literal["move", "delete", "leave"] = "move"
    archive: str = Field("done", min_length=1)
    refused: str = Field("refused", min_length=1)
    timeout: float = Field(60, gt=0, le=120)

    @model_validator(mode="after")
    def _names_a_server(self) -> Self:
        own: Mapping[str, object] = {
            "host": self.host,
            "user": self.user,
            "host_key": self.host_key,
            "key_file or password": self.key_file or self.password,
        }
        if self.connection is not None:
            if any(value is not None for value in own.values()):
                raise ValueError("with connection, Airflow knows the server: no host, user or key")
            return self
        missing = [name for name, value in own.items() if value is None]
        if missing:
            raise ValueError(f"needed, or connection in their place: {', '.join(missing)}")
        return self


def parse_host_key(line: str) -> "PKey":
    """The key of a line as ``ssh-keyscan`` prints it, with the host before it or without.
    ValueError for anything else."""
    from paramiko import PKey  # noqa: PLC0415
    from paramiko.pkey import UnknownKeyType  # noqa: PLC0415
    from paramiko.ssh_exception import SSHException  # noqa: PLC0415

    found = _PUBLIC_KEY.search(line)
    if found is None:
        raise ValueError("no public key")
    try:
        return PKey.from_type_string(found[1], base64.b64decode(found[2], validate=True))
    except (UnknownKeyType, SSHException, ValueError, IndexError) as error:
        raise ValueError("no public key") from error


@contextmanager
def open_sftp(gateway: Gateway, collector: Collector, settings: SftpSettings) -> Iterator[FarEnd]:
    """The folder at the server; the connection is made when it is first needed."""
    from gateway.collectors.sftp_connect import make_connect  # noqa: PLC0415
    from gateway.collectors.sftp_folder import SftpFolder  # noqa: PLC0415
    from gateway.collectors.sftp_session import Session  # noqa: PLC0415

    session = Session(make_connect(gateway, settings), timeout=settings.timeout)
    try:
        yield SftpFolder(session, settings, monotonic=gateway.monotonic)
    finally:
        session.drop()

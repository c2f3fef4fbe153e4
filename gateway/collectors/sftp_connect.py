"""Connects to an SFTP server by a collector's own settings, or through the connection that Airflow
holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import paramiko

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError
from gateway.collectors.sftp import SftpSettings, parse_host_key
from gateway.collectors.sftp_session import Connect

_SSH_PORT = 22


def make_connect(gateway: Gateway, settings: SftpSettings) -> Connect:
    """Looks for the secrets now, so that one that is missing is told as that."""
    if settings.connection is not None:
        # Only where Airflow runs the collector are there any.
        if gateway.open_ssh is None:
            raise CollectError("settings")
        return partial(gateway.open_ssh, settings.connection)
    if settings.key_file is not None and not settings.key_file.is_file():
        raise CollectError("secret")
    password = settings.password.read(gateway) if settings.password else None
    return partial(_connect, settings, password)


@contextmanager
def _connect(settings: SftpSettings, password: str | None) -> Iterator[paramiko.SSHClient]:
    with paramiko.SSHClient() as client:
        _pin_host_key(client, settings)
        client.connect(
            str(settings.host),
            settings.port,
            settings.user,
            password,
            key_filename=str(settings.key_file) if settings.key_file else None,
            # Only what the settings name: no key of whoever runs this is tried.
            allow_agent=False,
            look_for_keys=False,
            timeout=settings.timeout,
            banner_timeout=settings.timeout,
            auth_timeout=settings.timeout,
        )
        yield client


def _pin_host_key(client: paramiko.SSHClient, settings: SftpSettings) -> None:
    key = parse_host_key(settings.host_key or "")
    host = f"[{settings.host}]:{settings.port}" if settings.port != _SSH_PORT else settings.host
    client.get_host_keys().add(str(host), key.get_name(), key)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())

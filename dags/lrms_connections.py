"""What Airflow keeps for collectors: connections, and secrets.

Not a DAG itself (``.airflowignore``).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paramiko import SSHClient

    from gateway.bootstrap import Gateway

# In seconds; of its own the hook waits for a connection without end.
TIMEOUT = 30


def give_airflows(gateway: "Gateway") -> "Gateway":
    """The gateway, with what Airflow keeps."""
    return replace(gateway, find_secret=find_secret, open_ssh=open_ssh)


def find_secret(name: str) -> str | None:
    """An environment variable, else a variable of Airflow's (its secrets backend)."""
    from airflow.sdk import Variable

    return os.environ.get(name) or Variable.get(name, default=None)


@contextmanager
def open_ssh(connection_id: str) -> Iterator["SSHClient"]:
    """The SFTP connection of that id. One that would trust any host key is not opened."""
    from airflow.providers.sftp.hooks.sftp import SFTPHook
    from airflow.providers.ssh.hooks.ssh import SSHHook
    from airflow.sdk.exceptions import AirflowException

    from gateway.collectors.far_end import CollectError

    try:
        # When it is tried again the store says; an account is not locked by three quick tries.
        hook = SFTPHook(connection_id, conn_timeout=TIMEOUT, conn_retry_attempts=1)
    except (AirflowException, ValueError):
        # There is none of that id, or it says what cannot be.
        raise CollectError("settings") from None
    if hook.no_host_key_check or hook.allow_host_key_change:
        raise CollectError("host-key")
    # Its own get_conn waits for SFTP without end where the line went silent.
    with SSHHook.get_conn(hook) as client:
        yield client

"""A real OpenSSH server on this machine, for one ordinary user, who may use SFTP and nothing
else."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.lib.openssh import find_sshd
from tests.lib.ports import hold_port

_READY_SECONDS = 180


class SftpServer:
    """``home`` is where a session starts, and a folder of this machine. ``host_key`` and
    ``key_file``: what a client must know it by, and shows."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        # For root it wants a user `sshd`, which comes with its installation only; so there it runs
        # as another. Not as nobody: systemd says that account is locked (seen on Debian 12).
        self._account = pwd.getpwnam("daemon") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        self.user = self._account.pw_name
        # Not pytest's: nobody else may enter that.
        self.folder = Path(tempfile.mkdtemp(prefix="lrms-sftp-"))
        self.folder.chmod(0o755)
        self.home = self.make_folder("home")
        self.key_file, client = self.make_key(self.folder, "client")
        host_file, self.host_key = self.make_key(self.folder, "host")
        (self.folder / "authorized").write_text(f"{client}\n")
        self.give(host_file)
        self._program = find_sshd(self.folder / "program")
        self.start(host_file)

    def start(self, host_file: Path) -> None:
        self.port = hold_port()
        config = self.folder / "config"
        config.write_text(self._write_config(host_file))
        command = [str(self._program.path), "-D", "-e", "-f", str(config)]
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            command, stderr=self._log, env=self._program.make_environment(), **self._become()
        )
        self._wait()

    def make_folder(self, name: str | None = None) -> Path:
        """A new folder in which the user may do everything."""
        folder = (self.home if name is None else self.folder) / (name or uuid4().hex)
        folder.mkdir()
        self.give(folder)
        return folder

    def write(self, path: Path, content: bytes) -> Path:
        """A file as if the user had sent it."""
        path.write_bytes(content)
        self.give(path)
        return path

    def give(self, path: Path) -> None:
        os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def read_log(self) -> str:
        return (self.folder / "log").read_text()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _become(self) -> dict[str, Any]:
        if os.getuid():
            return {}
        account = self._account
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    @staticmethod
    def make_key(folder: Path, name: str) -> tuple[Path, str]:
        """The file of a new private key, and its public half."""
        key = Ed25519PrivateKey.generate()
        path = folder / f"{name}_key"
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return path, public.decode()

    @contextmanager
    def connect(self) -> Iterator[paramiko.SSHClient]:
        """A client that is logged in, and trusts whoever answers: both are ours."""
        with paramiko.SSHClient() as client:
            client.set_missing_host_key_policy(paramiko.MissingHostKeyPolicy())
            client.connect(
                self.host,
                self.port,
                self.user,
                key_filename=str(self.key_file),
                look_for_keys=False,
                allow_agent=False,
            )
            yield client

    def _write_config(self, host_file: Path) -> str:
        settings = {
            "ListenAddress": self.host,
            "Port": self.port,
            "HostKey": host_file,
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",
            "AuthorizedKeysFile": self.folder / "authorized",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "Subsystem": "sftp internal-sftp",
            "ForceCommand": f"internal-sftp -d {self.home}",
            "MaxStartups": 100,
            "LogLevel": "ERROR",
            **self._program.helpers,
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _wait(self) -> None:
        until = time.monotonic() + _READY_SECONDS
        while self._process.poll() is None and time.monotonic() < until:
            try:
                with socket.create_connection((self.host, self.port), timeout=60) as talking:
                    if talking.recv(4) == b"SSH-":
                        return
            except OSError:
                time.sleep(0.02)
        told = self.read_log()
        self.close()
        raise AssertionError(f"the SFTP server did not come up: {told}")

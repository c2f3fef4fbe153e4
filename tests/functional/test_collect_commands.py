"""SFTP folders and APIs collected by the command line, as docs/operations/collectors.md says it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.exit_codes import ExitCode
from tests.lib.api import SOURCE
from tests.lib.collecting import NOW, open_collecting
from tests.lib.command_line import CommandLineHere
from tests.lib.lrms_api import LrmsApi, fail
from tests.lib.password_server import PasswordServer
from tests.lib.sftp_server import SftpServer


@pytest.fixture
def run(tmp_path: Path) -> CommandLineHere:
    home = tmp_path / "home"
    with open_collecting(home):
        pass
    return CommandLineHere(home)


@pytest.fixture(scope="module")
def server() -> Iterator[SftpServer]:
    with SftpServer() as started:
        yield started


def add(run: CommandLineHere, tmp_path: Path, kind: str, settings: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(settings)
    words = ("collector", "add", "far", "--source", SOURCE.id, "--kind", kind)
    done = run(*words, "--settings", str(file))
    assert done.returncode == 0, done.stderr


def test_an_sftp_folder(run, tmp_path, server):
    folder = server.make_folder()
    server.write(folder / "a.csv", b"feed\n")
    add(
        run,
        tmp_path,
        "sftp",
        f"""
host: {server.host}
port: {server.port}
user: {server.user}
key_file: {server.key_file}
host_key: {server.host_key}
folder: {folder}
still_seconds: 0.1
""",
    )
    done = run("collector", "run", "far")
    assert (done.returncode, done.stdout) == (0, b"far: 1 received\n")
    told = run("collector", "show", "far").stdout.decode()
    assert "a.csv" in told
    assert "received" in told
    assert [path.name for path in folder.iterdir()] == ["done"]


def test_a_password_is_named_and_never_kept(run, tmp_path, monkeypatch):
    password = "synthetic-password"
    with PasswordServer(password) as server:
        settings = f"""
host: 127.0.0.1
port: {server.port}
user: trust
host_key: {server.host_key}
password: {{env: TRUST_PASSWORD}}
"""
        add(run, tmp_path, "sftp", settings)
        done = run("collector", "run", "far")
        assert b"a secret is not where the settings say" in done.stderr
        monkeypatch.setenv("TRUST_PASSWORD", "another")
        done = run("collector", "run", "far")
        assert done.returncode == ExitCode.BROKEN
        assert b"does not let us in" in done.stderr
        monkeypatch.setenv("TRUST_PASSWORD", password)
        done = run("collector", "run", "far")
        assert (done.returncode, done.stdout) == (0, b"far: nothing was ready\n")
    assert password.encode() not in run("collector", "show", "far").stdout


def test_an_api(run, tmp_path, monkeypatch):
    with LrmsApi(NOW) as api:
        api.add({"resourceType": "AdverseEvent"})
        add(
            run,
            tmp_path,
            "http",
            f"""
url: {api.url}/fhir/AdverseEvent
since: {{overlap_seconds: 60}}
pages: {{by: bundle}}
key: {{header: X-Key, secret: {{env: API_KEY}}}}
""",
        )
        monkeypatch.setenv("API_KEY", "synthetic-key")
        done = run("collector", "run", "far")
        assert (done.returncode, done.stdout) == (0, b"far: 1 received\n")
        assert api.headers[-1]["x-key"] == "synthetic-key"
        api.faults.append(fail(403))
        done = run("collector", "run", "far")
        assert done.returncode == ExitCode.BROKEN
        assert b"does not let us in" in done.stderr


def test_a_setting_that_is_wrong_is_named_and_its_value_is_not(run, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("host: sftp.example\npassword: hunter2\nhost_key: ssh-rsa nonsense\nuser: a\n")
    words = ("collector", "add", "far", "--source", SOURCE.id, "--kind", "sftp")
    done = run(*words, "--settings", str(file))
    assert done.returncode == ExitCode.WRONG_USE
    assert b"host_key" in done.stderr
    assert b"password" in done.stderr
    assert b"hunter2" not in done.stderr

"""Forwarding by the command line, against our own API."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.exit_codes import ExitCode
from gateway.pipeline import upstream
from mappers.fhir_write import write_fhir
from tests.lib.api import SOURCE
from tests.lib.api_calls import Api, open_api
from tests.lib.collecting import open_collecting
from tests.lib.command_line import CommandLineHere
from tests.lib.databases import copy_sqlite
from tests.lib.events import make_event


@pytest.fixture
def api(sqlite_template: Path, tmp_path: Path) -> Iterator[Api]:
    with (
        copy_sqlite(sqlite_template, tmp_path) as url,
        open_api(tmp_path / "upstream", url) as opened,
    ):
        yield opened


@pytest.fixture
def run(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLineHere:
    home = tmp_path / "home"
    with open_collecting(home):
        pass
    monkeypatch.setenv("LRMS_FORWARD_URL", api.url)
    monkeypatch.setenv("LRMS_FORWARD_KEY", api.keys[SOURCE.id])
    return CommandLineHere(home)


def ingest(run: CommandLineHere) -> str:
    """An event's own number."""
    feed = json.dumps(write_fhir(make_event(), local_id="a")).encode()
    told = run.json("ingest", "-", "--source", SOURCE.id, "--json", stdin=feed)
    return str(told["records"][0]["reference"])


def test_it_is_started_run_and_shown(run):
    reference = ingest(run)
    done = run("forward", "run")
    assert done.returncode == ExitCode.WRONG_USE
    assert b"lrms-gateway forward start" in done.stderr
    assert run("forward", "start", "--from", "someday").returncode == ExitCode.WRONG_USE
    assert run("forward", "start", "--from", "beginning").returncode == 0
    done = run("forward", "run")
    assert (done.returncode, done.stdout) == (0, b"1 accepted\n")
    listed = run("forward", "list").stdout.decode()
    assert reference in listed
    assert listed.endswith("1 sent\n")
    shown = run.json("forward", "show", reference, "--json")
    assert [call["state"] for call in shown["calls"]] == ["accepted"]
    assert run("forward", "run").stdout == b"nothing was due\n"


def test_what_is_refused_is_seen_and_retried(run, monkeypatch):
    reference = ingest(run)
    run("forward", "start", "--from", "beginning")
    write = upstream._write
    monkeypatch.setattr(upstream, "_write", lambda *_: {"resourceType": "AdverseEvent"})
    assert run("forward", "run").returncode == ExitCode.SOME_REJECTED
    assert reference.encode() in run("forward", "list", "--state", "refused").stdout
    monkeypatch.setattr(upstream, "_write", write)
    assert run("forward", "retry", reference).returncode == 0
    assert run("forward", "run").stdout == b"1 accepted\n"
    assert run("forward", "list", "--state", "odd").returncode == ExitCode.WRONG_USE

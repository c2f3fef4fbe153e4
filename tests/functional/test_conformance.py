"""The conformance kit as its users type it, against stubs, and against the gateway's own API."""

import json
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from gateway.cli.conformance import KEY_VARIABLE
from gateway.conformance.read_cases import GROUPS
from tests.lib.api import register_sources, serve_gateway
from tests.lib.command_line import CommandLine, run_here
from tests.lib.line import open_line
from tests.lib.wire_server import KEY, serve_wire

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    return str(path)


def play(*words: str, key: str = "") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    environment = {KEY_VARIABLE: key} if key else {KEY_VARIABLE: ""}
    code, stdout, stderr, _ = run_here(("conformance", *words), environment)
    return code, stdout.decode(), stderr.decode()


def test_our_own_api_passes_whole(tmp_path: Path):
    home = tmp_path / "home"
    with open_line(home, body_seconds=2) as gateway:
        key = register_sources(gateway)["ward-system"]
        with serve_gateway(gateway) as base:
            code, stdout, stderr = play(
                "--base", base, "--json", str(tmp_path / "report.json"), key=key
            )
    report = json.loads((tmp_path / "report.json").read_text())
    failed = {
        case["name"]
        for group in report["groups"]
        for case in group["cases"]
        if case["verdict"] == "failed"
    }
    assert failed == set(), stdout
    assert code == 0, stderr
    assert report["counts"]["not_applicable"] == 0
    assert [group["name"] for group in report["groups"]] == list(GROUPS)


def test_all_passed_is_0_and_the_report_is_written(key_file: str, tmp_path: Path):
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    with serve_wire() as base:
        code, stdout, stderr = play(
            "--base", base, "--key-file", key_file, "--only", "wire", "--only", "once",
            "--html", str(page), "--json", str(data),
        )  # fmt: skip
    assert code == 0, stdout
    assert "All 66 cases passed." in stdout
    assert f"report written to {page}" in stderr
    report = json.loads(data.read_text())
    assert [group["name"] for group in report["groups"]] == ["wire", "once"]
    assert report["counts"] == {"passed": 66, "failed": 0, "not_applicable": 0}
    assert "<h1>Conformance report</h1>" in page.read_text()
    for text in (stdout, stderr, page.read_text(), data.read_text()):
        assert KEY not in text


def test_some_failed_is_3_and_says_what_to_do():
    with serve_wire("ignores-if-match") as base:
        code, stdout, _ = play("--base", base, "--only", "updates", key=KEY)
    assert code == 3
    assert "if-match-stale failed." in stdout
    assert "status: expected 412; came 200" in stdout
    assert "to do: Compare If-Match with the ETag" in stdout
    assert "1 of 11 cases failed." in stdout


def test_not_there_is_1():
    with serve_wire() as base:
        gone = base
    code, stdout, stderr = play("--base", gone, "--only", "wire", key=KEY)
    assert (code, stdout) == (1, "")
    assert (
        stderr == f"lrms-gateway: {gone}/adverse-event/fhir/metadata: no connection, or no HTTP\n"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), f"no key: give --key-file, or set {KEY_VARIABLE}"),
        (("--key-file", "none"), "none: no such file"),
        (("--key-file", "README.md"), "the subscription key is empty, or holds what no header"),
        (("--only", "none"), "no group 'none'; there are: wire, updates"),
        (("--version", "7"), "--version 7: one of 4, 5, 6"),
        (("--html", "no/such/x.html"), "no such folder"),
        (("--ca-file", "none"), "none: no such file"),
        (("--base", "http://192.0.2.7"), "in clear"),
        (("--base", "https://8.8.8.8", "--insecure-local"), "private network"),
    ],
)
def test_wrong_use_is_2(words: tuple[str, ...], told: str):
    given = words if "--base" in words else ("--base", "http://127.0.0.1:9", *words)
    key = "" if told.startswith("no key") else KEY
    code, _, stderr = play(*given, key=key)
    assert code == 2, stderr
    assert told in stderr


def test_a_key_that_the_server_refuses_is_wrong_use():
    with serve_wire() as base:
        code, stdout, stderr = play("--base", base, "--only", "wire", key="another-key")
    assert (code, stdout) == (2, "")
    assert stderr == f"lrms-gateway: {base} refuses the subscription key (401)\n"


def test_a_key_on_the_command_line_is_no_option():
    assert play("--base", "http://127.0.0.1:9", "--key", KEY)[0] == 2


def test_another_organisation_is_used_and_the_other_is_not_granted():
    with serve_wire() as base:
        words = ("--base", base, "--only", "rejections", "--organisation", "RZB")
        code, stdout, _ = play(*words, "--not-granted", "RZA", key=KEY)
    # The stub's key may submit for RZA alone: so every case of RZB fails, and shows it was used.
    assert code == 3
    assert "ORG-002" in stdout
    assert "the source stub may not submit for 'RZB'" in stdout


def test_it_needs_no_home_and_no_database(tmp_path: Path, key_file: str):
    line = CommandLine(tmp_path / "home")
    with serve_wire() as base:
        done = line("conformance", "--base", base, "--key-file", key_file, "--only", "real-clients")
    assert done.returncode == 0, done.stdout
    assert done.stderr == b"real-clients: 14 of 14 passed\n"
    assert not (tmp_path / "home").exists()


def test_the_wheel_has_the_cases(tmp_path: Path):
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    kit = "gateway/conformance"
    assert {f"{kit}/cases/{group}.yaml" for group in GROUPS} <= names
    assert f"{kit}/cases/events/fall-5.json" in names
    assert f"{kit}/templates/report.html" in names

"""``lrms-gateway push``, against a gateway of ``responses``: what is printed, and exit codes."""

import csv
import io
import json

import msgspec
import pytest
import requests
import responses

from gateway.cli.push_access import KEY_VARIABLE
from gateway.exit_codes import ExitCode
from gateway.receipts.build import ReceiptStream
from gateway.receipts.read_json import read_json
from gateway.receipts.write import write_csv, write_json, write_text
from schemas.receipt import Counts
from tests.lib.command_line import run_here
from tests.lib.receipts import make_receipt_finding, make_receipt_record, make_receipt_stream
from tests.lib.vendor import REFERENCE, FakeTime, make_outcome, make_problem

BASE = "http://127.0.0.1:8000"
FEEDS = f"{BASE}/feeds"
EVENTS = f"{BASE}/adverse-event/fhir/AdverseEvent"
ONE = f"{FEEDS}/b-1"
CONTENT = "Zebrafinch"
OAUTH = ("--client-id", "a", "--private-key", "{file}", "--kid", "b")
PLACE = {"Location": f"/adverse-event/fhir/AdverseEvent/{REFERENCE}/_history/1"}


@pytest.fixture
def mocked():
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "feed.csv"
    path.write_text(f"a,b\n{CONTENT},1\n")
    return str(path)


def push(*words: str, key: str = "k-1", **environment: str):
    given = {KEY_VARIABLE: key} | environment
    code, stdout, stderr, _ = run_here(("push", "--base", BASE, *words), given)
    return code, stdout.decode(), stderr.decode()


def feed(state: str = "received", **more):
    return {"id": "b-1", "state": state, "dry_run": False} | more


def with_head(receipt: ReceiptStream, **more) -> ReceiptStream:
    return ReceiptStream(msgspec.structs.replace(receipt.head, **more), receipt.records)


def make_receipt(kind: str = "mixed"):
    finding = make_receipt_finding()
    rejected = make_receipt_record(
        2, disposition="rejected", reference=None, revision=None, findings=[finding]
    )
    return {
        "clean": lambda: make_receipt_stream(make_receipt_record(1)),
        "mixed": lambda: make_receipt_stream(
            make_receipt_record(1), rejected, counts=Counts(records=2, created=1, rejected=1)
        ),
        "held": lambda: with_head(make_receipt_stream(make_receipt_record(1)), verdict="held"),
        "unreadable": lambda: with_head(make_receipt_stream(), findings=[finding]),
        "empty": make_receipt_stream,
    }[kind]()


def answer_feed(mocked, kind: str = "mixed", state: str = "finished") -> None:
    mocked.add("POST", FEEDS, status=202, json=feed())
    mocked.add("GET", ONE, json=feed(state))
    body = "".join(write_json(make_receipt(kind)))
    mocked.add("GET", f"{ONE}/receipt", body=body, content_type="application/json")


def test_a_feed_that_is_not_waited_for(mocked, file):
    mocked.add("POST", FEEDS, status=202, json=feed())
    assert push(file) == (0, "b-1 received\n", "")
    sent = mocked.calls[0].request
    assert sent.headers["Ocp-Apim-Subscription-Key"] == "k-1"
    assert "filename=feed.csv" in sent.url


def test_for_machines(mocked, file):
    mocked.add("POST", FEEDS, status=202, json=feed("waiting", dry_run=True))
    code, stdout, _ = push(file, "--dry-run", "--format", "json")
    assert (code, json.loads(stdout)["dry_run"]) == (0, True)
    assert "dry-run=true" in mocked.calls[0].request.url


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("clean", ExitCode.ALL_ACCEPTED),
        ("empty", ExitCode.ALL_ACCEPTED),
        ("mixed", ExitCode.SOME_REJECTED),
        ("unreadable", ExitCode.UNREADABLE),
        ("held", ExitCode.HELD),
    ],
)
def test_the_receipt_as_text_and_what_it_stands_for(mocked, file, kind, code):
    answer_feed(mocked, kind)
    assert push(file, "--wait") == (code, "".join(write_text(make_receipt(kind))), "b-1 received\n")


def test_the_receipt_as_json(mocked, file):
    answer_feed(mocked)
    code, stdout, _ = push(file, "--wait", "--format", "json")
    assert (code, stdout) == (3, "".join(write_json(make_receipt())))


def test_the_receipt_as_csv(mocked, file):
    answer_feed(mocked)
    told = "".join(write_csv(make_receipt()))
    mocked.add("GET", f"{ONE}/receipt", body=told, content_type="text/csv; charset=utf-8")
    code, stdout, _ = push(file, "--wait", "--format", "csv")
    assert (code, stdout) == (3, told)
    assert len(list(csv.DictReader(io.StringIO(stdout)))) == 2


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
@pytest.mark.parametrize("kind", ["clean", "mixed", "held", "unreadable", "empty"])
def test_a_receipt_is_read_as_it_comes(kind, size):
    told = "".join(write_json(make_receipt(kind))).encode()
    found = read_json(told[at : at + size] for at in range(0, len(told), size))
    expected = make_receipt(kind)
    assert found.head == expected.head
    assert list(found.records) == list(expected.records)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_receipt_that_is_not_a_record_a_line(indent):
    told = json.dumps(json.loads("".join(write_json(make_receipt()))), indent=indent).encode()
    found = read_json([told])
    assert list(found.records) == list(make_receipt().records)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"records":[\n{}]}', "\xff"])
def test_a_receipt_that_cannot_be_read(mocked, file, body):
    mocked.add("POST", FEEDS, status=202, json=feed())
    mocked.add("GET", ONE, json=feed("finished"))
    mocked.add("GET", f"{ONE}/receipt", body=body, content_type="application/json")
    code, stdout, stderr = push(file, "--wait")
    assert (code, stdout) == (1, "")
    assert "receipt" in stderr


def test_a_dry_run_that_failed(mocked, file):
    mocked.add("POST", FEEDS, status=202, json=feed("waiting", dry_run=True))
    mocked.add("GET", ONE, json=feed("failed", dry_run=True))
    code, stdout, stderr = push(file, "--dry-run", "--wait")
    assert (code, stdout) == (1, "")
    assert "nothing is loaded" in stderr


def test_a_dry_run_of_what_was_loaded_is_said_to_be_none(mocked, file):
    mocked.add("POST", FEEDS, status=202, json=feed("finished"))
    assert "no dry run" in push(file, "--dry-run")[2]


def test_waiting_has_an_end(mocked, file):
    mocked.add("POST", FEEDS, status=202, json=feed())
    mocked.add("GET", ONE, status=202, json=feed("planned"), headers={"Retry-After": "5"})
    code, _, stderr = push(file, "--wait", "--timeout", "1")
    assert code == 1
    assert "push the same file again" in stderr


def test_a_single_event_with_its_warnings(mocked, file):
    warning = make_outcome("TEXT-003", severity="warning")
    mocked.add("POST", EVENTS, status=201, json=warning, headers=PLACE)
    code, stdout, _ = push(file, "--single")
    assert code == 0
    assert stdout.splitlines() == [
        f"{REFERENCE} revision 1: created",
        "  warning     TEXT-003 AdverseEvent.date: TEXT-003 is broken",
        "              to do: mend TEXT-003",
    ]


def test_a_single_event_for_machines(mocked, file):
    mocked.add("POST", EVENTS, status=200, json=make_outcome(), headers=PLACE)
    code, stdout, _ = push(file, "--single", "--format", "json", "--idempotency-key", "mine")
    made = json.loads(stdout)
    assert (code, made["reference"], made["status"]) == (0, REFERENCE, "kept")
    assert mocked.calls[0].request.headers["Idempotency-Key"] == made["idempotency_key"] == "mine"


@pytest.mark.parametrize(
    ("status", "code"), [(422, ExitCode.SOME_REJECTED), (400, ExitCode.UNREADABLE)]
)
def test_a_single_event_that_is_rejected(mocked, file, status, code):
    mocked.add("POST", EVENTS, status=status, json=make_outcome("RULE-010"))
    found, stdout, stderr = push(file, "--single")
    assert found == code
    assert "RULE-010 AdverseEvent.date: RULE-010 is broken" in stdout
    assert "rejected: RULE-010" in stderr
    assert CONTENT not in stdout + stderr


@pytest.mark.parametrize(("severity", "code"), [("error", 3), ("warning", 0)])
def test_a_single_event_that_is_only_looked_at(mocked, file, severity, code):
    outcome = make_outcome("RULE-010", severity=severity)
    mocked.add("POST", f"{EVENTS}/$validate", json=outcome)
    found, stdout, _ = push(file, "--single", "--dry-run", "--format", "json")
    assert (found, json.loads(stdout)[0]["code"]) == (code, "RULE-010")


def test_a_single_event_of_unknown_outcome_can_be_gone_on_with(mocked, file, monkeypatch):
    monkeypatch.setattr("gateway.client.client.Clock", lambda: FakeTime().clock)
    mocked.add("POST", EVENTS, body=requests.ReadTimeout())
    code, _, stderr = push(file, "--single")
    key = mocked.calls[0].request.headers["Idempotency-Key"]
    assert code == 1
    assert f"--idempotency-key {key}" in stderr


@pytest.mark.parametrize(("status", "code"), [(401, 2), (403, 2), (413, 2), (409, 1), (500, 1)])
def test_what_the_gateway_refuses_is_told_in_its_words(mocked, file, status, code):
    mocked.add("POST", FEEDS, status=status, json=make_problem(status, "some-code"))
    found, stdout, stderr = push(file)
    assert (found, stdout) == (code, "")
    assert stderr.count("\n") == 1
    assert "title of some-code. what some-code needs" in stderr


def test_a_key_in_a_file(mocked, file, tmp_path):
    (tmp_path / "key").write_text("k-file\n")
    mocked.add("POST", FEEDS, status=202, json=feed())
    assert push(file, "--key-file", str(tmp_path / "key"))[0] == 0
    assert mocked.calls[0].request.headers["Ocp-Apim-Subscription-Key"] == "k-file"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "a key is needed"),
        (("--client-id", "ward"), "go together"),
        (
            ("--key-file", "{file}", *OAUTH),
            "not both",
        ),
        (OAUTH, "private key"),
        (("--key-file", "{file}"), "subscription key"),
        (("--key-file", "{file}", "--format", "xml"), "text, json, csv"),
        (("--key-file", "{file}", "--format", "csv", "--single"), "text or json"),
        (("--key-file", "/none"), "/none: no such file"),
        (("--key-file", "{file}", "--ca-file", "/none"), "/none: no such file"),
        (("--key-file", "{file}", "--base", "http://gateway.example"), "https"),
        (("--key-file", "{binary}"), "holds no key"),
    ],
)
def test_wrong_use(file, tmp_path, words, told):
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    given = [word.format(file=file, binary=tmp_path / "binary") for word in words]
    code, stdout, stderr = push(file, *given, key="")
    assert (code, stdout) == (2, "")
    assert told in stderr
    assert CONTENT not in stderr


def test_there_is_no_option_for_a_key_itself():
    code, stdout, _ = push("--help")
    assert code == 0
    assert "--key " not in stdout
    assert "--password" not in stdout

"""The command line as its users type it: output, exit codes, standard input, machine form."""

import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jsonschema
import pytest

from tests.lib.command_line import CommandLine

SAMPLES = Path("samples").absolute()


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = CommandLine(tmp_path_factory.mktemp("home"))
    assert line("organisation", "load", str(SAMPLES / "organisations.csv")).returncode == 0
    codes = (SAMPLES / "organisations.csv").read_text().splitlines()[1:]
    grants = [word for code in codes for word in ("--submits-for", code.split(",")[0])]
    own = codes[0].split(",")[0]
    for name in ("fhir", "xml", "csv"):
        profile = [] if name == "fhir" else ["--profile", f"lrms-{name}"]
        words = ("source", "add", f"my-{name}", "--organisation", own, "--format", name)
        added = line(*words, *profile, *grants)
        assert added.returncode == 0, added.stderr
    assert line("user", "add", "safety@r0a.example", "--organisation", own).returncode == 0
    return line


def generate(line, name: str, events: int = 30, seed: int = 1, errors: float = 0) -> bytes:
    made = line(
        "generate", "--events", str(events), "--format", name, "--seed", str(seed),
        "--errors", str(errors),
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.mark.parametrize(
    ("source", "form", "seed"),
    [
        ("my-fhir", "fhir-5", 11),
        ("my-fhir", "fhir-6", 12),
        ("my-xml", "xml", 13),
        ("my-csv", "csv", 14),
    ],
)
def test_a_clean_feed_is_accepted_and_the_second_time_left_alone(line, source, form, seed):
    feed = generate(line, form, seed=seed)
    first = line("ingest", "-", "--source", source, "--json", stdin=feed)
    receipt = json.loads(first.stdout)
    assert (first.returncode, receipt["verdict"]) == (0, "accepted")
    assert receipt["counts"]["created"] == 30
    again = line("ingest", "-", "--source", source, "--json", stdin=feed)
    assert again.returncode == 0
    assert b"nothing is loaded twice" in again.stderr
    assert json.loads(again.stdout) == receipt


def test_rejected_records_have_a_receipt_and_exit_code_3(line):
    feed = generate(line, "fhir-5", seed=2, errors=0.5)
    done = line("ingest", "-", "--source", "my-fhir", "--json", stdin=feed)
    receipt = json.loads(done.stdout)
    assert (done.returncode, receipt["verdict"]) == (3, "partly_accepted")
    jsonschema.validate(receipt, json.loads(Path("docs/receipt.schema.json").read_text()))
    counts = receipt["counts"]
    dispositions = [record["disposition"] for record in receipt["records"]]
    assert counts["records"] == len(dispositions) == sum(counts.values()) - counts["records"]
    for record in receipt["records"]:
        errors = [found for found in record["findings"] if found["severity"] == "error"]
        assert (record["disposition"] == "rejected") == bool(errors)
        assert all(found["message"] and found["fix"] for found in record["findings"])
    for form in ("json", "csv", "text"):
        assert line("receipt", receipt["batch_id"], "--format", form).returncode == 0


def test_check_says_what_ingest_says_and_stores_nothing(line):
    feed = generate(line, "csv", seed=3, errors=0.3)
    before = line.json("batch", "list", "--json")
    checked = line("check", "-", "--source", "my-csv", "--json", stdin=feed)
    assert line.json("batch", "list", "--json") == before
    done = line("ingest", "-", "--source", "my-csv", "--json", stdin=feed)
    expected, found = json.loads(done.stdout), json.loads(checked.stdout)
    assert checked.returncode == done.returncode == 3
    assert found | {"received_at": ""} == expected | {"received_at": ""}


def test_receive_then_process(line):
    feed = generate(line, "xml", seed=4)
    received = line.json("receive", "-", "--source", "my-xml", "--json", stdin=feed)
    early = line("receipt", received["batch_id"])
    assert early.returncode == 2
    assert b"its receipt is complete when it is finished" in early.stderr
    done = line("process", received["batch_id"])
    assert done.returncode == 0
    assert b"30 created" in done.stdout


def test_an_unreadable_feed_has_exit_code_4(line):
    done = line("ingest", "-", "--source", "my-fhir", stdin=b"id,date\n1,2\n")
    assert done.returncode == 4
    assert b"READ-091" in done.stdout


def test_a_feed_that_breaks_off_is_held_listed_and_released(line):
    feed = generate(line, "xml", seed=7)[:-300]
    checked = line("check", "-", "--source", "my-xml", stdin=feed)
    assert checked.returncode == 5
    assert b"this feed would be held" in checked.stderr
    done = line("ingest", "-", "--source", "my-xml", stdin=feed)
    assert done.returncode == 5
    assert b"Verdict held: 29 records would be loaded so: 29 created" in done.stdout
    (batch,) = line.json("batch", "list", "--state", "held", "--json")
    assert batch["id"].encode() in line("batch", "list", "--state", "held").stdout
    again = line("ingest", "-", "--source", "my-xml", stdin=feed)
    assert again.returncode == 5
    assert b"was here already, and is still held" in again.stderr
    for words in (("receipt", batch["id"]), ("process", batch["id"])):
        told = line(*words)
        assert told.stdout == done.stdout
        assert told.returncode == (0 if words[0] == "receipt" else 5)
    held = line.json("receipt", batch["id"], "--format", "json")
    jsonschema.validate(held, json.loads(Path("docs/receipt.schema.json").read_text()))
    released = line("batch", "release", batch["id"], "--reason", "the vendor knows", "--json")
    assert (released.returncode, json.loads(released.stdout)["verdict"]) == (4, "partly_accepted")
    late = line("batch", "discard", batch["id"], "--reason", "too late")
    assert (late.returncode, b"is finished, not held" in late.stderr) == (2, True)


def test_a_held_feed_is_discarded(line):
    feed = generate(line, "xml", seed=8)[:-300]
    batch = line.json("ingest", "-", "--source", "my-xml", "--json", stdin=feed)["batch_id"]
    done = line("batch", "discard", batch, "--reason", "sent again whole")
    assert done.returncode == 0
    assert b"Verdict rejected: 0 records" in done.stdout
    assert b"EXP-020" in done.stdout
    held = line.json("batch", "list", "--state", "held", "--json")
    assert batch not in [one["id"] for one in held]


def test_a_source_may_have_what_came_before_a_break_loaded(line):
    own = line.json("source", "list", "--json")[0]["organisation"]
    words = ("--organisation", own, "--format", "fhir", "--on-break", "load")
    assert line("source", "add", "loads", *words).returncode == 0
    added = [one for one in line.json("source", "list", "--json") if one["id"] == "loads"]
    assert [one["on_break"] for one in added] == ["load"]
    assert b"load" in line("source", "list").stdout


def test_a_packed_feed_is_loaded(line):
    feed = gzip.compress(generate(line, "csv", seed=9))
    done = line("ingest", "-", "--source", "my-csv", "--json", stdin=feed)
    assert (done.returncode, json.loads(done.stdout)["counts"]["created"]) == (0, 30)


def test_an_event_as_json_and_as_fhir_that_reads_back_unchanged(line):
    feed = generate(line, "fhir-6", events=3, seed=5)
    receipt = line.json("ingest", "-", "--source", "my-fhir", "--json", stdin=feed)
    reference = receipt["records"][0]["reference"]
    shown = line.json("event", "show", reference.lower().replace("-", ""))
    assert shown["reference"] == reference
    assert shown["externally_recorded"]["source_id"] == "my-fhir"
    resource = line("event", "show", reference, "--as", "fhir").stdout
    back = line.json("ingest", "-", "--source", "my-fhir", "--json", stdin=resource)
    assert [record["disposition"] for record in back["records"]] == ["unchanged"]
    assert back["records"][0]["reference"] == reference


def test_deliver_sends_what_waits_once(line):
    feed = generate(line, "csv", seed=6)
    line("ingest", "-", "--source", "my-csv", stdin=feed)
    assert line.json("deliver", "--json")["sent"] > 0
    assert line.json("deliver", "--json")["sent"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ingest", "missing.csv", "--source", "my-csv"), "missing.csv: no such file"),
        (("ingest", "-", "--source", "nobody"), "nobody"),
        (("receipt", "b-nothing"), "b-nothing"),
        (("event", "show", "1234"), "not a reference number"),
        (
            ("source", "add", "x", "--organisation", "R0A", "--format", "pdf"),
            "fhir, xml, csv, json",
        ),
        (("source", "add", "x1", "--organisation", "R0A", "--format", "csv"), "--profile"),
        (("user", "add", "nobody", "--organisation", "R0A"), "not an e-mail address"),
        (
            ("source", "add", "x1", "--organisation", "R0A", "--format", "fhir", "--on-break", "x"),
            "wait, load",
        ),
        (("batch", "list", "--state", "lost"), "received, held, planned, finished"),
        (("batch", "release", "b-nothing", "--reason", "x"), "b-nothing"),
        (("batch", "discard", "b-nothing"), "--reason"),
        (("generate", "--events", "1", "--format", "pdf"), "fhir-5"),
        (("generate", "--events", "1", "--format", "csv", "-o", "no/where"), "a folder that"),
    ],
)
def test_wrong_use_is_told_in_one_line(line, words, message):
    done = line(*words)
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"code,name\nR0A,Caf\xe9\n", "register.csv: not in UTF-8"),
        (b"code,name\nR0A," + b"C" * 200_000 + b"\n", "register.csv: not CSV"),
        (b"code,name,icb\nR0A,C,long name of it\n", "row 2, column 'icb': not an ODS code"),
        (b"code;name\nR0A;C\n", "register.csv: the header must hold code and name"),
        (b"code,name,opened\nR0A,C,1/4/2020\n", "register.csv, row 2, column 'opened': not a date"),
        (b"code,name\nr0a,C\n", "register.csv, row 2, column 'code': not an ODS code"),
    ],
)
def test_a_register_that_cannot_be_read_is_told_in_one_line(line, tmp_path, content, message):
    file = tmp_path / "register.csv"
    file.write_bytes(content)
    done = line("organisation", "load", str(file))
    assert done.returncode == 2
    assert message in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_feed_may_come_through_a_pipe_with_a_name(line, tmp_path):
    feed = generate(line, "csv", events=2, seed=21)
    pipe = tmp_path / "feed.csv"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(pipe.write_bytes, feed)
        done = line.json("check", str(pipe), "--source", "my-csv", "--json")
        sent.result()
    assert done["counts"]["created"] == 2


def test_source_list(line):
    found = [source["id"] for source in line.json("source", "list", "--json")]
    assert [name for name in found if name.startswith("my-")] == [
        "my-csv",
        "my-fhir",
        "my-xml",
    ]
    assert b"my-csv" in line("source", "list").stdout


def test_users_come_and_go(line):
    own = line.json("user", "list", "--json")[0]["organisation"]
    words = ("leaver@trust.example", "--organisation", own)
    assert line("user", "add", *words).returncode == 0
    assert b"leaver@trust.example" in line("user", "list").stdout
    assert line("user", "remove", *words).returncode == 0
    assert b"leaver@trust.example" not in line("user", "list").stdout
    again = line("user", "remove", *words)
    assert (again.returncode, b"has that address" in again.stderr) == (2, True)

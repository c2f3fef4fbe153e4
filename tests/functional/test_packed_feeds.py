"""Packed feeds through the whole line: as if they had not been packed, whatever goes wrong."""

import io
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from gateway.pipeline.check import check_feed
from gateway.pipeline.finish import finish_batch
from gateway.pipeline.ingest import process_batch
from gateway.pipeline.plan import plan_batch
from gateway.pipeline.process import process_parts
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.register import add_source
from tests.lib.feeds import generate, make_bundle
from tests.lib.line import ingest, open_line, read_receipt, register_everyone
from tests.lib.packed_feeds import make_gzip, make_zip
from tests.lib.snapshot import find_differences, read_snapshot

FORMS = {"fhir-5": "test-fhir", "fhir-xml-5": "test-fhir", "csv": "test-csv", "xml": "test-xml"}


# Three files of one zip, of three shapes; the first is cut into parts.
MIXED = make_zip(
    [
        ("export/march.ndjson", generate("fhir-5", 60, 1)),
        ("export/april.json", make_bundle(generate("fhir-5", 5, 2).splitlines())),
        ("__MACOSX/export/._april.json", b"\0\5\26\7"),
        ("export/may.xml", generate("fhir-xml-5", 5, 3, errors=0.5)),
        ("more/march.ndjson", generate("fhir-6", 3, 4)),
    ]
)


@pytest.fixture
def make_line(tmp_path, fresh_database):
    with ExitStack() as stack:

        def make(name: str):
            url = stack.enter_context(fresh_database())
            settings = {"commit_records": 10, "part_bytes": 60_000}
            line = stack.enter_context(open_line(tmp_path / name, url, **settings))
            register_everyone(line)
            return line

        yield make


@pytest.fixture
def line(make_line):
    return make_line("home")


def find_parts(line, batch):
    with line.store.read() as work:
        return work.parts.find(batch.number)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pack", [make_gzip, lambda feed: make_zip([("feed", feed)])])
def test_a_packed_feed_is_loaded_as_if_it_were_not(make_line, form, pack):
    feed = generate(form, 40, errors=0.2, duplicates=0.1)
    plain, packed = make_line("plain"), make_line("packed")
    expected = read_receipt(plain, ingest(plain, FORMS[form], feed).id)
    checked = check_feed(packed, FORMS[form], io.BytesIO(pack(feed)), filename="feed")
    found = read_receipt(packed, ingest(packed, FORMS[form], pack(feed)).id)
    assert found == checked
    assert found.records == expected.records
    assert (found.verdict, found.counts) == (expected.verdict, expected.counts)


def test_files_of_a_zip_are_one_batch_and_its_records_are_numbered_on(line):
    checked = check_feed(line, "test-fhir", io.BytesIO(MIXED), filename="feed")
    batch = ingest(line, "test-fhir", MIXED)
    receipt = read_receipt(line, batch.id)
    assert receipt == checked
    assert [record.number for record in receipt.records] == list(range(1, 74))
    locators = {record.number: record.locator for record in receipt.records}
    assert locators[60] == "export/march.ndjson line 60"
    assert locators[61] == "export/april.json /entry/0/resource"
    assert locators[66] == "export/may.xml /Bundle/entry[1]/resource/AdverseEvent"
    assert locators[73] == "more/march.ndjson line 3"
    assert [finding.code for finding in receipt.findings] == ["PACK-009"]
    parts = find_parts(line, batch)
    assert len(parts) > 4
    assert [part.number for part in parts] == list(range(len(parts)))
    assert {part.shape for part in parts} == {"fhir-ndjson", "fhir-json", "fhir-xml"}


def test_parts_of_a_packed_feed_may_be_loaded_in_any_order(make_line):
    forward, backward = make_line("forward"), make_line("backward")
    for line in (forward, backward):
        batch, _ = receive_feed(line, "test-fhir", io.BytesIO(MIXED), filename="feed")
        numbers = plan_batch(line, batch)
        for number in numbers if line is forward else reversed(numbers):
            process_parts(line, batch.id, [number])
        with line.store.read() as work:
            assert finish_batch(line, work.batches.get(batch.id))
    one, other = (read_snapshot(each.settings.database) for each in (forward, backward))
    assert find_differences(one, other) == []


def test_files_of_the_same_name_are_told_apart(line):
    files = [("f.csv", generate("csv", 1, 1)), ("g.csv", generate("csv", 1, 2))]
    feed = make_zip(files).replace(b"g.csv", b"f.csv")
    receipt = check_feed(line, "test-csv", io.BytesIO(feed), filename="feed")
    assert [record.locator for record in receipt.records] == ["f.csv row 2", "f.csv (2) row 2"]


def test_a_file_that_is_no_feed_does_not_cost_the_others(line):
    with line.store.read() as work:
        known = work.sources.get("test-csv")
    add_source(line, msgspec.structs.replace(known, id="loads", on_break="load"))
    csv = generate("csv", 4)
    files = [("letter.csv", b"Dear all,\n"), ("march.csv", csv), ("a.csv.gz", make_gzip(csv))]
    packed = make_zip(files)
    checked = check_feed(line, "loads", io.BytesIO(packed), filename="feed")
    batch = ingest(line, "loads", packed)
    receipt = read_receipt(line, batch.id)
    assert receipt == checked
    assert (batch.verdict, batch.counts.created) == ("partly_accepted", 4)
    told = [(finding.code, finding.source_path) for finding in receipt.findings]
    assert told == [("PACK-005", ""), ("READ-069", "letter.csv")]
    assert "'a.csv.gz' in the zip was not read: it is packed itself" in receipt.findings[0].message


def test_a_file_with_another_header_holds_nothing_up(line):
    """Nor where its source waits for whole feeds: read line by line, none of it broke off. The
    check says the same."""
    packed = make_zip([("letter.csv", b"Dear all,\n"), ("march.csv", generate("csv", 4))])
    checked = check_feed(line, "test-csv", io.BytesIO(packed), filename="feed")
    batch = ingest(line, "test-csv", packed)
    assert (batch.state, batch.verdict, batch.counts.created) == ("finished", "partly_accepted", 4)
    assert read_receipt(line, batch.id) == checked


def test_half_a_last_line_is_not_taken_for_a_record(line):
    """The last cell of a row may be missing, or a narrative cut short, and nothing would tell."""
    for form in ("csv", "fhir-5"):
        feed = generate(form, 200)
        packed = make_gzip(feed)
        for cut in range(len(packed) // 3, len(packed), len(packed) // 7):
            receipt = check_feed(line, FORMS[form], io.BytesIO(packed[:cut]), filename="feed")
            assert receipt.verdict == "held"
            assert receipt.counts.created == receipt.counts.records > 0, (form, cut)


def test_half_a_last_line_in_utf_16_is_not_taken_for_a_record(line):
    packed = make_gzip(generate("csv", 200).decode().encode("utf-16"))
    receipt = check_feed(line, "test-csv", io.BytesIO(packed[: len(packed) // 2]), filename="feed")
    assert receipt.verdict == "held"
    assert receipt.counts.created == receipt.counts.records > 0


def test_what_was_unpacked_can_be_lost_and_is_unpacked_again(line):
    batch, _ = receive_feed(line, "test-fhir", io.BytesIO(MIXED), filename="feed")
    plan_batch(line, batch)
    for part in find_parts(line, batch):
        path = line.settings.raw_folder / part.content[:2] / part.content[2:4] / part.content
        path.unlink(missing_ok=True)
    assert process_batch(line, batch.id).counts.records == 73


def test_checking_leaves_nothing_behind(line, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "spare"))
    (tmp_path / "spare").mkdir()
    before = sorted((tmp_path / "home" / "raw").rglob("*"))
    check_feed(line, "test-fhir", io.BytesIO(MIXED), filename="feed")
    assert sorted((tmp_path / "home").glob("raw/**/*")) == before
    assert list((tmp_path / "spare").iterdir()) == []


def test_a_run_killed_while_unpacking_ends_as_an_undisturbed_one(make_line):
    calm, rough = make_line("calm"), make_line("rough")
    for line in (calm, rough):
        receive_feed(line, "test-fhir", io.BytesIO(MIXED), filename="feed")
    process_batch(calm, find_only_batch(calm).id)
    for step in range(6):
        words = [str(rough.settings.home), rough.settings.database, str(step)]
        child = subprocess.run(
            [sys.executable, "-m", "tests.lib.killed_unpacking", *words], check=False
        )
        assert child.returncode == -9, "it was over before it was killed"
        assert find_only_batch(rough).state == "received"
    process_batch(rough, find_only_batch(rough).id)
    one, other = (read_snapshot(each.settings.database) for each in (calm, rough))
    assert find_differences(one, other) == []
    assert raw_names(rough) == raw_names(calm)


def find_only_batch(line):
    with line.store.read() as work:
        (batch,) = work.batches.find_all()
    return batch


def raw_names(line) -> set[str]:
    """Whatever was left half-written is not among them."""
    shutil.rmtree(line.settings.raw_folder / "incoming")
    return {path.name for path in Path(line.settings.raw_folder).rglob("*") if path.is_file()}

"""``samples/hostile/``: each feed gives what is written beside it, checked and ingested alike, and
its neighbours among the records are untouched."""

import shutil
from pathlib import Path

import msgspec
import pytest

from gateway.pipeline.check import check_feed
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.register import add_source
from gateway.receipts.read import open_receipt
from samples.makers.hostile.__main__ import FOLDER, make_files
from samples.makers.hostile.case import Case, Must
from schemas.receipt import Receipt, ReceiptRecord
from schemas.submission import Source
from tests.lib.line import open_line, read_register, register_everyone

CASES = sorted(path.parent.name for path in FOLDER.glob("*/case.json"))
NARRATIVE_AREA = "TEXT-"
USUAL = {"csv": "lrms-csv", "xml": "lrms-xml", "fhir": None}


@pytest.fixture
def run(tmp_path):
    """Checks and ingests a case on a fresh gateway; the two receipts, read to their ends."""

    def run_case(case: Case, feed: Path) -> list[tuple[Receipt, list[ReceiptRecord]]]:
        home = tmp_path / "home"
        (home / "profiles").mkdir(parents=True)
        shutil.copy(FOLDER / "tiny-json.yaml", home / "profiles")
        with open_line(home, **case.limits) as gateway:
            register_everyone(gateway, formats=())
            source = Source(
                id="hostile",
                organisation="RZA",
                format=case.format,
                profile=case.profile or USUAL[case.format],
                submits_for=frozenset(one.code for one in read_register()),
                on_break=case.on_break,
            )
            add_source(gateway, source)
            with feed.open("rb") as stream:
                checked = check_feed(gateway, source.id, stream, filename=feed.name)
            with feed.open("rb") as stream:
                batch, _ = ingest_feed(gateway, source.id, stream, filename=feed.name)
            with open_receipt(gateway, batch.id) as receipt:
                return [(checked, checked.records), (receipt.head, list(receipt.records))]

    return run_case


def sum_up(head: Receipt, records: list[ReceiptRecord]) -> Must:
    findings = [*head.findings, *(finding for one in records for finding in one.findings)]
    codes = {finding.code for finding in findings}
    return Must(
        verdict=head.verdict,
        records=len(records),
        rejected=sum(one.disposition == "rejected" for one in records),
        findings=sorted(code for code in codes if not code.startswith(NARRATIVE_AREA)),
    )


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_feed_gives_what_is_written_beside_it(run, name):
    folder = FOLDER / name
    case = msgspec.json.decode((folder / "case.json").read_bytes(), type=Case)
    (feed,) = folder.glob("feed.*")
    for head, records in run(case, feed):
        assert sum_up(head, records) == case.must, [
            (finding.code, finding.source_path, finding.message) for finding in head.findings
        ] + [(one.locator, [f.code for f in one.findings]) for one in records if one.findings]
        assert head.counts.records == len(records)
        assert [one.number for one in records] == list(range(1, len(records) + 1))


def test_the_hostile_feeds_are_those_their_maker_makes():
    made = dict(make_files())
    stored = {path: path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}
    del stored[FOLDER / "tiny-json.yaml"]
    assert stored.keys() == made.keys()
    assert [path for path, content in made.items() if stored[path] != content] == []

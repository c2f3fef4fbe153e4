"""Events as they are shown, and the mark that they were recorded elsewhere."""

import msgspec
import pytest

from schemas.event import NationalEvent, encode_event, hash_content
from schemas.identifiers import is_same_organisation, make_event_id, parse_reference
from schemas.judged import Acceptance, JudgedRecord
from store.engine import Store
from tests.lib.records import NOW, SOURCE, make_event, make_record, receive, register


def test_event_with_its_history(store: Store) -> None:
    register(store)
    batch = receive(store, "feed.csv")
    with store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, [make_record(1, "A", "one"), make_record(2, "B", "one")])
    with store.read() as work:
        event = work.events.find(make_event_id(SOURCE.id, "id:one"))
        assert event is not None
        revisions = work.events.find_revisions(event.id)
        alerts = work.events.find_alerts(event.id)
        assert work.events.find(1) is None
        assert work.events.find_mark(event.id) is None
    assert (event.event, event.revision, event.local_id) == (make_event("B"), 2, "one")
    assert parse_reference(event.reference) == event.id
    assert event.first_batch_id == batch.id
    assert [one.event for one in revisions] == [make_event("A"), make_event("B")]
    assert [one.record_number for one in revisions] == [1, 2]
    assert revisions[0].changes == []
    assert revisions[1].changes == [
        "LocationDetails.Organisation",
        "PatientInformation[0].PhysicalHarm",
        "PatientInformation[1].PhysicalHarm",
        "narrative",
    ]
    assert revisions[1].derived == ["event_date"]
    assert revisions[1].filename == "feed.csv"
    assert [one.organisation for one in alerts] == ["RZA", "RZB"]


def test_event_known_by_its_content_has_no_local_id(store: Store) -> None:
    register(store)
    batch, record = receive(store, "one"), make_record(1, "A")
    assert record.acceptance is not None
    with store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, [record])
    identity = f"content:{record.acceptance.content_hash.hex()}"
    with store.read() as work:
        event = work.events.find(make_event_id(SOURCE.id, identity))
    assert event is not None
    assert event.local_id is None


CODES = ["RZA", "RZA01", "RZB", "RZB01", "12345", "A1234", "Z9900", "Z99001", "5AB"]


@pytest.mark.parametrize("recorded_by", CODES)
def test_mark_says_whether_another_organisation_recorded_it(store: Store, recorded_by: str) -> None:
    """A trust and its sites are one organisation, in SQL as in schemas.identifiers."""
    register(store)
    batch = receive(store, "one")
    records = [place_event(number, code, recorded_by) for number, code in enumerate(CODES, 1)]
    with store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, records)
        work.batches.finish(batch, "accepted", work.receipts.count(batch.number))
        assert work.marks.mark_batches() == len(CODES)
    same = sum(is_same_organisation(code, recorded_by) for code in CODES)
    with store.read() as work:
        assert work.marks.count() == (len(CODES), len(CODES) - same)
        for code in CODES:
            mark = work.events.find_mark(make_event_id(SOURCE.id, f"id:{code}"))
            assert mark is not None
            assert mark.recorded_elsewhere is not is_same_organisation(code, recorded_by)
            assert (mark.source_id, mark.route) == (SOURCE.id, "file")
            assert mark.recorded_by == recorded_by


def place_event(number: int, code: str, recorded_by: str) -> JudgedRecord:
    groups = make_event("A").groups | {
        "LocationDetails": {"LocationKnown": "y", "Organisation": [code]},
        "PractitionerDetails": {"ReporterOrganisation": recorded_by},
    }
    event: NationalEvent = msgspec.structs.replace(make_event("A"), groups=groups)
    payload = encode_event(event)
    accepted = Acceptance(event, payload, hash_content(payload))
    return JudgedRecord(number, f"row {number}", code, b"0" * 32, accepted)


def test_mark_follows_a_revision_and_an_older_batch(store: Store) -> None:
    register(store)
    older, newer = receive(store, "older"), receive(store, "newer")
    event_id = make_event_id(SOURCE.id, "id:one")
    for batch, content in ((newer, "A"), (older, "B")):
        with store.begin(actor="test", at=NOW) as work:
            work.records.load(batch, [make_record(1, content, "one")])
            work.batches.finish(batch, "accepted", work.receipts.count(batch.number))
            assert work.marks.mark_batches() == 1
    with store.read() as work:
        mark = work.events.find_mark(event_id)
        event = work.events.find(event_id)
    assert mark is not None
    assert event is not None
    assert event.first_batch_id == older.id
    assert not mark.recorded_elsewhere  # the newer batch says it happened at RZA

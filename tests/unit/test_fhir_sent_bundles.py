"""Bundles: history, searchset, and the streamed answer to a batch."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from gateway.fhir.bundles import make_found_set, make_history, make_searchset, write_batch_response
from gateway.fhir.pieces import is_surely_valid
from gateway.receipts.build import word_finding
from mappers.fhir_write import write_fhir
from schemas.catalogue import reading, rules
from schemas.errors import FaultError
from schemas.receipt import ReceiptRecord
from schemas.statuses import Disposition
from tests.lib.events import make_event

BASE = "https://gateway.example/adverse-event/fhir"
REFERENCE = "7K2M-9QXB-4T8D-V"
ADDRESS = f"{BASE}/AdverseEvent/{REFERENCE}"
FATAL = word_finding(
    rules.FATAL_WITH_PSYCHOLOGICAL_HARM.at("PatientInformation[0]", "/contained/0")
)


def make_revision(number: int, version: str = "6") -> dict[str, Any]:
    return write_fhir(
        make_event(version=version),
        reference=REFERENCE,
        event_id=REFERENCE,
        revision=number,
        last_updated=f"2026-11-2{number}T09:30:00+00:00",
    )


def read(raw: bytes) -> dict[str, Any]:
    bundle: dict[str, Any] = json.loads(raw)
    return bundle


def make_record(number: int, disposition: Disposition = "created") -> ReceiptRecord:
    if disposition == "rejected":
        return ReceiptRecord(number, f"line {number}", None, disposition, None, None, [FATAL])
    return ReceiptRecord(
        number, f"line {number}", f"INC-{number}", disposition, REFERENCE, number, []
    )


def respond(records: Any, **more: Any) -> Iterator[bytes]:
    return write_batch_response(records, batch_id="b-1jwecg0cde6p", base=BASE, is_fhir=True, **more)


def test_history_is_newest_first() -> None:
    versions = [make_revision(2), make_revision(1)]
    raw = make_history(versions, base=BASE, link=f"{ADDRESS}/_history")
    Bundle.model_validate_json(raw)
    bundle = read(raw)
    assert (bundle["type"], bundle["total"]) == ("history", 2)
    assert bundle["link"] == [{"relation": "self", "url": f"{ADDRESS}/_history"}]
    newest, first = bundle["entry"]
    assert newest == {
        "fullUrl": ADDRESS,
        "request": {"method": "PUT", "url": f"AdverseEvent/{REFERENCE}"},
        "response": {
            "status": "200 OK",
            "etag": 'W/"2"',
            "lastModified": "2026-11-22T09:30:00+00:00",
        },
        "resource": versions[0],
    }
    assert first["request"] == {"method": "POST", "url": "AdverseEvent"}
    assert first["response"]["status"] == "201 Created"


def test_a_history_may_hold_both_releases() -> None:
    """An event sent as version 5 first and as version 6 later: each is checked as what it is."""
    raw = make_history([make_revision(2, "6"), make_revision(1, "5")], base=BASE, link=ADDRESS)
    assert [("actuality" in one["resource"]) for one in read(raw)["entry"]] == [True, False]


def test_searchset() -> None:
    raw = make_searchset([make_revision(1)], base=BASE, link=f"{BASE}/AdverseEvent?identifier=1")
    Bundle.model_validate_json(raw)
    (entry,) = read(raw)["entry"]
    assert (entry["fullUrl"], entry["search"]) == (ADDRESS, {"mode": "match"})


def test_a_search_that_finds_nothing_has_no_entries() -> None:
    raw = make_searchset([], base=BASE, link=f"{BASE}/AdverseEvent?identifier=1")
    Bundle.model_validate_json(raw)
    assert read(raw)["total"] == 0
    assert "entry" not in read(raw)


def test_what_is_in_a_bundle_is_checked() -> None:
    spoilt = make_revision(1) | {"unheardOf": 1}
    with pytest.raises(FaultError, match="not valid FHIR R4"):
        make_history([spoilt], base=BASE, link=ADDRESS)
    with pytest.raises(FaultError, match="not valid FHIR STU3"):
        make_found_set([(ADDRESS, {"resourceType": "Patient", "unheardOf": 1}, "STU3")], link=BASE)
    with pytest.raises(FaultError, match="not valid FHIR R4"):
        list(write_batch_response([], batch_id="no id", base=BASE, is_fhir=True))


def test_batch_response_answers_record_by_record() -> None:
    dispositions: list[Disposition] = ["created", "revised", "unchanged", "rejected"]
    records = [make_record(number, one) for number, one in enumerate(dispositions, 1)]
    raw = b"".join(respond(records))
    Bundle.model_validate_json(raw)
    bundle = read(raw)
    assert (bundle["id"], bundle["type"]) == ("b-1jwecg0cde6p", "batch-response")
    responses = [entry["response"] for entry in bundle["entry"]]
    assert [one["status"] for one in responses] == [
        "201 Created", "200 OK", "200 OK", "422 Unprocessable Entity",
    ]  # fmt: skip
    assert responses[1]["location"] == f"{ADDRESS}/_history/2"
    assert responses[1]["etag"] == 'W/"2"'
    assert responses[3].keys() == {"status", "outcome"}
    codes = responses[3]["outcome"]["issue"][0]["details"]["coding"]
    assert codes[0]["code"] == "RULE-010"
    assert all(is_surely_valid(entry, "BundleEntry", "R4") for entry in bundle["entry"])


@pytest.mark.parametrize(
    ("finding", "status"),
    [
        (reading.EMPTY_FEED.at(), "422 Unprocessable Entity"),
        (reading.TOTALS_ROW.at(row="row 3"), "200 OK"),
    ],
)
def test_what_is_said_of_the_feed_as_a_whole_comes_last(finding: Any, status: str) -> None:
    raw = b"".join(respond([make_record(1)], batch_findings=[word_finding(finding)]))
    Bundle.model_validate_json(raw)
    response = read(raw)["entry"][-1]["response"]
    assert response["status"] == status
    assert response["outcome"]["extension"][0]["url"] == "urn:lrms-gateway:batch"


def test_a_batch_without_records_has_no_entries() -> None:
    raw = b"".join(respond([]))
    Bundle.model_validate_json(raw)
    assert read(raw).keys() == {"resourceType", "id", "type"}


def test_memory_is_flat_whatever_the_number_of_records() -> None:
    def weigh(count: int) -> int:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        records = (make_record(number) for number in range(1, count + 1))
        assert sum(map(len, respond(records))) > 400 * count
        return tracemalloc.get_traced_memory()[1] - before

    list(respond([make_record(1)]))
    tracemalloc.start()
    try:
        few, many = weigh(100), weigh(10_000)
    finally:
        tracemalloc.stop()
    assert many < few + 50_000

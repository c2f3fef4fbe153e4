"""Receipts over HTTP in four forms: which one is given, and that they stream."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import requests
from msgspec import structs

from gateway.api.feed_answers import MEDIA_TYPES, write_receipt
from tests.lib.api_calls import PATIENCE, Api, get_code, make_name, write_event
from tests.lib.api_feeds import FHIR, FORMS, load, read_lines, read_receipt
from tests.lib.feeds import generate
from tests.lib.packed_feeds import make_gzip
from tests.lib.receipts import make_receipt_record, make_receipt_stream


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("application/fhir+ndjson", "ndjson"),
        ("application/fhir+json; fhirVersion=4.0", "fhir"),
        ("Text/CSV;q=0.9", "csv"),
        ("text/html, application/fhir+ndjson;q=0.8, */*;q=0.1", "ndjson"),
    ],
)
def test_the_form_is_chosen_by_accept(api: Api, accept: str, form: str) -> None:
    feed_id = load(api, generate(events=2, seed=41))["id"]
    path = f"/feeds/{feed_id}/receipt"
    answer = api.call("GET", path, source=FHIR, Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == MEDIA_TYPES[form]
    assert answer.content == read_receipt(api, feed_id, form).content
    asked = api.call("GET", f"{path}?format=csv", source=FHIR, Accept=accept)
    assert asked.headers["Content-Type"] == MEDIA_TYPES["csv"]


def test_a_form_that_there_is_not(api: Api) -> None:
    feed_id = load(api, generate(events=2, seed=41))["id"]
    answer = api.call("GET", f"/feeds/{feed_id}/receipt", source=FHIR, Accept="text/html, image/*")
    assert (answer.status_code, get_code(answer)) == (406, "not-acceptable")
    assert all(form in answer.json()["detail"] for form in FORMS)
    answer = api.call("GET", f"/feeds/{feed_id}/receipt?format=pdf", source=FHIR)
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")


def test_5000_records_are_told_in_feed_order(own_api: Api) -> None:
    api = own_api
    feed = generate(events=5_000, seed=42, errors=0.1, duplicates=0.1)
    done = load(api, make_gzip(feed))
    records = done["counts"]["records"]
    assert records >= 5_000
    told = {form: read_lines(read_receipt(api, done["id"], form), form) for form in FORMS}
    assert [number for number, _, _ in told["json"]] == list(range(1, records + 1))
    assert told["csv"] == told["ndjson"] == told["fhir"] == told["json"]


@pytest.mark.parametrize("form", FORMS)
def test_receipts_stream(form: Any) -> None:
    """The first piece is out before a fraction of the records is read."""
    read = []

    def make() -> Iterator[Any]:
        for number in range(1, 20_001):
            read.append(number)
            yield make_receipt_record(number)

    stream = structs.replace(make_receipt_stream(), records=make())
    pieces = write_receipt(nullcontext(stream), form, is_fhir=True, base="http://x")
    first = next(pieces)
    assert len(first) < 200_000
    assert len(read) < 2_000
    sizes = [len(piece) for piece in pieces]
    assert len(read) == 20_000
    assert max(sizes) < 200_000


def test_receipts_that_nobody_reads_to_the_end_hold_nothing_up(own_api: Api) -> None:
    api = own_api
    feed_id = load(api, generate(events=600, seed=43, errors=0.5))["id"]
    headers = {"Ocp-Apim-Subscription-Key": api.keys[FHIR]}
    for _ in range(40):
        url = f"{api.url}/feeds/{feed_id}/receipt?format=fhir"
        with requests.get(url, headers=headers, stream=True, timeout=PATIENCE) as answer:
            assert next(answer.iter_content(100))
    # More than the pool of connections holds; all of them are free again.
    assert read_receipt(api, feed_id, "json").status_code == 200
    assert api.create(write_event(name=make_name())).status_code == 201

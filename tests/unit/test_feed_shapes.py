"""The shape of a feed is told from its bytes."""

import io

import pytest

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.shapes import find_shape

EVENT = b'{"resourceType": "AdverseEvent", "id": "1"}'
PRETTY = b'{\n  "resourceType": "AdverseEvent",\n  "id": "1"\n}\n'


def shape_of(data: bytes, feed_format: str = "fhir", limit: int = 10_000):
    return find_shape(io.BytesIO(data), feed_format, limits=Limits(record_bytes=limit))


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        (EVENT, "fhir-ndjson"),
        (EVENT + b"\n" + EVENT, "fhir-ndjson"),
        (b"\xef\xbb\xbf" + EVENT + b"\n" + EVENT, "fhir-ndjson"),
        (b"\n\n" + EVENT + b"\n" + EVENT, "fhir-ndjson"),
        (b'{"resourceType": "AdverseEvent", broken\n' + EVENT + b"\n", "fhir-ndjson"),
        (PRETTY, "fhir-json"),
        (b'{"resourceType": "Bundle", "entry": []}', "fhir-json"),
        (b'{"resourceType": "Bundle", "entry": [' + b" " * 20_000 + b"]}", "fhir-json"),
        (b'{"resourceType": "AdverseEvent", "x": "' + b"x" * 20_000 + b'"}', "fhir-ndjson"),
        (b"<Bundle/>", "fhir-xml"),
        (b"\xef\xbb\xbf<Bundle/>", "fhir-xml"),
        ("<Bundle/>".encode("utf-16"), "fhir-xml"),
    ],
)
def test_fhir_shapes(data, shape):
    assert shape_of(data) == shape


@pytest.mark.parametrize("feed_format", ["csv", "xml"])
def test_other_formats_are_what_the_source_says(feed_format):
    assert shape_of(b"anything", feed_format) == feed_format


@pytest.mark.parametrize("feed_format", ["fhir", "csv", "xml"])
@pytest.mark.parametrize("data", [b"", b" \n\t\n"])
def test_an_empty_feed_is_a_finding(feed_format, data):
    with pytest.raises(BrokenFeed) as broken:
        shape_of(data, feed_format)
    assert broken.value.finding.code == "READ-090"


@pytest.mark.parametrize("data", [b"id,date\n1,2\n", b"[1]", b"PK\x03\x04", b"\x00\x00"])
def test_what_is_not_fhir_is_a_finding(data):
    with pytest.raises(BrokenFeed) as broken:
        shape_of(data)
    assert broken.value.finding.code == "READ-091"

"""The shape of a feed is told from its bytes."""

import io

import pytest

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.shapes import find_shape

EVENT = b'{"resourceType": "AdverseEvent", "id": "1"}'
PRETTY = b'{\n  "resourceType": "AdverseEvent",\n  "id": "1"\n}\n'


def shape_of(data: bytes, feed_format: str = "fhir", pointer: str | None = None):
    limits = Limits(record_bytes=10_000)
    return find_shape(io.BytesIO(data), feed_format, limits=limits, pointer=pointer)


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


@pytest.mark.parametrize(
    ("data", "pointer", "shape"),
    [
        (b"{}\n{}", None, "ndjson"),
        (b"\xef\xbb\xbf\n {}\r\n\n{}\n", None, "ndjson"),
        (b'{"a": 1}\n{broken\n{"a": 2}', None, "ndjson"),
        (b'{"a": \n{"a": 2}\n', None, "ndjson"),
        (b'{"a": 1}\n{"a": 2}\n', "/incidents", "ndjson"),
        # One line is a document: the record itself, or what holds the records.
        (b"{}\n", None, "json"),
        (b'{"incidents": [{}]}', "/incidents", "json"),
        (b'{"incidents": [{}]}\n{"incidents": [{}]}\n', "/incidents", "json"),
        (b'{"w": [{"i": []}]}\n{"w": [{"i": []}]}\n', "/w/*/i", "json"),
        (b'{"w": [{"i": []}]}\n{"w": [{"i": []}]}\n', "/w/0/i", "json"),
        (b'[\n{"a": 1},\n{"a": 2}]', None, "json"),
        (b'[{"a": 1},\n{"a": 2}\n]', None, "json"),
        (b'{\n"a": 1}\n{\n"a": 2\n}', None, "json"),
        (b"{}{}", None, "json"),
        (b'{"a": "' + b"x" * 20_000 + b'"}\n{}', None, "json"),
        (b"[]", None, "json"),
    ],
)
def test_json_shapes(data, pointer, shape):
    assert shape_of(data, "json", pointer) == shape


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
@pytest.mark.parametrize("feed_format", ["fhir", "json"])
@pytest.mark.parametrize("text", ['{"a": 1}', "[]"])
def test_json_in_another_encoding_is_told(feed_format, encoding, text):
    with pytest.raises(BrokenFeed) as broken:
        shape_of(text.encode(encoding), feed_format)
    assert broken.value.finding.code == "READ-013"
    assert broken.value.finding.params == {"encoding": encoding[:6].upper()}


@pytest.mark.parametrize("data", [b"id,note\n1,2\n", b"<a/>", b"12", b'"x"', b"PK\x03\x04", b"\0"])
def test_what_is_not_json_is_a_finding(data):
    with pytest.raises(BrokenFeed) as broken:
        shape_of(data, "json")
    assert broken.value.finding.code == "READ-016"


@pytest.mark.parametrize("feed_format", ["csv", "xml"])
def test_other_formats_are_what_the_source_says(feed_format):
    assert shape_of(b"anything", feed_format) == feed_format


@pytest.mark.parametrize("feed_format", ["fhir", "csv", "xml", "json"])
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

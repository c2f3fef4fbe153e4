"""FHIR feeds as they come, line by line or document behind document: whole, odd and broken."""

from hashlib import sha256
from io import BytesIO

import msgspec
import pytest

from gateway.adapters import json_stream
from gateway.adapters.fhir_json import read_fhir_ndjson
from gateway.adapters.limits import Limits
from schemas.batch import Part
from schemas.catalogue import get_catalogue, reading
from schemas.finding import FindingCode
from tests.lib.fhir_feeds import ENTRY, EVENT, LIMIT, RAW, SPACED, document, ndjson, wrap


class TestNdjson:
    def test_blank_lines_are_no_records(self) -> None:
        feed = ndjson(b"\n" + RAW + b"\r\n  \r\n\n" + RAW)
        assert feed.outcome == [("line 2", "ok"), ("line 5", "ok")]
        assert [record.raw_hash for record in feed.records] == [sha256(RAW).digest()] * 2
        assert feed.records[0].content == EVENT

    def test_byte_order_mark(self) -> None:
        assert ndjson(b"\xef\xbb\xbf" + RAW).records == ndjson(RAW).records

    def test_one_broken_line_costs_no_other(self) -> None:
        feed = ndjson(RAW + b"\n" + RAW[:-5] + b"\n" + RAW + b"\n")
        assert feed.codes == ["ok", reading.JSON_BROKEN.code, "ok"]

    def test_a_line_too_long_is_stepped_over(self) -> None:
        long = b'{"resourceType":"AdverseEvent","description":"' + b"x" * 3 * LIMIT + b'"}'
        feed = ndjson(RAW + b"\n" + long + b"\n" + b" " * 2 * LIMIT + b"\n" + RAW)
        assert feed.outcome == [
            ("line 1", "ok"),
            ("line 2", reading.RECORD_TOO_LONG.code),
            ("line 4", "ok"),
        ]
        assert feed.records[1].raw_hash == sha256(long).digest()

    def test_a_long_line_is_never_whole_in_memory(self) -> None:
        class Counting(BytesIO):
            largest = 0

            def readline(self, size: int | None = -1, /) -> bytes:
                line = super().readline(size)
                self.largest = max(self.largest, len(line))
                return line

        raw = b"[" * 5_000_000
        stream = Counting(raw)
        part = Part(batch_number=1, number=0, start=0, end=len(raw))
        assert len(list(read_fhir_ndjson(stream, part, limits=Limits(record_bytes=1000)))) == 1
        assert stream.largest <= 1 << 20


# One record as a line: what stands in it, and the code of its finding.
BAD_LINES = [
    (reading.JSON_BROKEN, b"{"),
    (reading.JSON_BROKEN, b"nonsense"),
    (reading.JSON_BROKEN, RAW + b" " + RAW),
    (reading.JSON_BROKEN, RAW[:-1] + b',"a":NaN}'),
    (reading.JSON_BROKEN, RAW[:-1] + b',"a":-Infinity}'),
    (reading.JSON_BROKEN, RAW[:-1] + b',"a":1e999}'),
    (reading.JSON_BROKEN, RAW[:-1] + b',"a":' + b"9" * 5000 + b"}"),
    (reading.JSON_BROKEN, RAW[:-1] + b',"a":"\\ud800"}'),
    (reading.NOT_UTF_8, RAW[:-1] + b',"a":"\xa3"}'),
    (reading.DUPLICATE_KEY, RAW[:-1] + b',"date":"2026-11-04"}'),
    (reading.DUPLICATE_KEY, RAW[:-1] + b',"a":{"b":1,"b" :"\\u0022\\u0022"}}'),
    (reading.NESTED_TOO_DEEP, RAW[:-1] + b',"a":' + b"[" * 70 + b"]" * 70 + b"}"),
    (reading.NESTED_TOO_DEEP, RAW[:-1] + b',"a":' + b'{"a":' * 64 + b"1" + b"}" * 65),
    (reading.NESTED_TOO_DEEP, b'{"a":' * 3000),
    (reading.NUL_CHARACTER, RAW[:-1] + b',"a":["x\\u0000"]}'),
    (reading.TEXT_TOO_LONG, RAW[:-1] + b',"a":"' + b"x" * (LIMIT // 2 + 1) + b'"}'),
    (reading.NOT_ADVERSE_EVENT, b"[]"),
    (reading.NOT_ADVERSE_EVENT, b"{}"),
    (reading.NOT_ADVERSE_EVENT, b'{"resourceType":"Patient"}'),
    (reading.RECORD_TOO_LONG, b" [" + b" " * 2 * LIMIT),
]


@pytest.mark.parametrize(("code", "line"), BAD_LINES)
def test_bad_line(code: FindingCode, line: bytes) -> None:
    feed = ndjson(RAW + b"\n" + line + b"\n" + RAW)
    assert feed.codes == ["ok", code.code, "ok"]
    assert feed.records[1].content is None


@pytest.mark.parametrize(
    "tail",
    [
        b',"a":' + b"[" * 63 + b"]" * 63 + b"}",
        b',"a":"\\\\u0000"}',
        b',"a":"\\"b\\": {{{{[[[["}',
        b',"a":"' + b"{[" * 99 + b'"}',
        b', "a" :1, "\\u0022":2}',
    ],
)
def test_odd_but_right_line(tail: bytes) -> None:
    assert ndjson(RAW[:-1] + tail).codes == ["ok"]


class TestDocument:
    @pytest.mark.parametrize("raw", [RAW, SPACED, b"\xef\xbb\xbf\n" + SPACED + b"\n"])
    def test_one_adverse_event(self, raw: bytes) -> None:
        feed = document(raw)
        assert feed.outcome == [("document", "ok")]
        assert feed.records[0].content == EVENT

    @pytest.mark.parametrize("raw", [b"[1]", b'{"a" 1}', b"[", b"7", b"{", RAW[:-9]])
    def test_a_document_that_is_no_event(self, raw: bytes) -> None:
        feed = document(raw)
        if feed.broken:
            assert feed.broken == reading.FEED_BROKEN_OFF.at(byte=0 if raw == b"7" else len(raw))
        else:
            assert feed.codes[0] in (reading.JSON_BROKEN.code, reading.NOT_ADVERSE_EVENT.code)

    @pytest.mark.parametrize("between", [b"", b"\n", b"\n\n  "])
    def test_documents_one_behind_the_other(self, between: bytes) -> None:
        feed = document(between.join([SPACED, wrap(ENTRY, ENTRY), RAW, SPACED[:-1]]))
        assert feed.outcome == [
            ("document", "ok"),
            ("document 2/entry/0/resource", "ok"),
            ("document 2/entry/1/resource", "ok"),
            ("document 3", "ok"),
        ]
        assert all(record.content == EVENT for record in feed.records)
        assert feed.broken is not None
        assert feed.broken.code == reading.FEED_BROKEN_OFF.code

    def test_many_small_documents_take_linear_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken = 0
        read_on = json_stream.JsonStream._read_on

        def count(stream: json_stream.JsonStream, wanted: int) -> bool:
            nonlocal taken
            taken += 1
            return read_on(stream, wanted)

        monkeypatch.setattr(json_stream.JsonStream, "_read_on", count)
        assert len(document(b"{}" * 5_000).records) == 5_000
        assert taken < 100

    def test_too_long(self) -> None:
        feed = document(RAW[:-1] + b" " * LIMIT + b"}" + RAW)
        assert feed.codes == [reading.RECORD_TOO_LONG.code, "ok"]


def test_every_code_of_fhir_reading_is_raised_here() -> None:
    raised = {code.code for code, _ in BAD_LINES}
    for code in (
        reading.REQUEST_NOT_ACCEPTED,
        reading.FEED_BROKEN_OFF,
        reading.BUNDLE_TYPE,
        reading.NO_FHIR_ROOT,
    ):
        raised.add(code.code)
    of_fhir = {code for code in get_catalogue() if "READ-001" <= code <= "READ-012"}
    assert raised == of_fhir | {reading.TEXT_TOO_LONG.code}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"description": "fell\0 down"}, "INC-1"),
        ({"identifier": [{"value": " INC-1 "}], "description": "fell\0 down"}, "INC-1"),
        ({"identifier": "INC-1", "description": "fell\0 down"}, None),
        # Its identifier may be an NHS number.
        ({"resourceType": "Patient"}, None),
    ],
)
def test_the_id_of_a_record_that_is_refused_where_it_is_sure(changes, expected):
    (record,) = ndjson(msgspec.json.encode(EVENT | changes)).records
    assert (record.content, record.local_id) == (None, expected)


def test_no_id_where_a_key_is_given_twice():
    (record,) = ndjson(RAW[:-1] + b',"identifier":{"value":"INC-2"}}').records
    assert (record.findings[0].code, record.local_id) == ("READ-003", None)

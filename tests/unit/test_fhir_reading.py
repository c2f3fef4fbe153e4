"""FHIR feeds as they come: NDJSON, one document, Bundles, XML; whole, odd and broken."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from io import BytesIO
from typing import Any

import msgspec
import pytest

from gateway.adapters import json_stream
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.fhir_json import read_fhir_json, read_fhir_ndjson
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.limits import Limits
from mappers.fhir_write import write_fhir
from mappers.fhir_write_xml import write_fhir_xml
from schemas.batch import Part
from schemas.catalogue import get_catalogue, reading, word_fix, word_message
from schemas.finding import Finding, FindingCode
from schemas.record import SourceRecord
from tests.lib.events import make_event

LIMIT = 20_000
EVENT = write_fhir(make_event(), local_id="INC-1")
RAW = msgspec.json.encode(EVENT)
SPACED = json.dumps(EVENT, indent=1).encode()
Read = Callable[..., Iterator[SourceRecord]]


class Feed:
    """The records of a feed, and the finding that ended it, if one did."""

    def __init__(self, read: Read, raw: bytes, limit: int = LIMIT) -> None:
        self.records: list[SourceRecord] = []
        self.broken: Finding | None = None
        part = Part(batch_number=1, number=0, start=0, end=len(raw))
        try:
            for record in read(
                BytesIO(raw),
                part,
                limits=Limits(record_bytes=limit, depth=64, text_chars=LIMIT // 2),
            ):
                self.records.append(record)
        except BrokenFeed as broken:
            self.broken = broken.finding
            assert self.broken.scope == "batch"
        for finding in self.findings:
            assert word_message(finding)
            assert word_fix(finding)

    @property
    def findings(self) -> list[Finding]:
        found = [finding for record in self.records for finding in record.findings]
        return [*found, self.broken] if self.broken else found

    @property
    def outcome(self) -> list[tuple[int, str, str]]:
        """(number, locator, code of the finding or "ok") of each record."""
        return [
            (
                record.number,
                record.locator,
                record.findings[0].code if record.findings else "ok",
            )
            for record in self.records
        ]

    @property
    def codes(self) -> list[str]:
        return [code for _, _, code in self.outcome]


def ndjson(raw: bytes, limit: int = LIMIT) -> Feed:
    return Feed(read_fhir_ndjson, raw, limit)


def document(raw: bytes, limit: int = LIMIT) -> Feed:
    return Feed(read_fhir_json, raw, limit)


def xml(raw: bytes, limit: int = LIMIT) -> Feed:
    return Feed(read_fhir_xml, raw, limit)


def make_bundle(*entries: bytes, bundle_type: str = "batch") -> bytes:
    head = b'{"resourceType":"Bundle","type":"' + bundle_type.encode() + b'","entry":['
    return head + b",".join(entries) + b"]}"


ENTRY = b'{"resource":' + RAW + b"}"


class TestNdjson:
    def test_blank_lines_are_no_records(self) -> None:
        feed = ndjson(b"\n" + RAW + b"\r\n  \r\n\n" + RAW)
        assert feed.outcome == [(1, "line 2", "ok"), (2, "line 5", "ok")]
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
            (1, "line 1", "ok"),
            (2, "line 2", reading.RECORD_TOO_LONG.code),
            (3, "line 4", "ok"),
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
        assert feed.outcome == [(1, "document", "ok")]
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
        feed = document(between.join([SPACED, make_bundle(ENTRY, ENTRY), RAW, SPACED[:-1]]))
        assert feed.outcome == [
            (1, "document", "ok"),
            (2, "document 2/entry/0/resource", "ok"),
            (3, "document 2/entry/1/resource", "ok"),
            (4, "document 3", "ok"),
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


class TestBundle:
    @pytest.mark.parametrize("bundle_type", ["collection", "batch", "transaction", "searchset"])
    def test_entries_are_records(self, bundle_type: str) -> None:
        feed = document(make_bundle(ENTRY, ENTRY, bundle_type=bundle_type))
        assert feed.outcome == [(1, "/entry/0/resource", "ok"), (2, "/entry/1/resource", "ok")]
        assert feed.records[1].content == EVENT
        assert feed.records[1].raw_hash == sha256(ENTRY).digest()
        assert feed.broken is None

    @pytest.mark.parametrize("chunk", [1, 7, 4096])
    def test_wherever_the_pieces_are_cut(self, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_stream, "_CHUNK", chunk)
        resource = {**EVENT, "description": "Zażółć £ 😀 \u2028", "id": "\\"}
        bundle = {"entry": [{"resource": resource}, 12, True], "total": 12, "id": "x"}
        raw = json.dumps(
            {"resourceType": "Bundle", "type": "batch", **bundle}, ensure_ascii=False, indent=1
        ).encode()
        feed = document(b"\xef\xbb\xbf" + raw)
        assert feed.codes == ["ok", reading.NOT_ADVERSE_EVENT.code, reading.NOT_ADVERSE_EVENT.code]
        assert feed.records[0].content == resource
        assert feed.broken is None

    @pytest.mark.parametrize("chunk", [5, 1 << 18])
    def test_a_bad_entry_costs_no_other(self, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_stream, "_CHUNK", chunk)
        bad = [
            b'{"resource":{"a":tru}}',
            b'{"resource":{"a":"\xff"}}',
            b'{"resource":{"a":1,"a":2}}',
            b'{"resource":' + b"[" * 2000 + b"]" * 2000 + b"}",
            b'{"resource":{"a":"' + b'\\"]}' * LIMIT + b'"}}',
            b'{"resource":{"resourceType":"Patient"}}',
            b"{}",
            b"null",
            b'{"request":{"method":"DELETE"}}',
            b'{"resource":' + RAW + b',"request":{"method":"PATCH","url":"x"}}',
            b'{"resource":' + RAW + b',"request":{"method":"PUT","url":"x"}}',
        ]
        feed = document(make_bundle(ENTRY, *bad, ENTRY))
        assert feed.codes == [
            "ok",
            reading.JSON_BROKEN.code,
            reading.NOT_UTF_8.code,
            reading.DUPLICATE_KEY.code,
            reading.NESTED_TOO_DEEP.code,
            reading.RECORD_TOO_LONG.code,
            reading.NOT_ADVERSE_EVENT.code,
            reading.NOT_ADVERSE_EVENT.code,
            reading.NOT_ADVERSE_EVENT.code,
            reading.REQUEST_NOT_ACCEPTED.code,
            reading.REQUEST_NOT_ACCEPTED.code,
            "ok",
            "ok",
        ]
        assert feed.records[5].raw_hash == sha256(bad[4]).digest()
        assert feed.broken is None

    def test_no_more_than_a_few_pieces_are_in_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json_stream, "_CHUNK", len(ENTRY))
        sizes: list[int] = []
        read_on = json_stream.JsonStream._read_on

        def watch(stream: json_stream.JsonStream, wanted: int) -> bool:
            more = read_on(stream, wanted)
            sizes.append(len(stream._text))
            return more

        monkeypatch.setattr(json_stream.JsonStream, "_read_on", watch)
        long = b'{"resource":"' + b"x" * 50 * LIMIT + b'"}'
        feed = document(make_bundle(*[ENTRY] * 50, long, *[ENTRY] * 50))
        assert len(feed.records) == 101
        assert max(sizes) < 4 * LIMIT

    def test_broken_off(self) -> None:
        raw = make_bundle(ENTRY, ENTRY, ENTRY)
        cut = raw[: len(raw) - len(ENTRY) // 2]
        feed = document(cut)
        assert feed.codes == ["ok", "ok"]
        assert feed.broken == reading.FEED_BROKEN_OFF.at(byte=len(cut))

    @pytest.mark.parametrize(
        "tail",
        [
            b"",
            b"]",
            b"]]",
            b"]} x",
            b" 7]}",
            b",]}",
            b"]:1}",
            b'],"entry":[]}',
            b'],"a"}',
            b'],"a":}',
            b",x",
        ],
    )
    def test_broken_behind_an_entry(self, tail: bytes) -> None:
        raw = make_bundle(ENTRY)[:-2] + tail
        feed = document(raw)
        assert feed.codes[0] == "ok"
        assert feed.broken is not None
        assert feed.broken.code == reading.FEED_BROKEN_OFF.code
        assert len(raw) - len(tail) <= int(feed.broken.params["byte"]) <= len(raw)

    @pytest.mark.parametrize(
        ("code", "raw"),
        [
            (reading.BUNDLE_TYPE, make_bundle(ENTRY, bundle_type="history")),
            (reading.BUNDLE_TYPE, b'{"resourceType":"Bundle","entry":[]}'),
            (reading.BUNDLE_TYPE, b'{"resourceType":"Bundle","type":7,"entry":[]}'),
            (reading.NO_FHIR_ROOT, b'{"entry":[],"type":"batch","resourceType":"List"}'),
            (reading.NO_FHIR_ROOT, b'{"entry":[],"type":"batch"}'),
        ],
    )
    def test_not_a_feed(self, code: FindingCode, raw: bytes) -> None:
        feed = document(raw)
        assert feed.records == []
        assert feed.broken is not None
        assert feed.broken.code == code.code

    def test_type_behind_the_entries(self) -> None:
        raw = b'{"entry":[' + ENTRY + b'],"type":"batch","resourceType":"Bundle"}'
        feed = document(raw)
        assert feed.codes == ["ok"]
        assert feed.broken is None


XML = write_fhir_xml(EVENT)
BODY = XML.partition(b"?>")[2].strip()


def make_xml_bundle(*resources: bytes, bundle_type: bytes = b"batch") -> bytes:
    entries = b"".join(
        b'<entry><fullUrl value="urn:x"/><resource>' + one + b"</resource></entry>"
        for one in resources
    )
    return b'<Bundle xmlns="http://hl7.org/fhir"><identifier><type/></identifier><type value="' + (
        bundle_type + b'"/>' + entries + b"</Bundle>"
    )


class TestXml:
    def test_one_adverse_event(self) -> None:
        feed = xml(XML)
        assert feed.outcome == [(1, "/AdverseEvent", "ok")]
        assert feed.records[0].content == EVENT

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1"])
    def test_other_encodings(self, encoding: str) -> None:
        text = XML.decode().replace("UTF-8", encoding.removesuffix("-sig"), 1)
        assert xml(text.encode(encoding)).records == xml(XML).records

    def test_other_prefix_and_layout_is_the_same_dict(self) -> None:
        text = BODY.decode().replace('xmlns="http://hl7.org/fhir"', 'xmlns:f="http://hl7.org/fhir"')
        text = text.replace("</", "</f:").replace("<", "\n <f:").replace("<f:/f:", "</f:")
        feed = xml(
            f"<?pi x?>{text.replace('<f:AdverseEvent', '<!-- c --><f:AdverseEvent', 1)}".encode()
        )
        assert feed.records[0].content == EVENT

    def test_bundle(self) -> None:
        patient = b"<Patient/>"
        feed = xml(make_xml_bundle(BODY, patient, BODY, b""))
        assert feed.outcome == [
            (1, "/Bundle/entry[1]/resource/AdverseEvent", "ok"),
            (2, "/Bundle/entry[2]/resource/Patient", reading.NOT_ADVERSE_EVENT.code),
            (3, "/Bundle/entry[3]/resource/AdverseEvent", "ok"),
            (4, "/Bundle/entry[4]", reading.NOT_ADVERSE_EVENT.code),
        ]
        assert feed.records[2].content == EVENT
        assert feed.records[0].raw_hash == feed.records[2].raw_hash

    @pytest.mark.parametrize(
        ("method", "code"),
        [
            ('<method value="PUT"/>', "ok"),
            ('<method value="DELETE"/>', "READ-007"),
            ("", "READ-007"),
        ],
    )
    def test_request(self, method: str, code: str) -> None:
        request = f"</resource><request>{method}</request>".encode()
        assert xml(make_xml_bundle(BODY).replace(b"</resource>", request)).codes == [code]

    def test_broken_half_way(self) -> None:
        raw = make_xml_bundle(BODY, BODY, BODY)
        feed = xml(raw[: raw.rindex(b"<fullUrl") + 3])
        assert feed.codes == ["ok", "ok"]
        assert feed.broken is not None
        assert feed.broken.code == reading.XML_BROKEN.code
        assert feed.broken.params["line"] == 1 + raw.count(b"\n")
        assert int(feed.broken.params["column"]) > 0

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
    def test_doctype_is_refused_in_any_encoding(self, encoding: str) -> None:
        text = '<!DOCTYPE a [<!ENTITY x "boo">]>' + BODY.decode().replace("Mrs", "&x;")
        if encoding.startswith("utf-16-"):
            text = f'<?xml version="1.0" encoding="{encoding}"?>{text}'
        feed = xml(text.encode(encoding))
        assert feed.records == []
        assert feed.broken is not None
        assert feed.broken.code == reading.XML_DOCTYPE.code

    @pytest.mark.parametrize(
        ("code", "raw"),
        [
            (reading.NO_FHIR_ROOT, b"<AdverseEvent/>"),
            (reading.NO_FHIR_ROOT, b'<Patient xmlns="http://hl7.org/fhir"/>'),
            (reading.NO_FHIR_ROOT, b"<x>" + BODY + b"</x>"),
            (reading.BUNDLE_TYPE, make_xml_bundle(BODY, bundle_type=b"history")),
            (reading.BUNDLE_TYPE, b'<Bundle xmlns="http://hl7.org/fhir"><entry/></Bundle>'),
            (reading.BUNDLE_TYPE, b'<Bundle xmlns="http://hl7.org/fhir"/>'),
            (reading.XML_BROKEN, b"<"),
            (reading.XML_BROKEN, XML + b"x"),
        ],
    )
    def test_not_a_feed(self, code: FindingCode, raw: bytes) -> None:
        feed = xml(raw)
        assert feed.broken is not None
        assert feed.broken.code == code.code

    @pytest.mark.parametrize(
        ("inside", "code"),
        [
            (b'<description value="caf\xe9"/>', "READ-056"),
            (b'<description value="&#x0;"/>', "READ-056"),
            (b'<description value="' + b"x" * (LIMIT // 2 + 1) + b'"/>', "READ-070"),
            (b'<description value="x"/>' * (LIMIT // 20), "READ-005"),
            (b'<description value="' + b"x" * 9 * LIMIT + b'"/>', "READ-055"),
            (b"<extension>" * 9_000 + b"</extension>" * 9_000, "READ-058"),
        ],
    )
    def test_a_bad_entry_costs_no_other(self, inside: bytes, code: str) -> None:
        bad = BODY.replace(b"</AdverseEvent>", inside + b"</AdverseEvent>")
        feed = xml(make_xml_bundle(BODY, bad, BODY, BODY))
        assert feed.broken is None
        assert feed.codes == ["ok", code, "ok", "ok"]
        assert feed.records[3].locator == "/Bundle/entry[4]/resource/AdverseEvent"

    def test_one_adverse_event_too_long_for_memory(self) -> None:
        long = BODY.replace(b"</AdverseEvent>", b"<x/>" * 5 * LIMIT + b"</AdverseEvent>")
        feed = xml(long)
        assert feed.outcome == [(1, "/AdverseEvent", "READ-055")]
        assert feed.broken is None
        assert xml(long + b"<more/>").broken is not None

    def test_adverse_event_without_the_namespace_is_told_so(self) -> None:
        broken = xml(b"<AdverseEvent/>").broken
        assert broken is not None
        assert "outside the namespace http://hl7.org/fhir" in word_message(broken)

    def test_nested_too_deep(self) -> None:
        deep = b'<extension url="x">' * 70 + b"</extension>" * 70
        raw = BODY.replace(b"</AdverseEvent>", deep + b"</AdverseEvent>")
        feed = xml(make_xml_bundle(BODY, raw, BODY))
        assert feed.codes == ["ok", reading.NESTED_TOO_DEEP.code, "ok"]

    @pytest.mark.parametrize(
        ("given", "key", "value"),
        [
            (
                b'<date value="2026"><extension url="x"/></date>',
                "_date",
                {"extension": [{"url": "x"}]},
            ),
            (b'<date value="2026" id="d"/>', "_date", {"id": "d"}),
            (b"<date>2026</date>", "date", {"#text": "2026"}),
            (b'<date valu="2026"/>', "date", {"@valu": "2026"}),
            (b"<date/>2026", "#text", "2026"),
            (b'<x:date xmlns:x="urn:x" value="1"/>', "{urn:x}date", "1"),
            (b'<active value="true"/>', "active", True),
            (b'<active value="yes"/>', "active", "yes"),
            (b'<valueInteger value="-7"/>', "valueInteger", -7),
            (b'<valueInteger value="7.0"/>', "valueInteger", "7.0"),
            (b'<name value="a"/>', "name", ["a"]),
            (b'<note value="a"/><note value="b"/><note value="c"/>', "note", ["a", "b", "c"]),
            (b'<note value=" a&#10;b "/>', "note", " a\nb "),
        ],
    )
    def test_what_becomes_of_an_element(self, given: bytes, key: str, value: Any) -> None:
        raw = b'<AdverseEvent xmlns="http://hl7.org/fhir">' + given + b"</AdverseEvent>"
        (record,) = xml(raw).records
        assert record.content[key] == value

    def test_rendering_for_people_is_left_out(self) -> None:
        div = b'<text><div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div></text>'
        assert xml(BODY.replace(b"<meta>", div + b"<meta>")).records[0].content == EVENT


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

"""Vendor XML as it really comes, and the safe streaming under it."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from gateway.adapters.xml_stream import find_root, iterate_elements
from mappers.profile_load import load_profile, parse_profile
from schemas.batch import Part
from schemas.catalogue import get_catalogue, word_message
from schemas.record import SourceRecord

PART = Part(batch_number=0, number=0, start=0, end=0)
NAMESPACE = "urn:lrms:incidents:1"
LRMS = load_profile("lrms-xml")
PLAIN = parse_profile(
    """
name: plain
version: "1"
format: xml
record: feed/wards/ward/case
namespaces: {x: "urn:x"}
taxonomy_version: "5"
event_type: kind
patients:
  at: people/person
  elements: {harm: PatientInformation.PhysicalHarm}
""",
    "plain.yaml",
)


def read(
    xml: str | bytes, profile: Any = LRMS, limit: int = 100_000
) -> tuple[list[SourceRecord], str]:
    """The records, and the code of the finding that ended the feed."""
    raw = xml.encode() if isinstance(xml, str) else xml
    records: list[SourceRecord] = []
    try:
        records.extend(read_xml(io.BytesIO(raw), PART, profile, limits=Limits(record_bytes=limit)))
    except BrokenFeed as stopped:
        return records, stopped.finding.code
    return records, ""


def feed(*records: str, start: str = "") -> str:
    return f'{start}<incidents xmlns="{NAMESPACE}">{"".join(records)}</incidents>'


@pytest.mark.parametrize(
    ("record", "content"),
    [
        ("<incident/>", {}),
        ('<incident id="7"/>', {"@id": "7"}),
        ("<incident> \n </incident>", {}),
        ("<incident><narrative>a &lt;b&gt;</narrative></incident>", {"narrative": "a <b>"}),
        ("<incident><narrative><![CDATA[a <b>]]></narrative></incident>", {"narrative": "a <b>"}),
        ("<incident><narrative>a<!-- x -->b<?p i?>c</narrative></incident>", {"narrative": "abc"}),
        ("<incident><agent><a>1</a><a>2</a></agent></incident>", {"agent/a": ["1", "2"]}),
        (
            "<incident><agent><a>1</a></agent><agent><a>2</a><a>3</a></agent></incident>",
            {"agent/a": ["1", "2", "3"]},
        ),
        ('<incident><a k="v">t</a></incident>', {"a/@k": "v", "a": "t"}),
        (
            "<incident><n>He <b>fell</b> down</n></incident>",
            {"n": ["He ", " down"], "n/b": "fell"},
        ),
        ("<incident>loose</incident>", {".": "loose"}),
        ('<incident xmlns:y="urn:y"><y:a>1</y:a></incident>', {"{urn:y}a": "1"}),
        ('<incident><a xmlns="">1</a></incident>', {"{}a": "1"}),
        (
            '<incident xml:lang="en" xmlns:y="urn:y" y:k="1"/>',
            {"@xml:lang": "en", "@{urn:y}k": "1"},
        ),
        (
            '<incident xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>',
            {},
        ),
        (
            "<incident><patients><patient k='1'><a>1</a></patient><patient/></patients></incident>",
            {"patients/patient": [{"@k": "1", "a": "1"}, {}]},
        ),
        (
            "<incident><patients><patient>x<a><b>1</b></a></patient></patients></incident>",
            {"patients/patient": [{".": "x", "a/b": "1"}]},
        ),
    ],
)
def test_a_record_is_flattened_and_nothing_of_it_lost(record: str, content: dict[str, Any]) -> None:
    records, ended = read(feed(record))
    assert ended == ""
    assert [one.content for one in records] == [content]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_any_declared_encoding(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    start = f'<?xml version="1.0" encoding="{declared}"?>'
    xml = feed("<incident><narrative>café</narrative></incident>", start=start)
    assert read(xml.encode(encoding))[0][0].content == {"narrative": "café"}


def test_prefixes_of_the_feed_do_not_matter_only_the_namespace() -> None:
    xml = f'<v:incidents xmlns:v="{NAMESPACE}"><v:incident><v:a>1</v:a></v:incident></v:incidents>'
    assert read(xml)[0][0].content == {"a": "1"}


def test_locators_say_where_the_record_stands() -> None:
    records, _ = read(feed("<incident/>", "<other/>", "<incident/>"))
    assert [one.locator for one in records] == [
        "/incidents/incident[1]",
        "/incidents/incident[2]",
    ]
    xml = "<feed><wards><ward><case/></ward><ward><case/></ward></wards></feed>"
    records, _ = read(xml, PLAIN)
    assert [one.locator for one in records] == [
        "(/feed/wards/ward/case)[1]",
        "(/feed/wards/ward/case)[2]",
    ]


def test_only_elements_at_the_path_are_records() -> None:
    xml = (
        "<feed><case/><wards><ward><case><kind>1</kind><x><case/></x></case></ward></wards></feed>"
    )
    records, ended = read(xml, PLAIN)
    assert ended == ""
    assert [one.content for one in records] == [{"kind": "1"}]


@pytest.mark.parametrize(
    ("xml", "count", "code"),
    [
        (feed("<incident/>", start="<!DOCTYPE incidents>"), 0, "READ-050"),
        (feed("<incident/>", start="<!DOCTYPE incidents>").encode("utf-16"), 0, "READ-050"),
        (
            feed(
                "<incident>&x;</incident>",
                start='<!DOCTYPE i [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            ),
            0,
            "READ-050",
        ),
        (feed("<incident/>", start='<!DOCTYPE i SYSTEM "http://localhost/x.dtd">'), 0, "READ-050"),
        (feed("<incident/>", "<incident>&x;</incident>"), 1, "READ-051"),
        (feed("<incident/>", "<incident><a></incident>"), 1, "READ-051"),
        (feed("<incident/>")[:-3], 1, "READ-051"),
        (feed("<incident/>") + "<more/>", 1, "READ-051"),
        (feed("<incident/>", "<incident>\x01</incident>"), 1, "READ-051"),
        (feed("<incident/>").encode() + b"\xff", 1, "READ-051"),
        (feed("<incident/>", start='<?xml version="1.0" encoding="martian"?>'), 0, "READ-051"),
        (feed("<a>" * 300 + "</a>" * 300), 0, "READ-051"),
        ("id,note\n1,2\n", 0, "READ-051"),
        ("", 0, "READ-052"),
        ("<!--" + "x" * 70_000 + "--><incidents/>", 0, "READ-052"),
        (feed("<incident/>", "<junk>x</junk>" * 30_000), 1, "READ-053"),
        ("<incidents><incident/></incidents>", 0, "READ-054"),
        ("<html/>", 0, "READ-054"),
    ],
)
def test_a_feed_that_cannot_be_read_on_keeps_what_came_before(
    xml: str | bytes, count: int, code: str
) -> None:
    records, ended = read(xml)
    assert (len(records), ended) == (count, code)
    assert get_catalogue()[code].scope == "batch"


def test_a_break_is_located() -> None:
    with pytest.raises(BrokenFeed) as stopped:
        list(
            iterate_elements(
                io.BytesIO(b"<a>\n<b/>\n <c></a>"), ["b"], limits=Limits(record_bytes=1000)
            )
        )
    assert "line 3, column 9" in word_message(stopped.value.finding)
    assert stopped.value.finding.params == {
        "line": 3,
        "column": 9,
        "problem": "tag name mismatch",
    }


def test_a_record_too_long_costs_only_itself() -> None:
    long = f"<incident><narrative>{'x' * 3000}</narrative></incident>"
    records, ended = read(feed("<incident/>", long, "<incident id='3'/>"), limit=2_000)
    assert ended == ""
    assert [[f.code for f in one.findings] for one in records] == [[], ["READ-055"], []]
    assert records[1].content is None
    assert records[2].content == {"@id": "3"}


def test_the_raw_hash_is_over_names_and_texts() -> None:
    one = read(feed("<incident><a>1</a><b>2</b></incident>"))[0][0]
    same = read(feed("<incident>\n <a>1</a> <!-- x --><b>2</b></incident>"))[0][0]
    other = read(feed("<incident><a>1</a><c>2</c></incident>"))[0][0]
    assert one.raw_hash == same.raw_hash != other.raw_hash
    assert len(one.raw_hash) == 32


class _Endless(io.RawIOBase):
    """A feed of so many records that is never in memory as a whole."""

    def __init__(self, records: int) -> None:
        self._pieces = self._make(records)
        self._rest = b""
        self._place = 0

    @staticmethod
    def _make(records: int) -> Iterator[bytes]:
        yield f'<incidents xmlns="{NAMESPACE}">'.encode()
        for number in range(records):
            yield f"<incident id='{number}'><narrative>{'x' * 500}</narrative></incident>".encode()
        yield b"</incidents>"

    def seek(self, offset: int, whence: int = 0) -> int:
        self._pieces, self._rest, self._place = self._make(20_000), b"", 0
        return offset

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        self._place += len(taken)
        return taken


def test_memory_stays_flat() -> None:
    stream: Any = _Endless(20_000)  # 11 MB of XML
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_xml(stream, PART, LRMS, limits=Limits(record_bytes=50_000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000


def test_elements_before_a_record_are_freed_on_every_level() -> None:
    xml = b"<a>" + b"<w><n/><n/><r/></w>" * 50 + b"</a>"
    left = [
        len(element.getroottree().getroot().xpath("//*"))
        for element in iterate_elements(io.BytesIO(xml), ["r"], limits=Limits(record_bytes=10_000))
    ]
    # The parser builds a chunk ahead, so there is less each time; what lies behind is gone but for
    # the ward before with its emptied record.
    assert left == sorted(left, reverse=True)
    assert left[-1] == len(["a", "w", "r", "w", "n", "n", "r"])


@pytest.mark.parametrize(
    ("xml", "root"),
    [
        ("<a/>", "a"),
        ('<p:a xmlns:p="u"', None),
        ('<p:a xmlns:p="u"><', "{u}a"),
        ("x", None),
        ("", None),
    ],
)
def test_find_root_leaves_the_stream_where_it_was(xml: str, root: str | None) -> None:
    stream = io.BytesIO(xml.encode())
    assert find_root(stream) == root
    assert stream.tell() == 0

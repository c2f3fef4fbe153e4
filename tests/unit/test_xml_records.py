"""Vendor XML as it really comes, and the safe streaming under it."""

import io
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.xml_bytes import XmlBytes
from gateway.adapters.xml_prolog import find_root
from gateway.adapters.xml_records import read_xml
from gateway.adapters.xml_stream import XmlFeed
from mappers.profile_load import load_profile, parse_profile
from schemas.batch import Part
from schemas.catalogue import get_catalogue, word_message
from schemas.finding import Finding
from schemas.record import SourceRecord
from tests.lib.reading import Reading

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
        (feed("<incident/>").encode() + b"\xff", 1, "READ-051"),
        (feed("<incident/>", start='<?xml version="1.0" encoding="martian"?>'), 0, "READ-051"),
        (feed("<incident/>", "<a>" * 3_000 + "</a>" * 3_000), 1, "READ-051"),
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
    raw = b"<a>\n<b/>\n <c></a>"
    with pytest.raises(BrokenFeed) as stopped:
        list(XmlFeed(io.BytesIO(raw), ("a", "b"), limits=Limits(record_bytes=1000)))
    assert "line 3, column 7, byte 15" in word_message(stopped.value.finding)
    assert stopped.value.finding.params == {
        "line": 3,
        "column": 7,
        "byte": raw.index(b"</a>") + 2,
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
        assert offset == 0
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
        for element in XmlFeed(io.BytesIO(xml), ("a", "w", "r"), limits=Limits(record_bytes=10_000))
    ]
    # The parser builds a chunk ahead, so there is less each time; what lies behind is gone but for
    # the ward before with its emptied record.
    assert left == sorted(left, reverse=True)
    assert left[-1] == len(["a", "w", "r", "w", "n", "n", "r"])


PREDICATES = parse_profile(
    """
name: named
version: "1"
format: xml
record: feed/case
namespaces: {x: "urn:x"}
taxonomy_version: "5"
event_type: "field[@name='kind']"
local_id: "field[@name='ref']"
elements:
  "x:value[@x:code='AA/1']": AdverseEventAgent.InvolvedAgents
patients:
  at: "list[@of='people']/item"
  elements: {"field[@name='harm']": PatientInformation.PhysicalHarm}
""",
    "named.yaml",
)


@pytest.mark.parametrize(
    ("record", "content"),
    [
        (
            "<field name='kind'>1</field><field name='ref'> R1 </field>",
            {"field[@name='kind']": "1", "field[@name='ref']": " R1 "},
        ),
        ("<field name='new'>1</field>", {"field[@name='new']": "1"}),
        (
            "<field name='kind'>1</field><field name='kind'>2</field>",
            {"field[@name='kind']": ["1", "2"]},
        ),
        # Other attributes stay; what may be content does not become a name.
        (
            "<field name='kind' unit='u'>1</field>",
            {"field[@name='kind']/@unit": "u", "field[@name='kind']": "1"},
        ),
        ("<field>1</field>", {"field": "1"}),
        ("<field name=''>1</field>", {"field": "1"}),
        ('<field name="it\'s">1</field>', {"field/@name": "it's", "field": "1"}),
        (f"<field name='{'x' * 81}'>1</field>", {"field/@name": "x" * 81, "field": "1"}),
        ("<other name='kind'>1</other>", {"other/@name": "kind", "other": "1"}),
        (
            "<y:value xmlns:y='urn:x' y:code='AA/1'>1</y:value>",
            {"x:value[@x:code='AA/1']": "1"},
        ),
        (
            (
                "<list of='people'><item><field name='harm'>1</field></item><item/></list>"
                "<list of='things'><item><field name='harm'>2</field></item></list>"
            ),
            {
                "list[@of='people']/item": [{"field[@name='harm']": "1"}, {}],
                "list[@of='things']/item/field[@name='harm']": "2",
            },
        ),
    ],
)
def test_elements_told_apart_by_an_attribute(record: str, content: dict[str, Any]) -> None:
    records, ended = read(f"<feed><case>{record}</case></feed>", PREDICATES)
    assert (ended, [one.content for one in records]) == ("", [content])


OK = "<incident id='ok'/>"
TIGHT = Limits(record_bytes=4_000, depth=10, text_chars=500, columns=20)


def read_tight(raw: bytes) -> Reading:
    return Reading(lambda stream: read_xml(stream, PART, LRMS, limits=TIGHT), raw)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"<incident id='b'><narrative>\x01</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>\x00\x1f</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative a='\x0b'/></incident>", "READ-056"),
        (b"<incident id='b'><narrative>&#x1;</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>&#x0001F;&#11;</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>&#xD800;</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>&#0;</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>caf\xe9</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>\xed\xa0\x80</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>\xef\xbf\xbe</narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative><![CDATA[\x08]]></narrative></incident>", "READ-056"),
        (b"<incident id='b'><narrative>\xc3</narrative></incident>", "READ-056"),
        (b"<incident id='b'>" + b"<a>" * 11 + b"1" + b"</a>" * 11 + b"</incident>", "READ-004"),
        (b"<incident id='b'>" + b"<a>" * 500 + b"1" + b"</a>" * 500 + b"</incident>", "READ-004"),
        (b"<incident id='b'><narrative>" + b"x" * 501 + b"</narrative></incident>", "READ-070"),
        (b"<incident id='b'><narrative a='" + b"x" * 501 + b"'/></incident>", "READ-070"),
        (b"<incident id='b'>" + b"<a>12345</a>" * 700 + b"</incident>", "READ-055"),
        (
            b"<incident id='b'>" + b"".join(b"<f%d>1</f%d>" % (n, n) for n in range(20)),
            "READ-071",
        ),
        (
            b"<incident id='b'><patients><patient>"
            + b"".join(b"<f%d>1</f%d>" % (n, n) for n in range(20))
            + b"</patient></patients>",
            "READ-071",
        ),
        # Beyond what is kept in memory: by the second look.
        (b"<incident id='b'><narrative>" + b"x" * 99_999 + b"</narrative></incident>", "READ-055"),
        (b"<incident id='b'>" + b"<a><b/>x</a>" * 20_000 + b"</incident>", "READ-055"),
        (b"<incident id='b'><![CDATA[" + b"</incident>" * 9_999 + b"]]></incident>", "READ-055"),
        (b"<incident id='b'><!--" + b"<incident/>" * 9_999 + b"--></incident>", "READ-055"),
        (b"<incident id='b'>" + b"<a>" * 9_000 + b"</a>" * 9_000 + b"</incident>", "READ-058"),
    ],
)
@pytest.mark.parametrize("shift", [0, 32_700])
def test_a_bad_record_costs_its_neighbours_nothing(bad: bytes, code: str, shift: int) -> None:
    if not bad.endswith(b"</incident>"):
        bad += b"</incident>"
    pad = f"<!--{'x' * shift}-->"
    start, end = feed(OK, pad, "|", OK, OK).encode().split(b"|")
    result = read_tight(start + bad + end)
    assert result.broken is None, result.words
    assert result.codes == ["ok", code, "ok", "ok"]
    assert [record.locator for record in result.records][1] == "/incidents/incident[2]"


def test_many_records_too_long_for_memory_are_passed_over_in_one_second_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_bytes = 0
    read_on = XmlBytes.read

    def count(source: XmlBytes, size: int) -> bytes:
        nonlocal read_bytes
        data = read_on(source, size)
        read_bytes += len(data)
        return data

    monkeypatch.setattr(XmlBytes, "read", count)
    long = f"<incident><narrative>{'x' * 200_000}</narrative></incident>"
    raw = feed(*[OK, long, OK] * 30).encode()
    result = read_tight(raw)
    assert result.broken is None
    assert result.codes == ["ok", "READ-055", "ok"] * 30
    assert read_bytes < 4 * len(raw)
    assert result.records[1].raw_hash == sha256(long.encode()).digest()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "windows-1252"])
def test_reading_goes_on_behind_a_long_record_in_any_encoding(encoding: str) -> None:
    long = f"<v:case><v:note>{'é' * 99_000}</v:note></v:case>"
    good = "<v:case><v:kind>é</v:kind></v:case>"
    said = encoding.removesuffix("-sig")
    xml = (
        f'<?xml version="1.0" encoding="{said}"?>'
        "<v:feed xmlns:v='urn:v' a='&lt;é'><x/><v:wards b='1'>"
        f"<v:ward>{good}{long}{good}</v:ward><v:ward>{good}{long}</v:ward>"
        "</v:wards></v:feed>"
    )
    profile = parse_profile(
        """
name: deep
version: "1"
format: xml
record: v:feed/v:wards/v:ward/v:case
namespaces: {v: "urn:v"}
taxonomy_version: "5"
event_type: v:kind
""",
        "deep.yaml",
    )
    result = Reading(
        lambda stream: read_xml(stream, PART, profile, limits=TIGHT), xml.encode(encoding)
    )
    assert result.broken is None, result.words
    assert result.codes == ["ok", "READ-055", "ok", "ok", "READ-055"]
    assert result.contents[3] == {"v:kind": "é"}


@pytest.mark.parametrize("letter", ["x", "é", "😀"])
@pytest.mark.parametrize("size", [1, 30_000, 400_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("broken", ["</incident></b>", "<a></incident>", "&nope;", "<"])
def test_the_byte_of_a_break_is_told(letter: str, size: int, encoding: str, broken: str) -> None:
    records = f"<incident><narrative>{letter * 400}</narrative></incident>\n" * (size // 400 + 1)
    start = f"{feed(records)[: -len('</incidents>')]}<incident>"
    at = {"</incident></b>": 13, "<a></incident>": 5, "&nope;": 0, "<": 0}[broken]
    raw = f"{start}{broken}".encode(encoding)
    true = len(f"{start}{broken[:at]}".encode(encoding))
    result = Reading(lambda stream: read_xml(stream, PART, LRMS, limits=TIGHT), raw)
    assert result.broken is not None
    assert result.broken.code == "READ-051"
    assert result.broken.params["byte"] == true
    assert result.broken.params["line"] == 1 + start.count("\n")
    assert len(result.records) == size // 400 + 1 + broken.startswith("</incident>")


def test_the_byte_is_told_also_behind_replaced_bytes() -> None:
    raw = feed("<incident>\x01\x02&#x3;é</incident>").encode()[:-12] + b"\xe9</wrong>"
    result = read_tight(raw)
    assert result.codes == ["READ-056"]
    assert result.broken is not None
    assert result.broken.params["byte"] == raw.index(b"wrong")


def test_a_character_beyond_xml_costs_nothing_where_it_is_no_content() -> None:
    raw = feed("<!-- \x01 -->", OK, "<?p \x02?>", OK).encode()
    assert read_tight(raw).codes == ["ok", "ok"]


def test_del_is_a_character_like_any_other_in_a_sound_file() -> None:
    assert read_tight(feed("<incident>\x7f</incident>").encode()).contents == [{".": "\x7f"}]


@pytest.mark.parametrize("said", ["UTF-16", "utf-16le", "utf-32"])
def test_a_declaration_of_utf_16_on_utf_8_is_told_and_read(said: str) -> None:
    told: list[Finding] = []
    xml = feed("<incident>é</incident>", start=f'<?xml version="1.0" encoding="{said}"?>\n')
    (record,) = read_xml(io.BytesIO(xml.encode()), PART, LRMS, limits=TIGHT, tell=told.append)
    assert record.content == {".": "é"}
    assert [word_message(finding) for finding in told] == [
        f"the XML declares {said.upper()}, but it is not: it was read as UTF-8"
    ]


def test_utf_8_that_is_windows_1252_costs_the_records_it_touches() -> None:
    start = '<?xml version="1.0" encoding="UTF-8"?>'
    xml = feed(OK, "<incident>caf\xe9</incident>", "<incident>cafe</incident>", start=start)
    assert read_tight(xml.encode("cp1252")).codes == ["ok", "READ-056", "ok"]


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1", "us-ascii"])
def test_control_characters_in_other_encodings(encoding: str) -> None:
    start = f'<?xml version="1.0" encoding="{encoding}"?>'
    xml = feed(OK, "<incident>\x02</incident>", OK, start=start)
    assert read_tight(xml.encode(encoding)).codes == ["ok", "READ-056", "ok"]


def test_a_prefix_that_is_not_declared_stays_in_the_name() -> None:
    xml = feed("<incident><v:a>1</v:a></incident>", "<incident xsi:nil='true'/>", OK)
    result = read_tight(xml.encode())
    assert result.broken is None
    assert len(result.records) == 3
    assert result.contents[0] == {"{}v:a": "1"}


def test_more_levels_than_the_parser_takes_cost_their_record() -> None:
    limits = Limits(record_bytes=1 << 20)
    deep = "<incident>" + "<a>" * 3_000 + "</a>" * 3_000 + "</incident>"
    raw = feed(OK, deep, OK).encode()
    result = Reading(lambda stream: read_xml(stream, PART, LRMS, limits=limits), raw)
    assert result.codes == ["ok", "READ-058", "ok"]
    assert result.broken is None


@pytest.mark.parametrize(
    "tail",
    [b"<incident " + b"a" * 200_000, b"<!--" + b"x" * 200_000, b"<incident a='" + b"x" * 200_000],
)
def test_a_tag_without_end_ends_the_feed(tail: bytes) -> None:
    raw = feed(OK).encode()[: -len("</incidents>")] + tail
    result = read_tight(raw)
    assert result.codes == ["ok"]
    assert result.broken is not None
    assert result.broken.code in ("READ-051", "READ-053")


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

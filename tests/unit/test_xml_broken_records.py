"""Vendor XML with bad records, bad characters and breaks: what each costs, and where it is told
to be."""

import io
from hashlib import sha256

import pytest

from gateway.adapters.limits import Limits
from gateway.adapters.xml_bytes import XmlBytes
from gateway.adapters.xml_records import read_xml
from mappers.profile_load import parse_profile
from schemas.catalogue import word_message
from schemas.finding import Finding
from tests.lib.reading import Reading
from tests.lib.xml_feeds import LRMS, OK, PART, TIGHT, make_feed, read_tight


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
    start, end = make_feed(OK, pad, "|", OK, OK).encode().split(b"|")
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
    raw = make_feed(*[OK, long, OK] * 30).encode()
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
    start = f"{make_feed(records)[: -len('</incidents>')]}<incident>"
    at = {"</incident></b>": 13, "<a></incident>": 5, "&nope;": 0, "<": 0}[broken]
    raw = f"{start}{broken}".encode(encoding)
    true = len(f"{start}{broken[:at]}".encode(encoding))
    result = read_tight(raw)
    assert result.broken is not None
    assert result.broken.code == "READ-051"
    assert result.broken.params["byte"] == true
    assert result.broken.params["line"] == 1 + start.count("\n")
    assert len(result.records) == size // 400 + 1 + broken.startswith("</incident>")


def test_the_byte_is_told_also_behind_replaced_bytes() -> None:
    raw = make_feed("<incident>\x01\x02&#x3;é</incident>").encode()[:-12] + b"\xe9</wrong>"
    result = read_tight(raw)
    assert result.codes == ["READ-056"]
    assert result.broken is not None
    assert result.broken.params["byte"] == raw.index(b"wrong")


def test_a_character_beyond_xml_costs_nothing_where_it_is_no_content() -> None:
    raw = make_feed("<!-- \x01 -->", OK, "<?p \x02?>", OK).encode()
    assert read_tight(raw).codes == ["ok", "ok"]


def test_del_is_a_character_like_any_other_in_a_sound_file() -> None:
    assert read_tight(make_feed("<incident>\x7f</incident>").encode()).contents == [{".": "\x7f"}]


@pytest.mark.parametrize("said", ["UTF-16", "utf-16le", "utf-32"])
def test_a_declaration_of_utf_16_on_utf_8_is_told_and_read(said: str) -> None:
    told: list[Finding] = []
    xml = make_feed("<incident>é</incident>", start=f'<?xml version="1.0" encoding="{said}"?>\n')
    (record,) = read_xml(io.BytesIO(xml.encode()), PART, LRMS, limits=TIGHT, tell=told.append)
    assert record.content == {".": "é"}
    assert [word_message(finding) for finding in told] == [
        f"the XML declares {said.upper()}, but it is not: it was read as UTF-8"
    ]


def test_utf_8_that_is_windows_1252_costs_the_records_it_touches() -> None:
    start = '<?xml version="1.0" encoding="UTF-8"?>'
    xml = make_feed(OK, "<incident>caf\xe9</incident>", "<incident>cafe</incident>", start=start)
    assert read_tight(xml.encode("cp1252")).codes == ["ok", "READ-056", "ok"]


@pytest.mark.parametrize("encoding", ["windows-1252", "iso-8859-1", "us-ascii"])
def test_control_characters_in_other_encodings(encoding: str) -> None:
    start = f'<?xml version="1.0" encoding="{encoding}"?>'
    xml = make_feed(OK, "<incident>\x02</incident>", OK, start=start)
    assert read_tight(xml.encode(encoding)).codes == ["ok", "READ-056", "ok"]


def test_a_prefix_that_is_not_declared_stays_in_the_name() -> None:
    xml = make_feed("<incident><v:a>1</v:a></incident>", "<incident xsi:nil='true'/>", OK)
    result = read_tight(xml.encode())
    assert result.broken is None
    assert len(result.records) == 3
    assert result.contents[0] == {"{}v:a": "1"}


def test_more_levels_than_the_parser_takes_cost_their_record() -> None:
    limits = Limits(record_bytes=1 << 20)
    deep = "<incident>" + "<a>" * 3_000 + "</a>" * 3_000 + "</incident>"
    raw = make_feed(OK, deep, OK).encode()
    result = Reading(lambda stream: read_xml(stream, PART, LRMS, limits=limits), raw)
    assert result.codes == ["ok", "READ-058", "ok"]
    assert result.broken is None


@pytest.mark.parametrize(
    "tail",
    [b"<incident " + b"a" * 200_000, b"<!--" + b"x" * 200_000, b"<incident a='" + b"x" * 200_000],
)
def test_a_tag_without_end_ends_the_feed(tail: bytes) -> None:
    raw = make_feed(OK).encode()[: -len("</incidents>")] + tail
    result = read_tight(raw)
    assert result.codes == ["ok"]
    assert result.broken is not None
    assert result.broken.code in ("READ-051", "READ-053")

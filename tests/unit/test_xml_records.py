"""Vendor XML as it really comes: what becomes of its elements, and of a feed that cannot be read
on."""

import io
from typing import Any

import pytest

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.xml_prolog import find_root
from gateway.adapters.xml_records import read_xml
from gateway.adapters.xml_stream import XmlFeed
from mappers.profile_load import parse_profile
from schemas.catalogue import get_catalogue, word_message
from schemas.record import SourceRecord
from tests.lib.xml_feeds import LRMS, NAMESPACE, PART, make_feed

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
    records, ended = read(make_feed(record))
    assert ended == ""
    assert [one.content for one in records] == [content]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_any_declared_encoding(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    start = f'<?xml version="1.0" encoding="{declared}"?>'
    xml = make_feed("<incident><narrative>café</narrative></incident>", start=start)
    assert read(xml.encode(encoding))[0][0].content == {"narrative": "café"}


def test_prefixes_of_the_feed_do_not_matter_only_the_namespace() -> None:
    xml = f'<v:incidents xmlns:v="{NAMESPACE}"><v:incident><v:a>1</v:a></v:incident></v:incidents>'
    assert read(xml)[0][0].content == {"a": "1"}


def test_locators_say_where_the_record_stands() -> None:
    records, _ = read(make_feed("<incident/>", "<other/>", "<incident/>"))
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
        (make_feed("<incident/>", start="<!DOCTYPE incidents>"), 0, "READ-050"),
        (make_feed("<incident/>", start="<!DOCTYPE incidents>").encode("utf-16"), 0, "READ-050"),
        (
            make_feed(
                "<incident>&x;</incident>",
                start='<!DOCTYPE i [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            ),
            0,
            "READ-050",
        ),
        (
            make_feed("<incident/>", start='<!DOCTYPE i SYSTEM "http://localhost/x.dtd">'),
            0,
            "READ-050",
        ),
        (make_feed("<incident/>", "<incident>&x;</incident>"), 1, "READ-051"),
        (make_feed("<incident/>", "<incident><a></incident>"), 1, "READ-051"),
        (make_feed("<incident/>")[:-3], 1, "READ-051"),
        (make_feed("<incident/>") + "<more/>", 1, "READ-051"),
        (make_feed("<incident/>").encode() + b"\xff", 1, "READ-051"),
        (make_feed("<incident/>", start='<?xml version="1.0" encoding="martian"?>'), 0, "READ-051"),
        (make_feed("<incident/>", "<a>" * 3_000 + "</a>" * 3_000), 1, "READ-051"),
        ("id,note\n1,2\n", 0, "READ-051"),
        ("", 0, "READ-052"),
        ("<!--" + "x" * 70_000 + "--><incidents/>", 0, "READ-052"),
        (make_feed("<incident/>", "<junk>x</junk>" * 30_000), 1, "READ-053"),
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
    records, ended = read(make_feed("<incident/>", long, "<incident id='3'/>"), limit=2_000)
    assert ended == ""
    assert [[f.code for f in one.findings] for one in records] == [[], ["READ-055"], []]
    assert records[1].content is None
    assert records[2].content == {"@id": "3"}


def test_the_raw_hash_is_over_names_and_texts() -> None:
    one = read(make_feed("<incident><a>1</a><b>2</b></incident>"))[0][0]
    same = read(make_feed("<incident>\n <a>1</a> <!-- x --><b>2</b></incident>"))[0][0]
    other = read(make_feed("<incident><a>1</a><c>2</c></incident>"))[0][0]
    assert one.raw_hash == same.raw_hash != other.raw_hash
    assert len(one.raw_hash) == 32


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

"""Where feeds are cut, and where they stay in one piece."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.limits import Limits
from gateway.adapters.xml_starts import Starts
from mappers.profile_model import Profile
from schemas.batch import Part, Shape
from tests.lib.parted import check_parts, index, make_terms

LIMITS = Limits(record_bytes=2_000, columns=20, text_chars=1_000, records=1_000)
LINES = st.lists(st.sampled_from([b"{}", b"", b"  ", b'{"a": "' + b"x" * 40 + b'"}']), max_size=40)


def cut_lines(data: bytes, part_bytes: int) -> list[Part]:
    return index(data, "fhir-ndjson", make_terms("fhir-ndjson", None, LIMITS), part_bytes)[1]


@given(lines=LINES, ends_with_newline=st.booleans(), part_bytes=st.integers(1, 200))
def test_parts_cover_the_feed_and_begin_at_lines(lines, ends_with_newline, part_bytes):
    data = b"\n".join(lines) + (b"\n" if ends_with_newline and lines else b"")
    parts = cut_lines(data, part_bytes)
    assert b"".join(data[part.start : part.end] for part in parts) == data
    assert [part.number for part in parts] == list(range(len(parts)))
    for part in parts:
        before = data[: part.start]
        assert part.start == 0 or before.endswith(b"\n")
        assert part.first_line == before.count(b"\n") + 1
        assert part.first_record == sum(bool(line.strip()) for line in before.splitlines()) + 1


@pytest.mark.parametrize(
    ("asked", "sizes"),
    [
        (900, [909] * 9 + [819]),
        (5_000, [4_509, 4_491]),
        (8_990, [4_509, 4_491]),
        (9_000, [9_000]),
    ],
)
def test_parts_are_about_as_large_as_asked_and_of_one_size(asked, sizes):
    parts = cut_lines(b'{"n": 1}\n' * 1000, asked)
    assert [part.end - part.start for part in parts] == sizes


def test_a_line_longer_than_a_part_stays_whole():
    data = b"{}\n" + b"x" * 1000 + b"\n{}\n"
    assert [data[part.start : part.end] for part in cut_lines(data, 10)] == [
        b"{}\n" + b"x" * 1000 + b"\n",
        b"{}\n",
    ]


def test_a_first_line_of_nothing_but_a_byte_order_mark_is_no_record():
    parts = cut_lines(b"\xef\xbb\xbf\n{}\n{}\n", 6)
    assert [(part.first_record, part.first_line) for part in parts] == [(1, 1), (2, 3)]


def make_profile(feed_format: str, **fields: Any) -> Profile:
    return Profile.model_validate(
        {
            "name": "made-up",
            "version": "1",
            "format": feed_format,
            "taxonomy_version": "5",
            "event_type": {"value": "1"},
            "local_id": "@id" if feed_format == "xml" else "id",
            **fields,
        }
    )


CSV = make_profile("csv")
GROUPED = make_profile("csv", rows={"id": "id"})
XML = make_profile("xml", record="export/sites/site/incident", namespaces={"": "urn:a"})
FLAT_XML = make_profile("xml", record="export/incident")
JSON = make_profile("json", local_id="/id", record="/data/incidents")
SITES = make_profile("json", local_id="/id", record="/sites/*/incidents")
ROOT = make_profile("json", local_id="/id", record="")


def count_parts(raw: str | bytes, shape: Shape, profile: Profile | None = None) -> int:
    """The parts, each about as small as a record; read in reverse they give what the whole does."""
    data = raw.encode() if isinstance(raw, str) else raw
    terms = make_terms(shape, profile, LIMITS)
    return check_parts(data, shape, terms, 1, lambda parts: parts[::-1])


ROWS = "id,note\n1,a\n2,b\n3,c\n"
CSV_CUT = {
    "rows": (ROWS, 3),
    "no line end at the end": (ROWS + "4,d", 4),
    "line breaks in quotes": ('id,note\n1,"a\nb\n""c"""\n2,"x\n"\n', 2),
    "blank rows between": ("\n\nid,note\n\n1,a\n\n,\n2,b\n\n", 2),
    "returns": (ROWS.replace("\n", "\r"), 3),
    "returns and line feeds": (ROWS.replace("\n", "\r\n"), 3),
    "another delimiter, told": ("sep=;\nid;note\n1;a,a\n2;b\n", 2),
    "quotes that make no sense": ('id,note\n1,"a"b\n2,"x\ny\n3,c\n4,"d"\n5,e\n6,f\n', 4),
    "a quote inside a cell": ('id,note\n1,a 5" wound\n2,b\n', 2),
    "a row too long": (f"id,note\n1,{'x' * 3_000}\n2,b\n", 2),
    "totals at the end": (ROWS + "Total: 3,\n", 3),
    "a column twice": ("id,note,note\n1,a,b\n2,c,d\n", 2),
    "a mark of UTF-8": ("\ufeff" + ROWS + "\ufeff4,d\n", 4),
    "beyond ASCII": ("id,note\n1,é€\n2,ü\n", 2),
    "Windows-1252": ("id,note\n1,caf\xe9\n2,\x80\x93x\x94\n3,c\n".encode("latin-1"), 3),
    "Windows-1252 with a mark of UTF-8": (b"\xef\xbb\xbfid,note\n1,caf\xe9\n2,\x93x\x94\n", 2),
    "bytes that are no UTF-8": ("id,note\n1,éééé\n".encode() + b"2,\xff\n3,c\n", 3),
}


@pytest.mark.parametrize("name", CSV_CUT)
def test_a_csv_is_cut_before_any_record(name):
    raw, parts = CSV_CUT[name]
    assert count_parts(raw, "csv", CSV) == parts


CSV_WHOLE = {
    "UTF-16": ROWS.encode("utf-16"),
    "the header again": ROWS + ROWS,
    "no header": "\n\n",
    "nothing but a header": "id,note\n",
    "other columns": "x,y\n1,2\n3,4\n",
}


@pytest.mark.parametrize("name", CSV_WHOLE)
def test_a_csv_of_which_rows_hang_together_is_one_part(name):
    profile = make_profile("csv", elements={"note": "AdverseEvent.Description"})
    raw = CSV_WHOLE[name]
    assert count_parts(raw, "csv", CSV if name != "other columns" else profile) == 1


def test_rows_of_one_record_stay_together():
    assert count_parts("id,note\n1,a\n1,b\n2,c\n,d\n,e\n3,f\n3,g\nTotal: 3,\n", "csv", GROUPED) == 5


def test_rows_of_one_record_in_two_places_keep_the_feed_in_one_part():
    assert count_parts("id,note\n1,a\n2,b\n1,c\n3,d\n", "csv", GROUPED) == 1


INCIDENTS = "".join(f'<incident id="{n}"><a>t{n}</a></incident>\n' for n in range(3))
EXPORT = '<export xmlns="urn:a"><sites><site n="secret">%s</site></sites></export>'
XML_CUT = {
    "records": (EXPORT % INCIDENTS, XML, 3),
    "several parents": (
        EXPORT % f"{INCIDENTS}</site><!-- - --><site>{INCIDENTS}</site><site/><site>{INCIDENTS}",
        XML,
        9,
    ),
    "comments, CDATA and instructions that look like records": (
        EXPORT % f"<!-- <incident> -->{INCIDENTS}<?x <incident ?><incident><a><![CDATA[<incident>"
        "]]></a></incident><!--<incident/>-->",
        XML,
        4,
    ),
    "empty records": ("<export><incident/><incident /><incident\n/></export>", FLAT_XML, 3),
    "names that begin alike": (
        (
            "<export><incidents/><incident><incident-id/></incident><incident><incident.x/></incident>"
            "</export>"
        ),
        FLAT_XML,
        2,
    ),
    "prefixes": (
        (
            '<p:export xmlns:p="urn:a" xmlns:q="urn:a"><q:sites><p:site><p:incident/>'
            '<q:incident xmlns:q="urn:a"/><incident xmlns="urn:a"/></p:site></q:sites></p:export>'
        ),
        XML,
        3,
    ),
    "a namespace put away": (
        '<export xmlns="" xmlns:x="urn:x"><incident x:a="1"/><incident/></export>',
        FLAT_XML,
        2,
    ),
    "a declared encoding": (
        '<?xml version="1.0" encoding="ISO-8859-1"?><export><incident a="\xe9"/>'
        "<incident><a>\xfc</a></incident></export>".encode("latin-1"),
        FLAT_XML,
        2,
    ),
    "a false declaration": (
        '<?xml version="1.0" encoding="UTF-16"?><export><incident/><incident/></export>',
        FLAT_XML,
        2,
    ),
    "a mark of UTF-8": ("\ufeff<export><incident/><incident>é</incident></export>", FLAT_XML, 2),
    "characters that no XML may hold": (
        "<export><incident/><incident>\x01</incident><incident/></export>",
        FLAT_XML,
        3,
    ),
    "a record nested too deep": (
        f"<export><incident/><incident>{'<a>' * 150}{'</a>' * 150}</incident><incident/></export>",
        FLAT_XML,
        3,
    ),
}


@pytest.mark.parametrize("name", XML_CUT)
def test_an_xml_is_cut_before_any_record(name):
    raw, profile, parts = XML_CUT[name]
    assert count_parts(raw, "xml", profile) == parts


XML_WHOLE = {
    "UTF-16": "<export><incident/><incident/></export>".encode("utf-16"),
    "records inside records": "<export><incident><incident/></incident><incident/></export>",
    "the name elsewhere": "<export><x><incident/></x><incident/><incident/></export>",
    "broken off": "<export><incident/><incident/><incident>",
    "broken between": "<export><incident/><incident/></x><incident/></export>",
    "a DOCTYPE": "<!DOCTYPE x><export><incident/><incident/></export>",
    "a record too long": f"<export><incident/><incident>{'x' * 3_000}</incident></export>",
    "a mark of what is replaced, and the same sent": (
        "<export><incident>\x01</incident><incident>\x7f</incident></export>"
    ),
    "another root": "<other><incident/><incident/></other>",
}


@pytest.mark.parametrize("name", XML_WHOLE)
def test_an_xml_that_cannot_be_cut_safely_is_one_part(name):
    assert count_parts(XML_WHOLE[name], "xml", FLAT_XML) == 1


def test_what_stands_around_a_part_holds_nothing_of_the_feed_but_names():
    terms = make_terms("xml", XML, LIMITS)
    _, parts = index((EXPORT % INCIDENTS).encode(), "xml", terms, 1)
    assert len(parts) == 3
    for part in parts:
        assert "secret" not in part.around


EVENT = '{"resource": {"resourceType": "AdverseEvent", "id": "%d"}}'
EVENTS = ", ".join(EVENT % number for number in range(3))
BUNDLE = '{"resourceType": "Bundle", "type": "batch", "entry": [%s], "total": 3}'
FHIR_CUT = {
    "entries": (BUNDLE % EVENTS, 3),
    "the type behind them": (
        f'{{"entry": [{EVENTS}],\n"type":"batch","resourceType":"Bundle"}}',
        3,
    ),
    "beyond ASCII": (BUNDLE % (f'{{"é": 1}}, {EVENTS}, {{"resource": "€"}}'), 5),
    "entries that are none": (BUNDLE % (EVENTS + ', 7, "x", null, {"a": NaN}, {"a" 1}'), 8),
    "an entry too long": (BUNDLE % f'{EVENTS}, {{"a": "{"x" * 3_000}"}}, {EVENT % 9}', 4),
}


@pytest.mark.parametrize("name", FHIR_CUT)
def test_a_bundle_is_cut_between_its_entries(name):
    raw, parts = FHIR_CUT[name]
    assert count_parts(raw, "fhir-json") == parts


FHIR_WHOLE = {
    "two documents": BUNDLE % EVENTS + EVENT % 4,
    "broken off": '{"resourceType": "Bundle", "type": "batch", "entry": [' + EVENTS + ", {",
    "no feed": (BUNDLE % EVENTS).replace("batch", "history"),
    "entries twice": BUNDLE.replace('"total": 3', '"entry": []') % EVENTS,
    "one event": '{"resourceType": "AdverseEvent"}',
}


@pytest.mark.parametrize("name", FHIR_WHOLE)
def test_a_document_that_cannot_be_cut_safely_is_one_part(name):
    assert count_parts(FHIR_WHOLE[name], "fhir-json") == 1


ITEMS = [{"id": f"n{n}", "a/b": [1.50, "é"]} for n in range(3)]
JSON_CASES = {
    "a list below names": (json.dumps({"n": 1, "data": {"x": [], "incidents": ITEMS}}), JSON, 3),
    "a list at the root": (json.dumps(ITEMS), ROOT, 3),
    "several lists": (json.dumps({"sites": [{"incidents": ITEMS}] * 2}), SITES, 1),
    "no list": (json.dumps({"data": {"incidents": {"id": "1"}}}), JSON, 1),
    "no such name": (json.dumps({"data": {}}), JSON, 1),
    "two documents": (json.dumps(ITEMS) * 2, ROOT, 1),
    "the name twice": ('{"data": {"incidents": [{}, {}], "incidents": []}}', JSON, 1),
    "broken off": (json.dumps(ITEMS)[:-1], ROOT, 1),
}


@pytest.mark.parametrize("name", JSON_CASES)
def test_json_is_cut_inside_its_one_list(name):
    raw, profile, parts = JSON_CASES[name]
    assert count_parts(raw, "json", profile) == parts


def test_records_beyond_the_limit_keep_the_feed_in_one_part():
    assert count_parts("id,note\n" + "1,a\n" * 1_001, "csv", CSV) == 1
    assert count_parts("{}\n" * 1_001, "fhir-ndjson") == 1
    assert count_parts("[" + "{}," * 1_000 + "{}]", "json", ROOT) == 1


@given(
    pieces=st.lists(
        st.sampled_from(
            [
                "<r>",
                "<r/>",
                "<x:r a='1'>",
                "</r>",
                "<rr>",
                "<!--",
                "-->",
                "<![CDATA[",
                "]]>",
                "<?r ",
                "?>",
            ]
        ),
        max_size=12,
    ),
    chunk=st.integers(1, 40),
)
def test_where_elements_begin_does_not_depend_on_how_bytes_come(pieces, chunk):
    raw = "".join(pieces).encode()

    class Short(io.BytesIO):
        def read(self, _size: int = -1, /) -> bytes:
            return super().read(chunk)

    assert list(Starts(Short(raw), b"r")) == list(Starts(io.BytesIO(raw), b"r"))

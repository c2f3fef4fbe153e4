"""Whatever the bytes or the fields, reading and mapping by profile end in findings, and every
field with content is mapped, ignored, or found."""

import io
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.csv_rows import read_csv
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.profile_model import PLACE, Profile
from schemas.catalogue import word_fix, word_message
from schemas.record import Mapped, SourceRecord
from tests.lib.profile_feeds import CSV, CSV_MAPPER, PART, XML, XML_MAPPER

_NAMES = [*CSV.elements, *(rule.field for rule in CSV.heads.values())]
_NAMES += [
    name.replace(PLACE, number)
    for group in CSV.repeated.values()
    for name in group.elements
    for number in ("1", "2", "999", "0", PLACE)
]
_WORDS = st.sampled_from(["1", "4", "y", "yes", "2026-11-03", "02:40", "3 | 4", "\\", "|", " ", ""])
_texts = _WORDS | st.text(max_size=20)
_paths = [*XML.elements, *(rule.field for rule in XML.heads.values())]
_inner = [name for group in XML.repeated.values() for name in group.elements]
_cells = _texts | st.lists(_texts, max_size=3)
_occurrences = st.lists(st.dictionaries(st.sampled_from(_inner) | st.text(max_size=5), _cells))
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def word_all(mapped: Mapped) -> None:
    for finding in mapped.findings:
        assert word_message(finding)
        assert word_fix(finding)


@given(st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=10), _texts, max_size=12))
@settings(max_examples=300, deadline=None)
def test_rows(content: dict[str, str]) -> None:
    record = SourceRecord(1, "row 2", content, b"")
    word_all(CSV_MAPPER.map_record(record))
    CSV_MAPPER.source_paths(record)


@given(
    st.dictionaries(st.sampled_from(_paths) | st.text(max_size=10), _cells, max_size=10),
    _occurrences,
    _occurrences,
)
@settings(max_examples=300, deadline=None)
def test_xml_records(
    content: dict[str, Any], patients: list[dict[str, Any]], medications: list[dict[str, Any]]
) -> None:
    content |= {"patients/patient": patients, "medications/medication": medications}
    record = SourceRecord(1, "/incidents/incident[1]", content, b"")
    word_all(XML_MAPPER.map_record(record))
    XML_MAPPER.source_paths(record)


@given(st.dictionaries(st.sampled_from([*_NAMES, *_paths, "patients/patient"]), _anything))
@settings(max_examples=300, deadline=None)
def test_content_no_adapter_of_ours_would_give(content: dict[str, Any]) -> None:
    for mapper in (CSV_MAPPER, XML_MAPPER):
        word_all(mapper.map_record(SourceRecord(1, "", content, b"")))
        mapper.source_paths(SourceRecord(1, "", content, b""))


def _account(profile: Profile, content: dict[str, str], mapped: Mapped) -> None:
    """Each filled field is in the event, or in a finding."""
    assert mapped.event is not None
    filled = {field for field, text in content.items() if text.strip()}
    heads = {rule.field for rule in profile.heads.values()}
    found = {finding.source_path for finding in mapped.findings}
    for field in filled - heads - found:
        group, _, element = profile.elements[field].to.partition(".")
        assert element in mapped.event.group(group) or mapped.reference is not None


@given(st.dictionaries(st.sampled_from([*CSV.elements, "x", "y z"]), _WORDS, max_size=12))
@settings(max_examples=300, deadline=None)
def test_every_field_is_accounted_for(content: dict[str, str]) -> None:
    content |= {"event_type": "1"}
    # Separators alone are no content: they are not accounted for.
    content = {field: text for field, text in content.items() if text not in ("|", "\\")}
    _account(CSV, content, CSV_MAPPER.map_record(SourceRecord(1, "", content, b"")))


_CSV_BITS = [b",", b";", b'"', b"\n", b"\r\n", b"\r", b"\x00", b"\xe9", b"\xc3\xa9", b"\xff\xfe"]
_CSV_BITS += [b"sep=,", b"\xef\xbb\xbf", b"record_id", b"event_type", b"1", b"a" * 300, b" ", b"|"]
_XML_BITS = [b'<incidents xmlns="urn:lrms:incidents:1">', b"<incident", b">", b"</incident>", b"<"]
_XML_BITS += [b"</incidents>", b"<!DOCTYPE a>", b"&x;", b"&amp;", b"<!--", b"-->", b"<![CDATA["]
_XML_BITS += [b"]]>", b"\x00", b"\xff\xfe", b"<?xml version='1.0' encoding='utf-16'?>", b"x"]
_XML_BITS += [b' type="incident"', b"<patients>", b"<patient>", b"</patient>", b"</patients>"]


@given(st.lists(st.sampled_from(_CSV_BITS) | st.binary(max_size=8), max_size=40).map(b"".join))
@settings(max_examples=400, deadline=None)
def test_csv_bytes(raw: bytes) -> None:
    records: list[SourceRecord] = []
    try:
        records.extend(read_csv(io.BytesIO(raw), PART, limits=Limits(record_bytes=200)))
    except BrokenFeed as stopped:
        assert word_message(stopped.finding)  # noqa: PT017 - either way is right
    assert [record.number for record in records] == list(range(1, len(records) + 1))
    for record in records:
        word_all(CSV_MAPPER.map_record(record))


@given(st.lists(st.sampled_from(_XML_BITS) | st.binary(max_size=8), max_size=40).map(b"".join))
@settings(max_examples=400, deadline=None)
def test_xml_bytes(raw: bytes) -> None:
    raw = b'<incidents xmlns="urn:lrms:incidents:1"><incident>' + raw
    records: list[SourceRecord] = []
    try:
        records.extend(read_xml(io.BytesIO(raw), PART, XML, limits=Limits(record_bytes=200)))
    except BrokenFeed as stopped:
        assert word_message(stopped.finding)  # noqa: PT017 - either way is right
    for record in records:
        word_all(XML_MAPPER.map_record(record))

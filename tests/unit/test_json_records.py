"""Vendor JSON as it really comes: documents, NDJSON, several documents, broken ones."""

import io
import json
import tracemalloc
from hashlib import sha256
from typing import Any

import pytest

from gateway.adapters import json_stream
from gateway.adapters.json_records import read_json_records
from gateway.adapters.limits import Limits
from mappers.profile_model import Profile
from schemas.batch import Part
from tests.lib.reading import Reading

LIMITS = Limits(record_bytes=5_000, depth=20, text_chars=1_000, columns=50)


def make_profile(record: str | None) -> Profile:
    return Profile.model_validate(
        {
            "name": "made-up",
            "version": "1",
            "format": "json",
            "record": record,
            "taxonomy_version": "5",
            "event_type": "/type",
            "local_id": "/ref",
            "patients": {"at": "/people", "elements": {"/harm": "PatientInformation.PhysicalHarm"}},
        }
    )


def read(raw: bytes | str, record: str | None = "", *, by_line: bool = False) -> Reading:
    data = raw.encode() if isinstance(raw, str) else raw
    part = Part(batch_number=1, number=0, start=0, end=len(data))
    profile = make_profile(record)
    return Reading(
        lambda stream: read_json_records(stream, part, profile, limits=LIMITS, by_line=by_line),
        data,
    )


@pytest.mark.parametrize(
    ("record", "content"),
    [
        ("{}", {}),
        ('{"a": "x", "b": null, "c": "", "d": " ", "e": [], "f": {}}', {"/a": "x"}),
        ('{"a": 12, "b": true, "c": false}', {"/a": "12", "/b": "true", "/c": "false"}),
        (
            '{"a": 1.0, "b": 1.50, "c": 1E5, "d": 12345678901234567890123}',
            {"/a": "1.0", "/b": "1.50", "/c": "1E5", "/d": "12345678901234567890123"},
        ),
        ('{"a": {"b": {"c": "x"}}}', {"/a/b/c": "x"}),
        ('{"a/b": "x", "c~d": "y"}', {"/a~1b": "x", "/c~0d": "y"}),
        ('{"a": ["x", "y", 3, null]}', {"/a": ["x", "y", "3"]}),
        ('{"a": ["x"]}', {"/a": "x"}),
        ('{"a": [["x"], ["y"]]}', {"/a/*": ["x", "y"]}),
        ('{"a": [{"n": "x"}, {"n": "y", "m": 1}]}', {"/a/*/n": ["x", "y"], "/a/*/m": "1"}),
        (
            '{"people": [{"harm": 1, "x": {"y": "z"}}, {}, {"harm": [1, 2]}]}',
            {"/people": [{"/harm": "1", "/x/y": "z"}, {}, {"/harm": ["1", "2"]}]},
        ),
        ('{"people": {"harm": 1}}', {"/people": [{"/harm": "1"}]}),
        ('{"people": ["x", null, ["y"]]}', {"/people": [{"": "x"}, {"": "y"}]}),
        ('{"people": []}', {}),
        ('{"people": null, "a": "x"}', {"/a": "x"}),
        ('{"": "x"}', {"/": "x"}),
    ],
)
@pytest.mark.parametrize("by_line", [True, False])
def test_a_record_is_flattened_and_nothing_of_it_lost(
    record: str, content: dict[str, Any], by_line: bool
) -> None:
    result = read(record, by_line=by_line)
    assert result.contents == [content]
    assert result.codes == ["ok"]
    assert result.records[0].raw_hash == sha256(record.encode()).digest()


ONE, TWO = '{"ref": "1"}', '{"ref": "2"}'
BOTH = [{"/ref": "1"}, {"/ref": "2"}]


@pytest.mark.parametrize(
    ("raw", "pointer", "locators"),
    [
        (f"[{ONE}, {TWO}]", "", ["/0", "/1"]),
        (f"[{ONE}, {TWO}]", None, ["/0", "/1"]),
        (f'{{"incidents": [{ONE}, {TWO}]}}', "/incidents", ["/incidents/0", "/incidents/1"]),
        (f'{{"x": [1, {{}}], "a": {{"b": [{ONE},{TWO}]}}, "y": 2}}', "/a/b", ["/a/b/0", "/a/b/1"]),
        (f'{{"w": [{{"i": [{ONE}]}}, {{"i": [{TWO}]}}]}}', "/w/*/i", ["/w/0/i/0", "/w/1/i/0"]),
        (f'{{"w": [{{"i": [{ONE}, {TWO}]}}, {{"i": 7}}]}}', "/w/0/i", ["/w/0/i/0", "/w/0/i/1"]),
        (f'{{"w": [{ONE}, {TWO}]}}', "/w/*", ["/w/0", "/w/1"]),
        (f'{{"a/b": [{ONE}, {TWO}]}}', "/a~1b", ["/a/b/0", "/a/b/1"]),
        (f"{ONE}{TWO}", "", ["document", "document 2"]),
        (f"{ONE}\n\n {TWO}\n", "", ["document", "document 2"]),
        (f"[{ONE}][{TWO}]", "", ["/0", "document 2/0"]),
        (f'{{"i": [{ONE}]}}{{"i": [{TWO}]}}', "/i", ["/i/0", "document 2/i/0"]),
        (f'{{"i": {ONE}}}{{"i": {TWO}}}', "/i", ["/i", "document 2/i"]),
        (f"\ufeff[{ONE},\r\n{TWO}]", "", ["/0", "/1"]),
    ],
)
@pytest.mark.parametrize("chunk", [1, 7, 1 << 18])
def test_records_are_where_the_profile_says(raw, pointer, locators, chunk, monkeypatch) -> None:
    monkeypatch.setattr(json_stream, "_CHUNK", chunk)
    result = read(raw, pointer)
    assert result.contents == BOTH
    assert [record.locator for record in result.records] == locators
    assert result.broken is None


def test_lines_are_records() -> None:
    result = read(f"\ufeff{ONE}\r\n\n  \n{TWO}", by_line=True)
    assert result.outcome == [("line 1", "ok"), ("line 4", "ok")]
    assert result.contents == BOTH


BAD = [
    (b"{", "READ-001"),
    (b'{"a": tru}', "READ-001"),
    (b'{"a": NaN}', "READ-001"),
    (b'{"a": -Infinity}', "READ-001"),
    (b'{"a": 1e999}', "READ-001"),
    (b'{"a": ' + b"9" * 4_500 + b"}", "READ-001"),
    (b'{"a": "\xa3"}', "READ-002"),
    (b'{"a": 1, "a": 2}', "READ-003"),
    (b'{"a": 1.5, "b": {"c": 1.0, "c": 1.0}}', "READ-003"),
    (b'{"a": ' + b"[" * 25 + b"]" * 25 + b"}", "READ-004"),
    (b'{"a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}", "READ-004"),
    (b'{"a": "' + b"x" * 6_000 + b'"}', "READ-005"),
    (b'{"a": "x\\u0000"}', "READ-008"),
    (b'{"x\\u0000": 1}', "READ-008"),
    (b"[1]", "READ-015"),
    (b'"text"', "READ-015"),
    (b"null", "READ-015"),
    (b"12", "READ-015"),
    (b"false", "READ-015"),
    (b'{"a": {"b": ["' + b"x" * 1_001 + b'"]}}', "READ-070"),
    (b'{"' + b"x" * 1_001 + b'": 1}', "READ-070"),
    (json.dumps(dict.fromkeys(map(str, range(51)), 1)).encode(), "READ-071"),
    (json.dumps({"people": [{str(n): 1} for n in range(51)]}).encode(), "READ-071"),
]


@pytest.mark.parametrize(("bad", "code"), BAD)
@pytest.mark.parametrize("by_line", [True, False])
def test_a_bad_record_costs_its_neighbours_nothing(bad: bytes, code: str, by_line: bool) -> None:
    if by_line or bad == b"{":  # in a document, an open bracket takes in what follows it
        result = read(b"\n".join([ONE.encode(), bad, TWO.encode()]), by_line=True)
    else:
        result = read(b"[" + b",".join([ONE.encode(), bad, TWO.encode()]) + b"]")
    assert result.codes == ["ok", code, "ok"]
    assert result.broken is None


def test_a_text_too_long_is_located_by_names_of_fields_only() -> None:
    raw = '{"what": {"Mrs Example": [{"note": "' + "x" * 1_001 + '"}]}}'
    result = read(raw)
    assert result.words == [
        "/what/…/0/note holds a text of more than 1000 characters, the most that is read"
    ]


@pytest.mark.parametrize(
    ("bad", "local_id"),
    [
        ('{"ref": "R1", "a": "x\\u0000"}', "R1"),
        ('{"ref": 17, "a": "x\\u0000"}', "17"),
        ('{"ref": ["R1"], "a": "x\\u0000"}', None),
        ('{"ref": "R1", "ref": "R2"}', None),
        ('{"ref": "' + "x" * 101 + '", "a": "\\u0000"}', None),
    ],
)
def test_the_id_of_a_record_that_is_refused_where_it_is_sure(bad, local_id) -> None:
    assert read(bad).records[0].local_id == local_id


@pytest.mark.parametrize(
    ("raw", "pointer", "message"),
    [
        ('{"data": [], "n": 1}', "/i", "at its root the document is an object of the keys data, n"),
        ("{}", "/i", "at its root the document is an object without any key"),
        ("[]", "/i", "at its root the document is a list"),
        ('{"a": {"b": []}}', "/a/i", "at /a the document is an object of the keys b"),
        ('{"a": "x"}', "/a/i", "at /a the document is a text"),
        ('{"a": 12}', "/a", "at /a the document is no list or object"),
        ('{"a": [{}]}', "/a/1", "at /a the document is a list of 1"),
        ('{"Mrs Example": 1, "ok": 2}', "/i", "an object of the keys …, ok"),
        (json.dumps(dict.fromkeys(map(str, range(60)))), "/i", "an object of more than 50 keys"),
        ('{"w": [{"x": []}]}', "/w/*/i", "at /w/* the document is an object of the keys x"),
    ],
)
def test_a_pointer_that_leads_nowhere_is_told_with_what_is_there(raw, pointer, message) -> None:
    result = read(raw, pointer)
    assert result.records == []
    assert result.broken is not None
    assert result.broken.code == "READ-014"
    assert message in result.words[0]
    assert f"reads records at {pointer};" in result.words[0]


def test_one_ward_without_records_is_no_finding() -> None:
    assert read(f'{{"w": [{{}}, {{"i": [{ONE}]}}]}}', "/w/*/i").broken is None
    assert read('{"i": []}', "/i").broken is None


@pytest.mark.parametrize(
    ("raw", "count", "byte"),
    [
        (f"[{ONE}, {TWO[:-1]}", 1, len(ONE) + 2 + len(TWO)),
        (f"[{ONE}", 1, 1 + len(ONE)),
        (f"[{ONE} {TWO}]", 1, 2 + len(ONE)),
        (f"[{ONE},]", 1, 2 + len(ONE)),
        (f"[{ONE}]]", 1, 2 + len(ONE)),
        (f"[{ONE}] x", 1, 3 + len(ONE)),
        (f"[{ONE}, nonsense]", 1, 3 + len(ONE)),
        (ONE[:-1], 0, len(ONE) - 1),
        (f"{ONE}, {TWO}", 1, len(ONE)),
        ("é", 0, 0),
        (f'[{{"ref": "é"}}, {ONE[:-1]}', 1, len('[{"ref": "é"}, '.encode()) + len(ONE) - 1),
    ],
)
def test_a_document_broken_half_way_keeps_what_came_before(raw: str, count: int, byte: int) -> None:
    result = read(raw)
    assert len(result.records) == count
    assert result.broken is not None
    assert result.broken.code == "READ-010"
    assert result.broken.params == {"byte": byte}


@pytest.mark.parametrize("raw", [f'{{"i": [{ONE}], "i": [{TWO}]}}', f'{{"i": [{ONE}], 7: 1}}'])
def test_an_envelope_that_cannot_be_trusted_breaks_the_feed(raw: str) -> None:
    result = read(raw, "/i")
    assert result.contents == BOTH[:1]
    assert result.broken is not None


def test_memory_stays_flat() -> None:
    record = json.dumps({"ref": "R", "text": "x" * 400, "people": [{"harm": 1}] * 3})
    raw = f"[{','.join([record] * 20_000)}]".encode()
    profile, part = make_profile(""), Part(batch_number=1, number=0, start=0, end=len(raw))
    stream = io.BytesIO(raw)
    tracemalloc.start()
    try:
        records = read_json_records(stream, part, profile, limits=LIMITS, by_line=False)
        count = sum(1 for _ in records)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 4_000_000

"""Reading does not depend on how a feed is cut, and the fast checks agree with the slow ones."""

import json
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.fhir_json import read_fhir_json, read_fhir_ndjson
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.json_strict import (
    find_depth,
    has_repeated_key,
    may_be_deep,
    may_repeat_keys,
    read_json,
)
from gateway.adapters.limits import Limits
from mappers.fhir_write import write_fhir
from mappers.fhir_write_xml import write_fhir_xml
from schemas.batch import Part
from schemas.record import SourceRecord
from tests.lib.event_strategies import national_events
from tests.lib.parted import index, make_terms

LIMIT = 4096
LIMITS = Limits(record_bytes=LIMIT, depth=64)
MAX_DEPTH = LIMITS.depth


def make_part(raw: bytes) -> Part:
    return Part(batch_number=1, number=0, start=0, end=len(raw))


LINES = st.sampled_from(
    [
        b"",
        b"   ",
        b"\r",
        b"{",
        b'{"resourceType":"AdverseEvent"}',
        b'{"resourceType":"AdverseEvent","id":"x"}\r',
        b'{"resourceType":"Patient"}',
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"9" * (LIMIT + 1),
        b"9" * LIMIT + b"\r",
        b"z" * LIMIT * 3,
        b" " * LIMIT * 3,
    ]
)


@given(st.lists(LINES, max_size=25), st.integers(1, 3000), st.booleans())
@settings(deadline=None, max_examples=200)
def test_ndjson_in_parts_gives_the_records_of_one_part(
    lines: Sequence[bytes], part_bytes: int, ends: bool
) -> None:
    # Not first: what is only a byte order mark counts as no record, and only there.
    raw = b'{"a":1}\n' + b"\n".join(lines) + (b"\n" if ends else b"")
    whole = list(read_fhir_ndjson(BytesIO(raw), make_part(raw), limits=Limits(record_bytes=LIMIT)))
    stream = BytesIO(raw)
    _, parts = index(
        raw, "fhir-ndjson", make_terms("fhir-ndjson", None, Limits()), part_bytes=part_bytes
    )
    pieces: list[SourceRecord] = []
    for part in parts:
        pieces += read_fhir_ndjson(stream, part, limits=Limits(record_bytes=LIMIT))
    assert pieces == whole
    assert [record.number for record in whole] == list(range(1, len(whole) + 1))


KEYS = st.sampled_from(["a", "b", "", '"', '":', "\\", 'a": ', " :", "é", "\\u0022"])
TEXTS = KEYS | st.text(max_size=6)
# A value as pairs, so that a key can be given twice; blanks and escapes as a sender may write them.
TREES = st.recursive(
    TEXTS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(KEYS, inner)).map(tuple),
    max_leaves=15,
)


def write_json(tree: Any, draw: Any) -> str:
    blank = draw(st.sampled_from(["", "", " ", "\n\t"]))
    if isinstance(tree, tuple):
        pairs = [
            f"{write_text(key, draw)}{blank}:{blank}{write_json(inner, draw)}"
            for key, inner in tree
        ]
        return "{" + blank + f"{blank},".join(pairs) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(blank + write_json(inner, draw) for inner in tree) + blank + "]"
    return write_text(tree, draw) if isinstance(tree, str) else json.dumps(tree)


def write_text(text: str, draw: Any) -> str:
    if draw(st.integers(0, 3)):
        return json.dumps(text, ensure_ascii=draw(st.booleans()))
    return '"' + "".join(f"\\u{ord(one):04x}" if ord(one) < 65536 else one for one in text) + '"'


@given(TREES, st.data())
@settings(deadline=None, max_examples=400)
def test_fast_check_of_repeated_keys_agrees_with_the_slow_one(
    tree: Any, data: st.DataObject
) -> None:
    raw = write_json(tree, data.draw).encode()
    try:
        written = msgspec.json.encode(msgspec.json.decode(raw))
    except msgspec.MsgspecError:
        return
    if not may_repeat_keys(raw, written):
        assert not has_repeated_key(raw)
    value, finding = read_json(raw, LIMITS)
    if has_repeated_key(raw):
        assert finding is not None
        assert value is None
    elif finding is not None:
        assert finding.code == "READ-008"
        assert "\\u0000" in raw.decode()


@given(st.lists(st.sampled_from(['{"a":', "[", "[{},", '{"b":"},{","a":']), max_size=90))
@settings(deadline=None, max_examples=150)
@example(['{"a":'] * MAX_DEPTH)
@example(["["] * (MAX_DEPTH + 1))
@example(["[{},"] * MAX_DEPTH)
def test_fast_check_of_depth_misses_nothing(opened: list[str]) -> None:
    text = "".join(opened) + "1"
    for one in reversed(opened):
        text += "}" if one.startswith("{") else "]"
    value = json.loads(text)
    written = msgspec.json.encode(value)
    depth = count_levels(value)
    assert find_depth(value) == depth
    if depth > MAX_DEPTH:
        assert may_be_deep(written, MAX_DEPTH)
    assert (read_json(written, LIMITS)[1] is None) == (depth <= MAX_DEPTH)


def count_levels(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(count_levels, value.values()), default=0)
    return 1 + max(map(count_levels, value), default=0) if isinstance(value, list) else 0


@given(national_events(), st.data())
@settings(deadline=None, max_examples=150)
def test_a_bundle_cut_anywhere_keeps_what_came_before(event: Any, data: st.DataObject) -> None:
    entry = {"resource": write_fhir(event)}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry] * 3}
    as_xml = data.draw(st.booleans())
    raw = write_fhir_xml(bundle) if as_xml else json.dumps(bundle, ensure_ascii=False).encode()
    ends = b"</entry>" if as_xml else json.dumps(entry, ensure_ascii=False).encode()
    start = raw.index(b"<entry") if as_xml else raw.index(b'"entry"') + 7
    cut = data.draw(st.integers(start, len(raw) - 1))
    records: list[SourceRecord] = []
    read = read_fhir_xml if as_xml else read_fhir_json
    try:
        for record in read(
            BytesIO(raw[:cut]), make_part(raw[:cut]), limits=Limits(record_bytes=1 << 20)
        ):
            records.append(record)  # noqa: PERF402 - those before the break are kept
    except BrokenFeed:
        pass
    else:
        raise AssertionError("the break went unnoticed")
    assert len(records) == raw[:cut].count(ends)
    assert all(record.content == entry["resource"] for record in records)


@given(st.binary(max_size=300), st.sampled_from([read_fhir_json, read_fhir_ndjson, read_fhir_xml]))
@settings(deadline=None, max_examples=300)
@example(b'{"entry":[1', read_fhir_json)
@example(b'{"entry":[\xff\xff', read_fhir_json)
@example(b'{"\xff":1,"entry":[]}', read_fhir_json)
def test_no_bytes_make_a_reader_raise_anything_else(raw: bytes, read: Any) -> None:
    try:
        list(read(BytesIO(raw), make_part(raw), limits=Limits(record_bytes=100)))
    except BrokenFeed:
        return


MARKS = st.sampled_from([*'{}[]",:\\ 17ae\n', '"entry":[', '{"resourceType":"Bundle",', "\x00"])


@given(st.lists(MARKS, max_size=60).map("".join))
@settings(deadline=None, max_examples=300)
def test_nor_does_any_heap_of_json_tokens(text: str) -> None:
    test = f'{{"resourceType":"Bundle","type":"batch","entry":[{text}'.encode()
    for raw in (text.encode(), test):
        try:
            list(read_fhir_json(BytesIO(raw), make_part(raw), limits=Limits(record_bytes=30)))
        except BrokenFeed:
            continue

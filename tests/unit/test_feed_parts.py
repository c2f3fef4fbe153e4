"""Cutting NDJSON into parts loses no line, cuts no line, and counts lines and records right."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.parts import cut_into_parts

LINES = st.lists(st.sampled_from([b"{}", b"", b"  ", b'{"a": "' + b"x" * 40 + b'"}']), max_size=40)


def cut(data: bytes, part_bytes: int):
    return cut_into_parts(
        io.BytesIO(data), "fhir-ndjson", batch_number=1, size=len(data), part_bytes=part_bytes
    )


@given(lines=LINES, ends_with_newline=st.booleans(), part_bytes=st.integers(1, 200))
def test_parts_cover_the_feed_and_begin_at_lines(lines, ends_with_newline, part_bytes):
    data = b"\n".join(lines) + (b"\n" if ends_with_newline and lines else b"")
    parts = cut(data, part_bytes)
    assert b"".join(data[part.start : part.end] for part in parts) == data
    assert [part.number for part in parts] == list(range(len(parts)))
    for part in parts:
        before = data[: part.start]
        assert part.start == 0 or before.endswith(b"\n")
        assert part.first_line == before.count(b"\n") + 1
        assert part.first_record == sum(bool(line.strip()) for line in before.splitlines()) + 1


def test_parts_are_about_as_large_as_asked():
    data = b'{"n": 1}\n' * 1000
    parts = cut(data, 900)
    assert [part.end - part.start for part in parts] == [900] * 10


def test_a_line_longer_than_a_part_stays_whole():
    data = b"{}\n" + b"x" * 1000 + b"\n{}\n"
    assert [data[part.start : part.end] for part in cut(data, 10)] == [
        b"{}\n" + b"x" * 1000 + b"\n",
        b"{}\n",
    ]


def test_a_first_line_of_nothing_but_a_byte_order_mark_is_no_record():
    parts = cut(b"\xef\xbb\xbf\n{}\n{}\n", 6)
    assert [(part.first_record, part.first_line) for part in parts] == [(1, 1), (2, 3)]


@pytest.mark.parametrize("shape", ["fhir-json", "fhir-xml", "xml", "csv"])
def test_other_shapes_are_one_part(shape):
    parts = cut_into_parts(io.BytesIO(b"x" * 99), shape, batch_number=7, size=99, part_bytes=10)
    assert [(part.batch_number, part.start, part.end) for part in parts] == [(7, 0, 99)]

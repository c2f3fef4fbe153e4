"""Rows as COPY reads them: what is hidden in a text stays in its place."""

from datetime import UTC, date, datetime

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.copy_text import encode_rows
from store.tables import audit, event_search, events, revisions

_PLAIN = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r"}
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def read_field(field: str) -> str | None:
    """As PostgreSQL does, character by character."""
    if field == "\\N":
        return None
    read, rest = "", field
    while rest:
        taken = _PLAIN.get(rest[:2])
        read, rest = (read + rest[0], rest[1:]) if taken is None else (read + taken, rest[2:])
    return read


@given(rows=st.lists(st.tuples(texts, st.none() | texts, st.none() | texts), min_size=1))
def test_texts_come_back_as_they_were(rows: list[tuple[str, str | None, str | None]]) -> None:
    """Short texts, and JSON, which is encoded for itself."""
    encoded = encode_rows(audit, ("actor", "subject", "details"), rows).decode()
    # str.splitlines would also split where COPY does not.
    *lines, end = encoded.split("\n")
    assert end == ""
    assert [tuple(read_field(field) for field in line.split("\t")) for line in lines] == rows


def test_other_kinds() -> None:
    day, instant = date(2026, 2, 28), datetime(2026, 3, 29, 0, 59, 59, 123_456, tzinfo=UTC)
    names = ("event_id", "occurred_on", "never_event", "worst_harm", "organisation")
    rows = [(2**60 - 1, day, True, None, "RZA"), (-1, None, False, 3, None)]
    assert encode_rows(event_search, names, rows) == (
        b"1152921504606846975\t2026-02-28\tt\t\\N\tRZA\n-1\t\\N\tf\t3\t\\N\n"
    )
    encoded = encode_rows(events, ("content_hash", "created_at"), [(b"\x00\xff\\", instant)])
    assert encoded == b"\\\\x00ff5c\t2026-03-29T00:59:59.123456+00:00\n"


def test_what_postgresql_cannot_hold_is_refused() -> None:
    with pytest.raises(psycopg.DataError):
        encode_rows(audit, ("actor",), [("one\0two",), ("three",)])
    with pytest.raises(UnicodeEncodeError):
        encode_rows(revisions, ("payload",), [('"\ud800"',)])

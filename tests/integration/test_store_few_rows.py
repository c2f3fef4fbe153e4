"""A few rows are stored as many are: every kind of value, on both databases."""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Table

from store import few_rows
from store.engine import Store, open_store
from store.failures import RefusedError
from store.few_rows import Given, insert_new, insert_together
from store.tables import alerts, audit, bodies, event_search, events, findings, revisions
from tests.lib.databases import make_database, read_rows
from tests.lib.records import NOW

INSTANT = datetime(2026, 3, 29, 0, 59, 59, 123_456, tzinfo=UTC)
TEXTS = ["plain", "", "quotes \" ' and \\ and %s", "tab\tline\n\x01", "ünïcodé 🩺", "null"]
NUMBERS = [0, -1, 2**60 - 1]


def make_event_row(event_id: int, text: str = "id:1") -> tuple[Any, ...]:
    return (
        *(event_id, "7K2M-9QXB-4T8D", "source", text, 1, bytes(range(32)), 5, 1, 5, 2025),
        *(INSTANT, NOW),
    )


def make_search_row(organisation: str | None, day: date | None = None) -> tuple[Any, ...]:
    return (7, 1, 0, day, None, True, False, "1", "6", organisation, None, "source")


def make_revision_row(payload: str, derived: str | None = None) -> tuple[Any, ...]:
    return (1, 1, 5, 1, b"\xff" * 32, payload, None, derived, INSTANT, 0)


def whole(table: Table, *rows: tuple[Any, ...]) -> Given:
    return table, table.columns.keys(), rows


def read(url: str, table: Table) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in read_rows(url, table)]


def insert(store: Store, *given: Given) -> None:
    with store.begin(actor="test", at=NOW) as work:
        insert_together(work._connection, given)


@pytest.mark.parametrize("text", TEXTS)
def test_every_kind_of_value_is_stored_as_it_is(store: Store, database_url: str, text: str) -> None:
    event_rows = [make_event_row(number + 2, text) for number in NUMBERS]
    searched = make_search_row(None, date(2025, 2, 28))
    body = text.encode() + bytes(range(256))
    payload = '{"b": 1.50,  "a": ["' + base64.b64encode(body).decode() + '"]}'
    revision = make_revision_row(payload, '["x"]')
    insert(store, whole(events, *event_rows), whole(bodies, (1, body)), whole(revisions, revision))
    insert(store, whole(event_search, searched))
    assert sorted(read(database_url, events)) == sorted(event_rows)
    assert read(database_url, bodies) == [(1, body)]
    assert read(database_url, event_search) == [searched]
    # The JSON as it was written, byte by byte.
    assert read(database_url, revisions) == [revision]


def test_tables_without_rows_take_part(store: Store, database_url: str) -> None:
    searched = make_search_row("RZA")
    insert(store, whole(alerts), whole(event_search, searched), whole(findings))
    insert(store, whole(alerts), whole(event_search), whole(findings))
    assert read(database_url, event_search) == [searched]


def test_rows_stand_in_their_order(store: Store, database_url: str) -> None:
    rows = [(NOW, "test", f"act.{number}", "x", None) for number in range(300)]
    insert(store, (audit, ("at", "actor", "action", "subject", "details"), rows), whole(alerts))
    told = sorted(read(database_url, audit))
    assert [row[3] for row in told] == [row[2] for row in rows]


def test_a_row_that_is_there_already_undoes_all(store: Store, database_url: str) -> None:
    insert(store, whole(bodies, (1, b"one")), whole(alerts))
    with pytest.raises(RefusedError):
        insert(store, whole(bodies, (2, b"two"), (1, b"other")), whole(alerts))
    assert read(database_url, bodies) == [(1, b"one")]


@pytest.mark.parametrize("limit", ["MOST_ROWS", "MOST_BYTES"])
def test_beyond_the_limits_they_are_copied(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(few_rows, limit, 1)
    monkeypatch.delattr(few_rows, "_make_together")
    revision = make_revision_row('{"a":1}')
    insert(store, whole(bodies, (1, b"one"), (2, b"two")), whole(revisions, revision))
    assert sorted(read(database_url, bodies)) == [(1, b"one"), (2, b"two")]
    assert read(database_url, revisions) == [revision]


@pytest.fixture
def postgresql(postgresql_server: str, postgresql_template: str) -> Iterator[tuple[Store, str]]:
    with make_database(postgresql_server, postgresql_template) as url:
        opened = open_store(url)
        yield opened, url
        opened.close()


@pytest.mark.postgresql
def test_a_text_that_is_too_long_is_refused_and_not_cut(postgresql: tuple[Store, str]) -> None:
    opened, url = postgresql
    with pytest.raises(RefusedError):
        insert(opened, whole(event_search, make_search_row("too long a code")))
    assert read(url, event_search) == []


@pytest.mark.postgresql
def test_of_new_rows_only_those_that_are_new_are_told(postgresql: tuple[Store, str]) -> None:
    opened, url = postgresql
    with opened.begin(actor="test", at=NOW) as work:
        one = insert_new(work._connection, whole(events, make_event_row(3)), ("id",))
        rows = [make_event_row(number, "id:2") for number in (4, 3, 2)]
        more = insert_new(work._connection, whole(events, *rows), ("id", "identity"))
    assert one == [(3,)]
    assert more == [(4, "id:2"), (2, "id:2")]
    stored = {row[0]: row[3] for row in read(url, events)}
    assert stored == {2: "id:2", 3: "id:1", 4: "id:2"}

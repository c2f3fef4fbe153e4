"""Partitions by year of occurrence: they come by themselves, an event is in one of them whole, and
whoever cannot make one loses no event over it."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import msgspec
import psycopg
import pytest
from sqlalchemy import make_url

from schemas.event import encode_event, hash_content
from schemas.identifiers import make_event_id
from schemas.judged import Acceptance, AlertDemand, JudgedRecord
from store import partitions
from store.engine import Store, open_store
from store.tables import event_search, revisions
from tests.integration.test_store_concurrency import at_once, wait_for_a_lock
from tests.lib.databases import read_rows, run
from tests.lib.oracle import read_told, tell
from tests.lib.records import NOW, SOURCE, make_event, make_record, receive, register

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("fresh_database", ["postgresql"], indirect=True),
]


def occur(number: int, name: str, day: str | None, content: str = "A") -> JudgedRecord:
    event = msgspec.structs.replace(make_event(content), event_date=day)
    payload = encode_event(event)
    alerts = (AlertDemand("RZA", "digest", "routine"),)
    accepted = Acceptance(event, payload, hash_content(payload), alerts)
    return msgspec.structs.replace(make_record(number, content, name), acceptance=accepted)


def load(store: Store, name: str, *records: JudgedRecord) -> int:
    batch = receive(store, name)
    with store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, records)
    return batch.number


@contextmanager
def connect(url: str) -> Iterator[psycopg.Connection]:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        yield connection


def count_rows(url: str, table: str = "event_search") -> Counter[str]:
    """How many rows are in each partition."""
    with connect(url) as connection:
        query = f"SELECT tableoid::regclass::text, count(*) FROM {table} GROUP BY 1"
        found = connection.execute(query.encode()).fetchall()
    return Counter({name.removeprefix(f"{table}_"): count for name, count in found})


def list_partitions(url: str) -> set[str]:
    query = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
    with connect(url) as connection:
        return {name for (name,) in connection.execute(query.encode())}


def find_strays(store: Store) -> dict[int, int]:
    with store.read() as work:
        return work.partitions.find_strays()


def test_the_first_event_of_a_year_makes_its_partition(store: Store, database_url: str) -> None:
    register(store)
    given = [occur(1, "one", "2024-02-29"), occur(2, "two", None), occur(3, "three", "2023-12-31")]
    number = load(store, "first", *given)
    for table in ("event_search", "revisions"):
        assert count_rows(database_url, table) == {"2023": 1, "2024": 1, "undated": 1}
        assert {f"{table}_2023", f"{table}_2024"} <= list_partitions(database_url)
    assert read_told(database_url) == tell({number: given})


def test_a_partition_is_as_its_table_is(store: Store, database_url: str) -> None:
    register(store)
    load(store, "first", occur(1, "one", "2024-02-29"))
    with connect(database_url) as connection:
        query = """
            SELECT count(*) FROM pg_inherits JOIN pg_index AS own ON own.indexrelid = inhrelid
            WHERE own.indrelid::regclass::text = %s
        """
        indexes = {
            name: connection.execute(query, [name]).fetchone()
            for name in ("event_search_2024", "revisions_2024")
        }
        settings = connection.execute(
            "SELECT reloptions FROM pg_class WHERE relname = 'revisions_2024'"
        ).fetchone()
    assert indexes == {"event_search_2024": (8,), "revisions_2024": (1,)}
    assert settings == (["toast_tuple_target=8160"],)


@pytest.mark.parametrize("day", ["1899-12-31", "2150-01-01", "9999-01-01"])
def test_a_year_out_of_bounds_has_none(store: Store, database_url: str, day: str) -> None:
    register(store)
    load(store, "odd", occur(1, "one", day))
    assert count_rows(database_url) == {"other": 1}
    assert find_strays(store) == {int(day[:4]): 1}


@pytest.mark.parametrize(
    "days", [("2024-05-01", "2021-05-01", None), (None, "1900-01-01", "2024-05-01")]
)
def test_an_event_that_occurred_in_another_year_moves_whole(
    store: Store, database_url: str, days: tuple[str | None, ...]
) -> None:
    register(store)
    records = {}
    for place, (day, content) in enumerate(zip(days, "ABC", strict=True)):
        record = occur(1, "one", day, content)
        records[load(store, f"batch {place}", record)] = [record]
        # Of which the oracle's reader makes sure.
        assert read_told(database_url) == tell(records)
        assert len(count_rows(database_url)) == len(count_rows(database_url, "revisions")) == 1
    with store.read() as work:
        history = work.events.find_revisions(make_event_id(SOURCE.id, "id:one"))
    assert [one.event.event_date for one in history] == list(days)


def test_an_older_record_that_comes_late_moves_nothing(store: Store, database_url: str) -> None:
    register(store)
    older, newer = receive(store, "older"), receive(store, "newer")
    records = {
        newer.number: [occur(1, "one", "2024-05-01", "B")],
        older.number: [occur(1, "one", "2021-05-01", "A")],
    }
    for batch in (newer, older):
        with store.begin(actor="test", at=NOW) as work:
            work.records.load(batch, records[batch.number])
    assert read_told(database_url) == tell(records)
    assert count_rows(database_url, "revisions") == {"2024": 2}


def test_many_loads_at_once_make_one_partition_a_year(store: Store, database_url: str) -> None:
    register(store)
    batches = [receive(store, f"batch {number}") for number in range(8)]
    given = {}
    for place, batch in enumerate(batches):
        days = [f"{year}-06-01" for year in range(2010, 2016)]
        random.Random(place).shuffle(days)
        given[batch.number] = [
            occur(number, f"{place} {day}", day) for number, day in enumerate(days, 1)
        ]

    def run_one(place: int) -> None:
        with store.begin(actor="test", at=NOW) as work:
            work.records.load(batches[place], given[batches[place].number])

    at_once(run_one)
    assert read_told(database_url) == tell(given)
    assert count_rows(database_url) == {str(year): 8 for year in range(2010, 2016)}


def test_whoever_reads_what_is_in_the_way_is_not_waited_for_long(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup reads all tables for an hour: what comes meanwhile is loaded, and goes home with
    the first load behind it, or with the next migration."""
    monkeypatch.setattr(partitions, "PATIENCE", "100ms")
    register(store)
    with connect(database_url) as backup:
        backup.execute("SELECT * FROM event_search_other")
        load(store, "one", occur(1, "one", "2024-05-01"), occur(2, "two", "1900-05-01"))
        load(store, "two", occur(1, "three", "2025-05-01"))
        assert find_strays(store) == {1900: 1, 2024: 1, 2025: 1}
    load(store, "three", occur(1, "four", "2024-06-01"))
    assert find_strays(store) == {1900: 1, 2025: 1}
    assert count_rows(database_url) == {"other": 2, "2024": 2}
    store.migrate()
    for table in ("event_search", "revisions"):
        assert count_rows(database_url, table) == {"other": 1, "2024": 2, "2025": 1}


def test_a_role_that_may_make_no_table_loads_all_the_same(store: Store, database_url: str) -> None:
    register(store)
    role = f"limited_{uuid4().hex}"
    run(database_url, f"CREATE ROLE {role} LOGIN")
    try:
        run(database_url, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        run(database_url, f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
        limited = open_store(
            make_url(database_url).set(username=role).render_as_string(hide_password=False)
        )
        load(limited, "one", occur(1, "one", "2024-05-01"))
        limited.close()
        assert find_strays(store) == {2024: 1}
        store.migrate()
        assert find_strays(store) == {}
    finally:
        run(database_url, f"DROP OWNED BY {role}")
        run(database_url, f"DROP ROLE {role}")


def test_nothing_is_left_of_what_failed(store: Store, database_url: str) -> None:
    """A partition made by a load that is undone is made again by the next one."""
    register(store)
    batch, records = receive(store, "one"), [occur(1, "one", "2024-05-01")]

    def fail() -> None:
        with store.begin(actor="test", at=NOW) as work:
            work.records.load(batch, records)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert "event_search_2024" not in list_partitions(database_url)
    load(store, "two", occur(1, "one", "2024-05-01"))
    assert count_rows(database_url) == {"2024": 1}
    assert len(read_rows(database_url, revisions)) == len(read_rows(database_url, event_search))


def test_migrating_does_not_wait_for_a_load_that_makes_a_partition(
    store: Store, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a load that begins the same year meanwhile fail: it waits for the first to commit,
    or for a while."""
    monkeypatch.setattr(partitions, "PATIENCE", "100ms")
    register(store)
    batches = [receive(store, name) for name in ("one", "two")]
    other = open_store(database_url)
    with ThreadPoolExecutor(1) as pool:
        with store.begin(actor="test", at=NOW) as work:
            work.records.load(batches[0], [occur(1, "one", "2024-05-01")])
            other.migrate()

            def load_too() -> None:
                with other.begin(actor="test", at=NOW) as second:
                    second.records.load(batches[1], [occur(1, "two", "2024-06-01")])

            waiting = pool.submit(load_too)
            wait_for_a_lock(database_url)
        waiting.result()
    other.migrate()
    other.close()
    assert count_rows(database_url) == count_rows(database_url, "revisions") == {"2024": 2}
    assert find_strays(store) == {}

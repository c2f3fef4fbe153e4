"""A store with ten years of events, filled set by set: rows that say nothing, in the numbers and
the spread of the national service."""

import hashlib

import psycopg
from sqlalchemy import make_url

from store.partitions import make_years
from tests.lib.databases import make_engine

EVENTS = 2_500_000
YEARS = range(2016, 2026)
UNDATED_EVERY = 500

# Everything follows from the number of the event, scattered: the same each time.
_NUMBERED = f"""
    SELECT n, CAST(CAST('x' || substr(scattered, 1, 15) AS bit(60)) AS bigint) AS id,
        CASE WHEN n % {UNDATED_EVERY} > 0
            THEN DATE '2016-01-01' + CAST('x' || substr(scattered, 16, 6) AS bit(24))::int % 3653
            END AS day,
        CAST('x' || substr(scattered, 22, 5) AS bit(20))::int % 240 AS place,
        CAST('x' || substr(scattered, 27, 6) AS bit(24))::int % 10000 AS chance
    FROM (SELECT n, md5(n::text) AS scattered FROM generate_series(1, {{last}}) AS n) AS number
"""
_SEARCH = f"""
    INSERT INTO event_search (event_id, place, year, occurred_on, worst_harm, never_event,
        recorded_elsewhere, event_type, taxonomy_version, organisation, reporter_organisation,
        source_id)
    SELECT id, 1, coalesce(extract(year FROM day), 0), day,
        CASE WHEN chance < 40 THEN 1 WHEN chance < 150 THEN 2 WHEN chance < 9000 THEN 5 END,
        chance % 2000 = 7, chance % 50 = 3, CASE WHEN chance % 20 = 0 THEN '4' ELSE '1' END, '6',
        'R' || place, 'R' || (place + (chance % 50 = 3)::int) % 240, 'source-' || place % 60
    FROM ({_NUMBERED}) AS numbered
"""
_EVENTS = f"""
    INSERT INTO events (id, reference, source_id, identity, revision, content_hash, seen_batch,
        seen_record, first_batch, year, created_at, updated_at)
    SELECT id, '', 'source-' || place % 60, 'id:' || n, 1, '', 1, n, 1,
        coalesce(extract(year FROM day), 0), now(), now()
    FROM ({_NUMBERED}) AS numbered
"""
# Of every tenth: what one event is read by is the same for more.
WITH_REVISIONS = 10
_REVISIONS = f"""
    INSERT INTO revisions (event_id, number, batch_number, record_number, content_hash, payload,
        recorded_at, year)
    SELECT id, 1, 1, n, '', '{{{{}}}}', now(), coalesce(extract(year FROM day), 0)
    FROM ({_NUMBERED}) AS numbered WHERE n % {WITH_REVISIONS} = 1
"""


def fill(url: str) -> None:
    """Into an empty store, without its indexes, which are made once the rows are there."""
    engine = make_engine(url)
    with engine.begin() as connection:
        make_years(connection, YEARS)
    engine.dispose()
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("SET maintenance_work_mem = '256MB'")
        constraints, indexes = _drop_indexes(connection)
        for statement in (_SEARCH, _EVENTS, _REVISIONS):
            connection.execute(statement.format(last=EVENTS).encode())
        for statement in (*constraints, *indexes):
            connection.execute(statement.encode())
    with psycopg.connect(address, autocommit=True) as connection:
        # As autovacuum does some time after a load.
        connection.execute("VACUUM (ANALYZE) event_search")
        connection.execute("ANALYZE events, revisions")


def make_id(number: int) -> int:
    """The id of an event by its number, from 1 on."""
    return int(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()[:15], 16)


def _drop_indexes(connection: psycopg.Connection) -> tuple[list[str], list[str]]:
    """Of the event tables; gives what makes them again, primary keys first."""
    tables = "('events', 'event_search', 'revisions')"
    keys = connection.execute(
        f"""
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE contype = 'p' AND conrelid::regclass::text IN {tables}
    """.encode()
    ).fetchall()
    rest = connection.execute(
        f"""
        SELECT indexname, indexdef FROM pg_indexes
        WHERE tablename IN {tables} AND indexname LIKE 'ix%'
    """.encode()
    ).fetchall()
    for table, name, _ in keys:
        connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}".encode())
    for name, _ in rest:
        connection.execute(f"DROP INDEX {name}".encode())
    # As PostgreSQL tells them, they are of the parent alone.
    return (
        [f"ALTER TABLE {table} ADD CONSTRAINT {name} {made}" for table, name, made in keys],
        [made.replace(" ON ONLY ", " ON ") for _, made in rest],
    )

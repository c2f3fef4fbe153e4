"""A database that an older version made: migrated, it keeps what it holds, and the line goes on."""

import io

import msgspec
import pytest
from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gateway.bootstrap import open_gateway
from gateway.config import Settings
from gateway.pipeline.ingest import ingest_feed, process_batch
from schemas.errors import WrongUseError
from schemas.event import encode_event
from schemas.found import EventFilter
from schemas.identifiers import make_batch_id, make_event_id, make_reference
from store import tables
from store.engine import open_store
from store.migrate import _make_config
from store.raw_files import RawFile, RawFiles
from tests.lib.databases import make_database, make_engine, read_rows
from tests.lib.feeds import generate
from tests.lib.line import NOW, register_everyone
from tests.lib.records import make_event

THEN = "2026-10-01 09:30:00+00:00"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def old_url(request, tmp_path):
    """A database at the first migration, empty."""
    if request.param == "sqlite":
        migrate_to(url := f"sqlite:///{tmp_path / 'old.sqlite'}", "0001")
        yield url
        return
    with make_database(request.getfixturevalue("postgresql_server")) as url:
        migrate_to(url, "0001")
        yield url


def migrate_to(url: str, revision: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        config = _make_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def fill(connection: Connection, raw: RawFile) -> None:
    """A source, a finished batch, one that waits, and one whose number was used up."""

    def insert(table: str, **values: object) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)

    insert("organisations", code="RZA", name="Aldermoor University Hospitals")
    insert(
        "sources", id="old", organisation="RZA", format="fhir", strict=False,
        taxonomy_version="5", created_at=THEN,
    )  # fmt: skip
    batch = {"source_id": "old", "filename": "feed", "route": "file", "received_at": THEN}
    insert(
        "batches", id="b-finished", sha256="0" * 64, size=1, state="finished", verdict="accepted",
        shape="fhir-ndjson", profile="fhir", profile_version="1", records=1, created=1,
        finished_at=THEN, marked_at=THEN, **batch,
    )  # fmt: skip
    insert(
        "parts", batch_number=1, number=0, start=0, end=1, sha256="0" * 64, first_record=1,
        first_line=1, state="loaded", token=1, records_done=1,
    )  # fmt: skip
    insert("audit", at=THEN, actor="then", action="batch.finished", subject="b-finished")
    waiting = make_batch_id("old", raw.sha256)
    insert("batches", id=waiting, sha256=raw.sha256, size=raw.size, state="received", **batch)
    insert("batches", id="b-gone", sha256="2" * 64, size=1, state="received", **batch)
    connection.execute(text("DELETE FROM batches WHERE id = 'b-gone'"))


@pytest.fixture
def old_home(tmp_path, old_url):
    """A home with such a database, and a batch in it that was received and not processed."""
    feed = generate(events=5, seed=1)
    raw = RawFiles(tmp_path / "raw").write(io.BytesIO(feed))
    engine = make_engine(old_url)
    with engine.begin() as connection:
        fill(connection, raw)
    engine.dispose()
    return Settings(home=tmp_path, database_url=old_url)


def test_what_is_there_is_kept(old_home):
    store = open_store(old_home.database)
    assert not store.is_migrated()
    store.migrate()
    assert store.is_migrated()
    with store.read() as work:
        source = work.sources.get("old")
        batch = work.batches.get("b-finished")
        (part,) = work.parts.find(batch.number)
    store.close()
    assert (source.organisation, source.on_break) == ("RZA", "wait")
    assert (batch.number, batch.verdict, batch.counts.created) == (1, "accepted", 1)
    assert (batch.profile, batch.profile_version) == ("fhir", "1")
    assert (part.state, part.records_done) == ("loaded", 1)
    assert (part.content, part.member, part.shape) == ("", "", None)


def test_the_line_goes_on_in_the_order_of_arrival(old_home):
    store = open_store(old_home.database)
    store.migrate()
    store.close()
    with open_gateway(old_home, now=lambda: NOW) as gateway:
        register_everyone(gateway)
        with gateway.store.read() as work:
            (waiting,) = work.batches.find_waiting()
        done = process_batch(gateway, waiting.id)
        assert (done.number, done.state, done.counts.records) == (2, "finished", 5)
        newer, _ = ingest_feed(
            gateway, "test-fhir", io.BytesIO(generate(events=5, seed=2)), filename="feed"
        )
        assert (newer.number, newer.verdict) == (4, "accepted")


def test_the_audit_log_still_only_grows(old_home):
    store = open_store(old_home.database)
    store.migrate()
    store.close()
    engine = make_engine(old_home.database)
    with pytest.raises(DBAPIError, match="insert only"), engine.begin() as connection:
        connection.execute(text("UPDATE audit SET actor = 'x'"))
    engine.dispose()


def test_sqlite_is_migrated_on_the_way_and_postgresql_when_told(old_home):
    if old_home.database.startswith("sqlite"):
        with open_gateway(old_home) as gateway:
            assert gateway.store.is_migrated()
        return
    with pytest.raises(WrongUseError, match="lrms-gateway migrate"), open_gateway(old_home):
        pass


OLD_EVENT, UNDATED_EVENT = make_event_id("old", "id:one"), make_event_id("old", "id:two")


def fill_events(connection: Connection) -> None:
    """Two events as 0003 kept them: one with two revisions, two patients and two places, marked;
    one without date, place or mark. Each with an alert that waits."""

    def insert(table: str, **values: object) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)

    contents = [make_event("A"), make_event("BB")]
    undated = msgspec.structs.replace(make_event("A"), event_date=None)
    for event_id, identity, event, revision in (
        (OLD_EVENT, "id:one", contents[1], 2),
        (UNDATED_EVENT, "id:two", undated, 1),
    ):
        insert(
            "events", id=event_id, reference=make_reference(event_id), source_id="old",
            identity=identity, revision=revision, content_hash=b"h" * 32, seen_batch=1,
            seen_record=revision, taxonomy_version="6", event_type="1", never_event=False,
            occurred_on=event.occurred_on and event.occurred_on.isoformat(),
            worst_harm=event.worst_harm, reporter_organisation="RZA", first_batch=1,
            created_at=THEN, updated_at=THEN,
        )  # fmt: skip
        insert(
            "alerts", event_id=event_id, organisation="RZA", kind="digest", reason="routine",
            batch_number=1, created_at=THEN,
        )  # fmt: skip
    for number, event in enumerate((*contents, undated), 1):
        insert(
            "revisions", event_id=UNDATED_EVENT if number == 3 else OLD_EVENT,
            number=1 if number == 3 else number, batch_number=1, record_number=number,
            content_hash=b"h" * 32, payload=encode_event(event).decode(), recorded_at=THEN,
        )  # fmt: skip
    for code in ("RZB", "RZC"):
        insert("event_organisations", event_id=OLD_EVENT, organisation=code)
    for sequence, patient in enumerate(contents[1].patients, 1):
        insert(
            "patients", event_id=OLD_EVENT, sequence=sequence,
            physical_harm=patient["PhysicalHarm"], age_days=372,
        )  # fmt: skip
    insert(
        "marks", event_id=OLD_EVENT, source_id="old", route="file", recorded_by="RZA",
        recorded_elsewhere=True, batch_number=1, marked_at=THEN,
    )  # fmt: skip


def test_events_that_are_there_are_kept_and_found(old_home):
    """Whatever the tables are now: contents, history, patients, marks, alerts that wait."""
    migrate_to(old_home.database, "0003")
    engine = make_engine(old_home.database)
    with engine.begin() as connection:
        fill_events(connection)
        before = connection.execute(text("SELECT event_id, sequence, physical_harm FROM patients"))
        patients = sorted(map(tuple, before))
    engine.dispose()
    store = open_store(old_home.database)
    store.migrate()
    with store.read() as work:
        event, undated = work.events.find(OLD_EVENT), work.events.find(UNDATED_EVENT)
        history = work.events.find_revisions(OLD_EVENT)
        mark = work.events.find_mark(OLD_EVENT)
        found = work.event_search.find(EventFilter(), 10)
        places = [
            len(work.event_search.find(EventFilter(organisation=code), 10))
            for code in ("RZA", "RZB", "RZC")
        ]
        alerts = work.events.find_alerts(UNDATED_EVENT)
        assert work.partitions.find_strays() == {}
    store.close()
    assert (event.event, event.revision, undated.event.event_date) == (make_event("BB"), 2, None)
    assert [one.event for one in history] == [make_event("A"), make_event("BB")]
    assert (mark.recorded_by, mark.recorded_elsewhere, mark.route) == ("RZA", True, "file")
    assert [one.event_id for one in found] == [OLD_EVENT, UNDATED_EVENT]
    assert [one.recorded_elsewhere for one in found] == [True, False]
    assert places == [0, 1, 1]
    assert [one.announced_at for one in alerts] == [None]
    rows = read_rows(old_home.database, tables.patients)
    told = sorted((row.event_id, row.sequence, row.physical_harm) for row in rows)
    assert [row for row in told if row[0] == OLD_EVENT] == patients

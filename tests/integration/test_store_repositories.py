"""Registers, batches and parts: what goes in comes out, and each change has its audit entry."""

from datetime import date

import pytest
from msgspec import structs

from schemas.errors import LostPartError, UnknownError, WrongUseError
from schemas.finding import Finding
from schemas.receipt import Counts
from schemas.submission import Grant, Organisation, Source
from store.engine import Store
from store.tables import audit
from tests.lib.databases import read_rows
from tests.lib.records import NOW, SOURCE, make_record, plan, receive, register

FULL = Organisation(
    "RZB", "Brackenfield", date(2001, 4, 1), date(2024, 4, 1), "RZA", "QX1", "North"
)


def read_actions(url: str) -> list[str]:
    return [row.action for row in sorted(read_rows(url, audit), key=lambda row: row.number)]


def test_register_of_organisations(store: Store, database_url: str) -> None:
    with store.begin(actor="test", at=NOW) as work:
        many = [Organisation(f"X{number:05}", "Practice") for number in range(16_000)]
        assert work.organisations.add_many([FULL, *many]) == 16_001
    with store.begin(actor="test", at=NOW) as work:
        work.organisations.add_many([Organisation("X00001", "Renamed")])
    with store.read() as work:
        register_ = work.organisations.get_register()
        assert work.organisations.find("RZB") == register_["RZB"] == FULL
        assert register_["X00001"].name == "Renamed"
        assert len(register_) == 16_001
        assert work.organisations.find("RZZ") is None
    assert read_actions(database_url) == ["organisations.loaded"] * 2


def test_sources_and_users(store: Store, database_url: str) -> None:
    register(store)
    source = Source(
        id="gp",
        organisation="RZA",
        format="xml",
        profile="gp-xml",
        submits_for=frozenset({"RZA", "RZB"}),
        strict=True,
        taxonomy_version="6",
    )
    with store.begin(actor="test", at=NOW) as work:
        work.organisations.add_many([FULL])
        work.sources.add(source)
        assert work.users.add("b@example.org", "RZA", "admin")
        assert work.users.add("a@example.org", "RZA", "admin")
        assert work.users.add("c@example.org", "RZA", "reader")
        assert not work.users.add("a@example.org", "RZA", "admin")
    with store.read() as work:
        assert work.sources.get("gp") == structs.replace(
            source, grants=(Grant("RZB", given_at=NOW),)
        )
        assert [one.id for one in work.sources.find_all()] == ["gp", SOURCE.id]
        assert work.sources.get(SOURCE.id).submits_for == {"RZA"}
        admins = work.users.find_admins(["RZA", "RZB"])
        assert admins == {"RZA": ["a@example.org", "b@example.org"]}
    assert read_actions(database_url)[2:] == [
        "organisations.loaded",
        "source.added",
        "user.added",
        "user.added",
        "user.added",
    ]


def test_what_cannot_be_registered(store: Store) -> None:
    register(store)
    with pytest.raises(WrongUseError, match="exists"), store.begin(actor="t", at=NOW) as work:
        work.sources.add(SOURCE)
    other = Source(id="x", organisation="RZZ", format="csv")
    with pytest.raises(UnknownError, match="RZZ"), store.begin(actor="t", at=NOW) as work:
        work.sources.add(other)
    with pytest.raises(UnknownError, match="RZZ"), store.begin(actor="t", at=NOW) as work:
        work.users.add("a@example.org", "RZZ", "admin")
    with pytest.raises(UnknownError, match="nobody"), store.read() as work:
        work.sources.get("nobody")
    with pytest.raises(UnknownError, match="b-none"), store.read() as work:
        work.batches.get("b-none")


def test_life_of_a_batch(store: Store, database_url: str) -> None:
    register(store)
    batch = receive(store, "feed.csv")
    assert batch == receive(store, "feed.csv")
    plan(store, batch, [2, 1])
    records = [make_record(1, "A", "one"), make_record(2, None), make_record(3, "A", "one")]
    for number, chunk in ((1, records[:2]), (2, records[2:])):
        with store.begin(actor="test", at=NOW) as work:
            part = work.parts.claim(batch.number, number)
        with store.begin(actor="test", at=NOW) as work:
            work.parts.advance(part, len(chunk), loaded=True)
            work.records.load(batch, chunk)
    with store.begin(actor="test", at=NOW) as work:
        assert work.parts.claim(batch.number, 1).state == "loaded"
        counts = work.receipts.count(batch.number)
        finished = work.batches.finish(batch, "partly_accepted", counts)
    assert finished.counts == Counts(records=3, created=1, unchanged=1, rejected=1)
    with store.begin(actor="test", at=NOW) as work:
        assert work.marks.mark_batches() == 1
        assert work.marks.mark_batches() == 0
    with store.read() as work:
        assert work.batches.find_waiting() == []
        assert [one.marked_at for one in work.batches.find_all(limit=5)] == [NOW]
        assert [part.records_done for part in work.parts.find(batch.number)] == [2, 1]
    assert read_actions(database_url)[2:] == [
        "batch.received",
        "batch.planned",
        "part.claimed",
        "part.loaded",
        "events.created",
        "part.claimed",
        "part.loaded",
        "batch.finished",
        "batch.marked",
    ]


def test_transitions_that_are_not_allowed(store: Store) -> None:
    register(store)
    batch = receive(store, "one")
    plan(store, batch, [1])
    with pytest.raises(WrongUseError, match="not loaded"), store.begin(actor="t", at=NOW) as work:
        work.batches.finish(batch, "accepted", Counts())
    unreadable = receive(store, "two")
    with store.begin(actor="test", at=NOW) as work:
        finished = work.batches.finish(unreadable, "rejected", Counts())
        assert work.batches.finish(unreadable, "accepted", Counts()) == finished
    # Two that ingest the same feed at once: the slower one plans what is done already.
    with store.begin(actor="test", at=NOW) as work:
        assert work.batches.plan(unreadable, []) == finished


def test_planning_again_leaves_the_plan(store: Store) -> None:
    register(store)
    batch = receive(store, "one")
    parts = plan(store, batch, [1, 2])
    assert plan(store, batch, [3]) != parts
    with store.read() as work:
        assert work.parts.find(batch.number) == parts
        assert [one.number for one in work.batches.find_waiting()] == [batch.number]


def test_parts_are_fenced(store: Store) -> None:
    register(store)
    batch = receive(store, "one")
    plan(store, batch, [3])
    with store.begin(actor="test", at=NOW) as work:
        first = work.parts.claim(batch.number, 1)
        second = work.parts.claim(batch.number, 1)
    assert (first.token, second.token) == (1, 2)
    with pytest.raises(LostPartError), store.begin(actor="t", at=NOW) as work:
        work.parts.advance(first, 1, loaded=False)
    with store.begin(actor="test", at=NOW) as work:
        advanced = work.parts.advance(second, 2, loaded=False)
    assert advanced.records_done == 2
    # The same attempt again, from where it no longer stands: the chunk is in already.
    with pytest.raises(LostPartError), store.begin(actor="t", at=NOW) as work:
        work.parts.advance(second, 2, loaded=False)
    with pytest.raises(UnknownError), store.begin(actor="t", at=NOW) as work:
        work.parts.claim(batch.number, 9)


def test_findings_on_the_batch(store: Store) -> None:
    register(store)
    batch = receive(store, "one")
    broken = Finding("READ-001", "error", "batch", "", "line 3", {"line": 3})
    for _ in range(2):
        with store.begin(actor="test", at=NOW) as work:
            work.receipts.add_batch_finding(batch, broken)
    with store.read() as work:
        assert work.receipts.find_batch_findings(batch) == [broken]
        assert list(work.receipts.read_lines(batch)) == []


def test_receipt_is_read_in_feed_order_with_findings(store: Store) -> None:
    register(store)
    batch = receive(store, "one")
    records = [make_record(number, "A" if number % 3 else None) for number in range(1, 2_501)]
    with store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, list(reversed(records)))
    with store.read() as work:
        lines = list(work.receipts.read_lines(batch))
    assert [line.number for line in lines] == list(range(1, 2_501))
    assert [bool(line.findings) for line in lines] == [not number % 3 for number in range(1, 2_501)]
    assert lines[2].findings == records[2].findings
    assert lines[2].reference is None
    assert {line.disposition for line in lines[3:]} == {"unchanged", "rejected"}


def test_a_removed_user_is_told_nothing_more(store: Store) -> None:
    register(store)
    with store.begin(actor="test", at=NOW) as work:
        work.users.add("a@example.org", "RZA", "admin")
        work.users.add("b@example.org", "RZA", "admin")
        assert [row[1] for row in work.users.find_all()] == ["a@example.org", "b@example.org"]
        work.users.remove("a@example.org", "RZA", "admin")
        assert work.users.find_admins(["RZA"]) == {"RZA": ["b@example.org"]}
        with pytest.raises(UnknownError, match="no admin of RZA"):
            work.users.remove("a@example.org", "RZA", "admin")

"""At 2.5 million events, what the console asks is answered by indexes, in the partitions of the
years it asks for. Plans, and how many rows they read; no times."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple

import pytest
from sqlalchemy import event

from schemas.found import EventFilter, PageEnd
from store.engine import Store, open_store
from store.unit_of_work import UnitOfWork
from tests.lib import national
from tests.lib.databases import make_database

pytestmark = pytest.mark.postgresql
LIMIT = 50
YEAR = {"occurred_from": date(2024, 1, 1), "occurred_to": date(2024, 12, 31)}


@pytest.fixture(scope="module")
def nation(postgresql_server: str, postgresql_template: str) -> Iterator[Store]:
    with make_database(postgresql_server, postgresql_template) as url:
        national.fill(url)
        store = open_store(url)
        yield store
        store.close()


class Scan(NamedTuple):
    """One table read in a plan, by an index or not, and how many rows of it were looked at."""

    kind: str
    table: str
    index: str
    rows: int


def explain(store: Store, work: Callable[[UnitOfWork], Any]) -> list[Scan]:
    """What the queries of ``work`` read, as PostgreSQL carried them out; what it found that it did
    not need is left out."""
    asked: list[tuple[str, Any]] = []

    def remember(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", remember)
    try:
        with store.read() as unit:
            work(unit)
    finally:
        event.remove(store._engine, "before_cursor_execute", remember)
    scans: list[Scan] = []
    with store._engine.connect() as connection:
        for statement, parameters in asked:
            if statement.startswith("SELECT"):
                explained = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
                plan = json.loads(connection.exec_driver_sql(explained, parameters).scalar_one())
                scans += list_scans(plan[0]["Plan"])
    return scans


def list_scans(node: dict[str, Any]) -> Iterator[Scan]:
    if node["Actual Loops"] == 0:
        return
    if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
        looked_at = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        yield Scan(
            node["Node Type"],
            node.get("Relation Name", ""),
            node.get("Index Name", ""),
            round(looked_at * node["Actual Loops"]),
        )
    for inner in node.get("Plans", ()):
        yield from list_scans(inner)


def check(scans: list[Scan], *, index: str, most: int, years: set[str] | None = None) -> None:
    """Every partition that holds anything is read by such an index, few rows of it; and none but
    those of ``years``."""
    assert scans
    read = [scan for scan in scans if scan.table != "event_search_other"]
    assert [scan for scan in read if scan.kind == "Seq Scan"] == []
    assert all(index in scan.index for scan in read if scan.index), scans
    assert sum(scan.rows for scan in read) <= most, scans
    if years is not None:
        tables = {scan.table for scan in read if scan.table}
        assert tables <= {f"event_search_{year}" for year in years}


PAGES = {
    "all": (EventFilter(), "occurred_on_event_type_year", 80_000),
    "of an organisation": (EventFilter(organisation="R7"), "organisation_occurred_on", 1_000),
    "… of a type": (
        EventFilter(organisation="R7", event_type="4"),
        "organisation_occurred_on",
        12_000,
    ),
    "… severe": (EventFilter(organisation="R7", worst_harm=2), "occurred_on", 60_000),
    "reported by": (
        EventFilter(reporter_organisation="R7"),
        "reporter_organisation_occurred_on",
        1_000,
    ),
    "of a source": (EventFilter(source_id="source-7"), "source_id_occurred_on", 2_000),
    "severe": (EventFilter(worst_harm=2), "occurred_on_idx", 2_000),
    "never events": (EventFilter(never_event=True), "occurred_on_idx", 2_000),
    "recorded elsewhere": (EventFilter(recorded_elsewhere=True), "occurred_on_idx", 3_000),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_by_an_index(nation: Store, name: str) -> None:
    wanted, index, most = PAGES[name]
    check(
        explain(nation, lambda work: work.event_search.find(wanted, LIMIT)), index=index, most=most
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_a_year_reads_no_other_year(nation: Store, name: str) -> None:
    wanted, index, most = PAGES[name]
    of_year = type(wanted)(**{f: getattr(wanted, f) for f in wanted.__struct_fields__} | YEAR)
    scans = explain(nation, lambda work: work.event_search.find(of_year, LIMIT))
    check(scans, index=index, most=most, years={"2024"})


def test_a_page_further_on_begins_where_the_last_one_ended(nation: Store) -> None:
    wanted, end = EventFilter(organisation="R7"), PageEnd(date(2018, 6, 1), 5)
    scans = explain(nation, lambda work: work.event_search.find(wanted, LIMIT, end))
    check(scans, index="organisation_occurred_on", most=1_000, years={"2016", "2017", "2018"})


def test_pages_are_all_events_once_newest_first(nation: Store) -> None:
    wanted = EventFilter(organisation="R7", recorded_elsewhere=True)
    with nation.read() as work:
        found = work.event_search.find(wanted, 10_000)
        pages, end = [], None
        while page := work.event_search.find(wanted, 37, end):
            pages += page
            end = page[-1].place
        counts = work.event_search.count(wanted)
    assert pages == found
    days = [one.occurred_on or date.min for one in found]
    assert days == sorted(days, reverse=True)
    assert len({one.event_id for one in found}) == len(found) == sum(one.events for one in counts)


def test_counts_of_a_month_read_its_index_alone(nation: Store) -> None:
    wanted = EventFilter(occurred_from=date(2024, 3, 1), occurred_to=date(2024, 3, 31))
    scans = explain(nation, lambda work: work.event_search.count(wanted))
    read = [scan for scan in scans if scan.table != "event_search_other"]
    assert {(scan.kind, scan.table) for scan in read} == {("Index Only Scan", "event_search_2024")}
    assert sum(scan.rows for scan in read) <= national.EVENTS // 100


def test_counts_of_a_year_read_no_other(nation: Store) -> None:
    scans = explain(nation, lambda work: work.event_search.count(EventFilter(**YEAR)))
    assert {scan.table for scan in scans} <= {"event_search_2024", "event_search_other"}
    with nation.read() as work:
        counts = work.event_search.count(EventFilter(**YEAR))
        assert sum(one.events for one in work.event_search.count(EventFilter())) == national.EVENTS
    assert {one.year for one in counts} == {2024}


def test_counts_of_an_organisation_read_its_events_alone(nation: Store) -> None:
    scans = explain(nation, lambda work: work.event_search.count(EventFilter(organisation="R7")))
    check(scans, index="organisation_occurred_on", most=2 * national.EVENTS // 240)


@pytest.mark.parametrize("ask", ["find_mark", "find_revisions", "find", "find_current"])
def test_one_event_is_read_in_its_year_alone(nation: Store, ask: str) -> None:
    number = 1 + national.WITH_REVISIONS
    asked = [national.make_id(number)] if ask == "find_current" else national.make_id(number)
    scans = explain(nation, lambda work: getattr(work.events, ask)(asked))
    big = [scan for scan in scans if scan.table.startswith(("event", "revisions"))]
    assert big
    assert all(scan.kind == "Index Scan" and scan.rows <= 1 for scan in big), big
    assert len({scan.table.rpartition("_")[2] for scan in big if scan.table != "events"}) <= 1

"""The register is brought up to date from a server that answers as the ODS API does, on both
databases: what changed is kept and told, whatever the server does meanwhile; feeds are judged by
what is here."""

import csv
import io
import json
from dataclasses import replace
from datetime import date, timedelta

import pytest

from gateway.generator import write_feed
from gateway.pipeline.sync_organisations import (
    UnreadableOrganisationsError,
    find_last_report,
    open_ods,
    sync_organisations,
)
from gateway.reference.organisation_report import WRITERS
from gateway.reference.upstream import Clock, UpstreamError, UpstreamRefusedError
from schemas.errors import WrongUseError
from schemas.submission import Organisation
from store import tables
from tests.lib.databases import read_rows
from tests.lib.events import make_event, make_submission, set_element
from tests.lib.line import ingest, open_line, register_everyone
from tests.lib.ods_server import KEY, make_organisation, serve_ods
from validation.organisations import resolve_organisations

# One of the sample register, and one that is not in it.
OLD, HEIR = "RZB", "RX7"


@pytest.fixture
def ods():
    with serve_ods() as server:
        yield server


@pytest.fixture
def gateway(tmp_path, database_url, ods):
    with open_line(tmp_path / "home", database_url, ods_url=ods.url) as opened:
        register_everyone(opened)
        yield replace(opened, find_secret={"ODS_API_KEY": KEY}.get)


class Slept(list):
    """A clock that does not wait, and remembers how long it would have."""

    def __init__(self):
        super().__init__()
        self.at = 0.0

    @property
    def clock(self):
        return Clock(monotonic=lambda: self.at, sleep=self._sleep, now=lambda: 1_800_000_000.0)

    def _sleep(self, seconds):
        self.append(seconds)
        self.at += seconds


def sync(gateway, slept=None, **how):
    with open_ods(gateway, (slept if slept is not None else Slept()).clock) as ods:
        return sync_organisations(gateway, ods, **how)


def find(gateway, code):
    with gateway.store.read() as work:
        return work.organisations.find(code)


def kinds_of(report):
    return {one.code: set(one.kinds) for one in report.changes}


def read_register(url):
    rows = read_rows(url, tables.organisations)
    return {row.code: tuple(row) for row in rows}


def test_the_first_sync_adds_all_of_the_roles_that_are_kept(gateway, ods):
    other = (("RO999", "2011-01-01", None),)
    ods.put(make_organisation("RX1", "NEW NHS TRUST"), make_organisation("X9", "C", roles=other))
    report = sync(gateway)
    assert kinds_of(report) == {"RX1": {"added"}}
    assert find(gateway, "RX1") == Organisation("RX1", "NEW NHS TRUST", date(2010, 4, 1))
    assert find(gateway, "X9") is None
    assert (report.since, report.upto) == (None, date(2026, 11, 20))
    assert ods.keys == {KEY}
    # Where each of tens of thousands lies would be hours of asking.
    assert ods.count_asked("$lookup") == 0


def test_the_next_sync_asks_for_what_changed_since_and_for_a_day_more(gateway, ods):
    ods.put(make_organisation("RX1", "NEW NHS TRUST"))
    sync(gateway)
    ods.asked.clear()
    report = sync(gateway)
    assert report.since == date(2026, 11, 19)
    assert all("lastChangeDate=gt2026-11-18" in one for one in ods.asked)
    assert "roleCode" not in "".join(ods.asked)
    # What came again is what it was: nothing is asked, nothing is written.
    assert (report.received, report.changes) == (1, [])
    assert ods.count_asked("$lookup") == 0


def test_a_known_one_is_brought_up_to_date_whatever_its_roles(gateway, ods):
    roles = (("RO999", "2011-01-01", None),)
    ods.put(make_organisation(OLD, "RENAMED NHS FOUNDATION TRUST", roles=roles))
    ods.lead(OLD, ICB="QOP", NHSER="Y62")
    ods.put(make_organisation("Y62", "NORTH WEST COMMISSIONING REGION", changed="2020-01-01"))
    before = find(gateway, OLD)
    report = sync(gateway, since=date(2026, 11, 1))
    after = find(gateway, OLD)
    assert after.name == "RENAMED NHS FOUNDATION TRUST"
    assert after.former_names == (before.name,)
    assert (after.icb, after.region) == ("QOP", "North West")
    (change,) = report.changes
    assert "renamed" in change.kinds
    assert change.before["name"] == before.name
    assert "grant to test-fhir" in change.used_by


def test_a_name_in_capitals_is_no_other_name(gateway, ods):
    before = find(gateway, OLD)
    ods.put(make_organisation(OLD, before.name.upper(), roles=(("RO197", None, None),)))
    assert sync(gateway, since=date(2026, 11, 1)).changes == []
    assert find(gateway, OLD) == before


def test_one_that_closed_keeps_its_successor_and_the_last_day_is_its_own(gateway, ods):
    """Legal end 31 March: the register's last day; ours is the first after."""
    closed = (("RO197", "2010-04-01", "2026-03-31"),)
    ods.put(
        make_organisation(OLD, "OLD TRUST", active=False, roles=closed),
        # Of a role that is not kept, changed long before, and not in the register.
        make_organisation(
            HEIR, "HEIR", roles=(("RO999", "2026-04-01", None),), changed="2026-04-01"
        ),
    )
    ods.lead(OLD, HEIR)
    report = sync(gateway, since=date(2026, 11, 1))
    old, heir = find(gateway, OLD), find(gateway, HEIR)
    assert (old.closed, old.successor) == (date(2026, 4, 1), HEIR)
    assert heir == Organisation(HEIR, "HEIR", date(2026, 4, 1))
    assert kinds_of(report)[OLD] >= {"closed", "successor"}
    assert kinds_of(report)[HEIR] == {"added"}
    assert report.list_open() == []


def test_a_chain_of_successors_is_followed_to_its_end(gateway, ods):
    ended = (("RO197", "2010-04-01", "2020-03-31"),)
    for code, heir in (("RX1", "RX2"), ("RX2", "RX3"), ("RX3", None)):
        is_last = heir is None
        resource = make_organisation(
            code, f"{code} TRUST", active=is_last, changed="2026-11-20" if code == "RX1" else
            "2020-04-01", roles=(("RO197", "2010-04-01", None),) if is_last else ended,
        )  # fmt: skip
        ods.put(resource)
        if heir:
            ods.lead(code, heir)
    ods.lead("RX3", "RX1")  # nonsense is no reason to go round for ever
    sync(gateway, since=date(2026, 11, 1))
    assert [find(gateway, code).successor for code in ("RX1", "RX2")] == ["RX2", "RX3"]


def test_of_several_successors_none_is_guessed_and_somebody_is_asked(gateway, ods, database_url):
    closed = (("RO197", "2010-04-01", "2026-03-31"),)
    ods.put(make_organisation(OLD, "OLD TRUST", active=False, roles=closed))
    ods.put(*(make_organisation(code, code, changed="2026-04-01") for code in ("RX1", "RX2")))
    ods.lead(OLD, "RX2", "RX1")
    report = sync(gateway, since=date(2026, 11, 1))
    assert find(gateway, OLD).successor is None
    assert "several" in kinds_of(report)[OLD]
    (row,) = [row for row in read_rows(database_url, tables.organisations) if row.code == OLD]
    assert row.successors == "RX1 RX2"
    assert [one.code for one, what in report.list_open() if "several" in what] == [OLD]


def test_one_that_opened_again_is_open(gateway, ods):
    closed = (("RO197", "2010-04-01", "2026-03-31"),)
    ods.put(make_organisation(OLD, "OLD TRUST", active=False, roles=closed))
    sync(gateway, since=date(2026, 11, 1))
    assert find(gateway, OLD).closed == date(2026, 4, 1)
    ods.put(make_organisation(OLD, "OLD TRUST", changed="2026-11-21"))
    report = sync(gateway)
    assert find(gateway, OLD).closed is None
    assert "reopened" in kinds_of(report)[OLD]


def test_nothing_is_taken_away_that_ods_does_not_tell(gateway, ods):
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.organisations.add_many(
            [Organisation("RX9", "By Hand", closed=date(2020, 1, 1), successor="RZA", icb="Q1")]
        )
    ods.put(make_organisation("RX9", "BY HAND", active=False, roles=(("RO197", None, None),)))
    sync(gateway, since=date(2026, 11, 1))
    assert find(gateway, "RX9") == Organisation(
        "RX9", "By Hand", closed=date(2020, 1, 1), successor="RZA", icb="Q1"
    )


def test_no_longer_active_and_nobody_says_since_when_is_asked_about(gateway, ods):
    ods.put(make_organisation(OLD, "OLD", active=False, roles=(("RO197", "2010-04-01", None),)))
    report = sync(gateway, since=date(2026, 11, 1))
    assert find(gateway, OLD).closed is None
    assert "undated" in kinds_of(report)[OLD]


def test_a_dry_run_says_the_same_and_stores_nothing(gateway, ods, database_url):
    ods.put(make_organisation("RX1", "NEW"), make_organisation(OLD, "RENAMED"))
    before = read_register(database_url), len(read_rows(database_url, tables.audit))
    dry = sync(gateway, since=date(2026, 11, 1), dry_run=True)
    assert (read_register(database_url), len(read_rows(database_url, tables.audit))) == before
    assert read_rows(database_url, tables.reference_runs) == []
    assert sync(gateway, since=date(2026, 11, 1)).changes == dry.changes != []


def test_many_come_in_pages_and_all_of_them_once(gateway, ods, monkeypatch):
    monkeypatch.setattr("gateway.reference.ods.PAGE", 20)
    ods.put(*(make_organisation(f"RX{n:03}", f"TRUST {n}") for n in range(105)))
    report = sync(gateway)
    assert report.received == report.kept == 105
    assert len(kinds_of(report)) == 105
    assert ods.count_asked("_count=20") == 6


def test_too_large_an_answer_is_asked_for_in_smaller_pieces(gateway, ods):
    ods.most = 130
    ods.put(*(make_organisation(f"RX{n:03}", f"TRUST {n}") for n in range(300)))
    assert sync(gateway).received == 300
    assert ods.count_asked("_count=125&") == 3


def test_requests_are_five_a_second(gateway, ods, monkeypatch):
    monkeypatch.setattr("gateway.reference.ods.PAGE", 1)
    ods.put(*(make_organisation(f"RX{n}", f"TRUST {n}") for n in range(5)))
    slept = Slept()
    sync(gateway, slept)
    assert slept == pytest.approx([0.2] * 5)


@pytest.mark.parametrize("fault", [429, 503, 500, "cut", "html"])
def test_what_may_pass_is_asked_again(gateway, ods, fault):
    ods.put(make_organisation("RX1", "NEW"))
    ods.faults = [fault, fault]
    slept = Slept()
    assert sync(gateway, slept).received == 1
    assert slept[:3] == ([1, 1, 0.2] if fault == 429 else [1, 2, 0.2])


def test_a_pause_that_is_asked_for_is_kept(gateway, ods):
    ods.put(make_organisation("RX1", "NEW"))
    ods.faults, ods.retry_after = [429], "120"
    slept = Slept()
    sync(gateway, slept)
    assert slept[0] == 120


def test_nobody_waits_for_an_hour(gateway, ods):
    ods.faults, ods.retry_after = [429], "3600"
    with pytest.raises(UpstreamError, match="429"):
        sync(gateway)
    assert len(ods.asked) == 1


@pytest.mark.parametrize("fault", [400, 401, 403, 301])
def test_what_another_try_cannot_mend_is_not_tried_again(gateway, ods, fault):
    ods.faults = [fault]
    with pytest.raises(UpstreamRefusedError, match=str(fault)):
        sync(gateway)
    assert len(ods.asked) == 1


def test_a_failed_sync_is_a_failed_run_and_the_next_begins_where_it_did(gateway, ods, monkeypatch):
    ods.put(make_organisation("RX0", "FIRST", changed="2026-11-01"))
    sync(gateway)
    monkeypatch.setattr("gateway.reference.ods.PAGE", 2)
    ods.put(*(make_organisation(f"RX{n}", f"TRUST {n}") for n in range(1, 6)))
    # Counted, a page came, and what is asked about one of it; then it is away for good.
    ods.faults = [None, None, None, *[503] * 5]
    with pytest.raises(UpstreamError):
        sync(gateway)
    with gateway.store.read() as work:
        last = work.reference_runs.find_last("organisations")
        assert (last.state, "503" in last.failure) == ("failed", True)
        assert work.reference_runs.find_upto("organisations") == date(2026, 11, 1)
    # What came until then is kept; the rest comes now.
    assert find(gateway, "RX1") is not None
    assert find(gateway, "RX5") is None
    report = sync(gateway)
    assert (report.since, report.received) == (date(2026, 10, 31), 6)
    assert find(gateway, "RX5") is not None
    assert report.upto == date(2026, 11, 20)


def test_a_silent_shortfall_is_a_failure(gateway, ods):
    ods.put(make_organisation("RX1", "NEW"))
    ods.short = 1
    with pytest.raises(UpstreamError, match="1 of 2 organisations came"):
        sync(gateway)


def test_what_cannot_be_read_is_told_and_comes_again(gateway, ods):
    broken = make_organisation("RX1", "BROKEN")
    broken["extension"][0]["extension"][3]["extension"][1]["valuePeriod"]["start"] = "last week"
    nameless = make_organisation("RX2", " ")
    ods.put(broken, nameless, make_organisation("RX3", "GOOD"))
    with pytest.raises(UnreadableOrganisationsError, match=r"2 organisations .* RX1, RX2"):
        sync(gateway)
    assert find(gateway, "RX3") is not None
    with gateway.store.read() as work:
        assert work.reference_runs.find_upto("organisations") is None
    ods.put(make_organisation("RX1", "MENDED"), make_organisation("RX2", "MENDED TOO"))
    assert kinds_of(sync(gateway)).keys() == {"RX1", "RX2"}


class KilledOds:
    """Dies between two pages."""

    def __init__(self, ods):
        self._ods = ods
        self.find_name = ods.find_name

    def read_pages(self, asked):
        yield next(self._ods.read_pages(asked))
        raise KeyboardInterrupt

    def find_facts(self, code):
        return self._ods.find_facts(code)

    def find(self, code):
        return self._ods.find(code)


def test_a_sync_that_was_killed_is_done_again_and_the_outcome_is_the_same(
    gateway, ods, monkeypatch, database_url
):
    monkeypatch.setattr("gateway.reference.ods.PAGE", 3)
    closed = (("RO197", "2010-04-01", "2026-03-31"),)
    ods.put(*(make_organisation(f"RX{n}", f"T {n}", active=False, roles=closed) for n in range(6)))
    ods.put(make_organisation("RX9", "HEIR"))
    for n in range(6):
        ods.lead(f"RX{n}", "RX9")
    with pytest.raises(KeyboardInterrupt), open_ods(gateway, Slept().clock) as api:
        sync_organisations(gateway, KilledOds(api))
    asked = ods.count_asked("$lookup")
    assert 0 < asked < 7
    sync(gateway)
    register = read_register(database_url)
    assert {register[f"RX{n}"][4] for n in range(6)} == {"RX9"}
    states = [row.state for row in read_rows(database_url, tables.reference_runs)]
    assert states == ["failed", "done"]
    # Nobody was asked about twice.
    assert len({one for one in ods.asked if "$lookup" in one}) == ods.count_asked("$lookup")
    assert sync(gateway, since=date(2026, 1, 1)).changes == []
    assert read_register(database_url) == register


def test_an_older_answer_does_not_undo_a_newer_one(gateway, ods):
    ods.put(make_organisation("RX1", "NEWER", changed="2026-11-20"))
    sync(gateway)
    ods.put(make_organisation("RX1", "OLDER", changed="2026-11-19"))
    sync(gateway, since=date(2026, 11, 1))
    assert find(gateway, "RX1").name == "NEWER"


def test_every_change_of_a_known_one_is_in_the_audit_log(gateway, ods, database_url):
    ods.put(*(make_organisation(f"RX{n}", f"T {n}") for n in range(3)))
    ods.put(make_organisation(OLD, "RENAMED"))
    sync(gateway)
    entries = [
        (row.action, row.subject, json.loads(row.details or "null"))
        for row in read_rows(database_url, tables.audit)
        if row.action.startswith(("organisation.", "organisations.added", "reference."))
    ]
    added = {"count": 3, "first": "RX0", "last": "RX2"}
    assert ("organisations.added", "register", added) in entries
    assert [one[:2] for one in entries if one[0] == "organisation.synced"] == [
        ("organisation.synced", OLD)
    ]
    assert ("reference.synced", "run 1", {"upto": "2026-11-20"}) in entries


def test_the_report_in_each_form(gateway, ods):
    closed = (("RO197", "2010-04-01", "2026-03-31"),)
    ods.put(make_organisation(OLD, "=OLD TRUST", active=False, roles=closed))
    ods.put(make_organisation("RX1", "NEW"))
    report = sync(gateway, since=date(2026, 11, 1))
    text = "".join(WRITERS["text"](report))
    assert "closed without a successor: events of later days keep its code" in text
    assert "Used here" in text
    rows = list(csv.DictReader(io.StringIO("".join(WRITERS["csv"](report)))))
    assert {row["code"] for row in rows} == {OLD, "RX1"}
    assert all(row["name"].startswith("'=") for row in rows if row["code"] == OLD)
    (line,) = [row for row in rows if (row["code"], row["element"]) == (OLD, "closed")]
    assert (line["before"], line["after"]) == ("", "2026-04-01")
    found = json.loads("".join(WRITERS["json"](report)))
    assert found["counts"]["added"] == 1
    kept = find_last_report(gateway)
    assert [one.code for one in kept.changes] == [OLD]


def test_without_a_key_nothing_is_asked(gateway, ods):
    with (
        pytest.raises(WrongUseError, match="ODS_API_KEY"),
        open_ods(replace(gateway, find_secret=lambda _: None)),
    ):
        pass
    assert ods.asked == []


def test_a_key_goes_to_nobody_over_plain_http(gateway):
    settings = gateway.settings.model_copy(update={"ods_url": "http://ods.example/fhir"})
    with (
        pytest.raises(WrongUseError, match="https only"),
        open_ods(replace(gateway, settings=settings)),
    ):
        pass


def test_days_of_the_future_do_not_carry_the_cursor_along(gateway, ods):
    ods.put(make_organisation("RX1", "NEW", changed="2031-01-01"))
    assert sync(gateway).upto == gateway.now().date()


def test_nothing_changed_for_weeks_and_the_cursor_stays(gateway, ods):
    ods.put(make_organisation("RX1", "NEW", changed="2026-10-01"))
    first = sync(gateway)
    ods.organisations.clear()
    then = gateway.now() + timedelta(days=30)
    assert sync(replace(gateway, now=lambda: then)).upto == first.upto


def test_feeds_are_judged_by_what_was_synced_each_on_its_day(gateway, ods):
    """Before it closed it is what it was; from then on it is whoever carried on; of several, it
    stays, and the sender is told."""
    closed = (("RO197", "2010-04-01", "2025-06-30"),)
    codes = ("RX1", "RX2", "RX3")
    ods.put(*(make_organisation(code, code, active=False, roles=closed) for code in codes[:2]))
    ods.put(*(make_organisation(code, code) for code in ("RX3", "RX4")))
    ods.lead("RX1", "RX3")
    ods.lead("RX2", "RX3", "RX4")
    sync(gateway, since=date(2026, 11, 1))
    with gateway.store.read() as work:
        register = work.organisations.get_register()
    submission = make_submission(register=register)

    def judge(code, day):
        event = set_element(make_event(event_date=day), "LocationDetails.Organisation", [code])
        resolved, findings = resolve_organisations(event, submission)
        return resolved.occurred_organisations, [one.code for one in findings]

    assert judge("RX1", "2025-06-30") == (["RX1"], [])
    assert judge("RX1", "2025-07-01") == (["RX3"], ["ORG-003"])
    assert judge("RX2", "2025-07-01") == (["RX2"], ["ORG-004"])


def test_feeds_are_taken_in_while_ods_is_away(gateway, ods):
    ods.faults = [401]
    with pytest.raises(UpstreamRefusedError):
        sync(gateway)
    feed = io.BytesIO()
    write_feed(feed, events=5, format="fhir-5", seed=1, errors=0.0, duplicates=0.0)
    assert ingest(gateway, "test-fhir", feed.getvalue()).verdict == "accepted"

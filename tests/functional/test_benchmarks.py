"""The benchmark runs, on a few events, and would notice rows that are not there. How fast anything
is, is not asked here."""

import subprocess
import sys

import msgspec
import pytest

from gateway.adapters.limits import Limits
from mappers.profile_load import load_profile
from tests.benchmarks import baseline_dlt, feeds
from tests.benchmarks.__main__ import LINES, NOTHING, RATES, RATIOS, STAGES, make_verdicts
from tests.benchmarks.baseline_bare import find_cuts, load_together, prepare
from tests.benchmarks.measuring import Measured, check_stored, count_rows
from tests.lib.parted import index, make_terms


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LRMS_BENCH_FEEDS", str(tmp_path / "feeds"))


def run_bench(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--rounds", "1", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.postgresql
@pytest.mark.usefixtures("cache")
def test_two_workers_and_the_curve_are_measured():
    told = run_bench("--line-events", "60", "--only", "end to end CSV")
    assert "| end to end CSV, PostgreSQL, two | " in told
    assert "goal ≥ 8,000" in told
    assert "largest process: " in told
    curve = run_bench("--curve", "--held", "30", "--sizes", "20")
    assert "the store holds 30 events" in curve
    rows = [line.split()[1] for line in curve.splitlines() if line.startswith("| ")]
    assert rows[1:] == ["20"]


@pytest.mark.postgresql
@pytest.mark.usefixtures("cache")
def test_every_stage_is_measured():
    told = run_bench("--events", "30", "--line-events", "30", "--only", " FHIR")
    assert {line.split(" | ")[0] for line in told.splitlines() if line.startswith("| ")} >= {
        f"| {name}" for name in STAGES if " FHIR" in name
    }


@pytest.mark.postgresql
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", ["dlt", "dlt-wide"])
def test_dlt_stores_what_the_bare_path_stores(name, tmp_path, fresh_postgresql):
    url = fresh_postgresql()
    feed = feeds.make_feed("fhir", 40)
    job = msgspec.structs.replace(
        NOTHING, name=name, feed=str(feed), format="fhir", url=url, home=str(tmp_path)
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.child"],
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        check=True,
    )
    measured = msgspec.json.decode(done.stdout.splitlines()[-1], type=Measured)
    assert measured.events == 40
    assert measured.wal_mib > 0
    assert count_rows(url, f"bare_dlt.{baseline_dlt.TABLE}") == 40
    prepare(url)
    assert load_together(feed, url, 2) == 40
    check_stored(job, "bare_events", 40)
    with pytest.raises(SystemExit, match="40 rows in bare_events, expected 41"):
        check_stored(job, "bare_events", 41)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", feeds.FEEDS)
def test_a_feed_of_several_chunks_is_one_whole_feed(name, monkeypatch):
    monkeypatch.setattr(feeds, "_CHUNK", 7)
    monkeypatch.setattr(feeds, "ProcessPoolExecutor", _Here)
    raw = feeds.make_feed(name, 17).read_bytes()
    feed = feeds.FEEDS[name]
    shape = {"fhir": "fhir-ndjson", "fhir-xml": "fhir-xml"}.get(name, name)
    profile = None if feed.source == "fhir" else load_profile(f"lrms-{feed.source}")
    found, _ = index(raw, shape, make_terms(shape, profile, Limits()), 10**9)
    assert (found.records, found.findings) == (17, [])
    assert feeds.make_feed(name, 17).read_bytes() == raw


class _Here:
    """In the place of a pool of processes."""

    def __init__(self, **_terms: object) -> None:
        pass

    def map(self, do, jobs):
        return map(do, jobs)


def test_the_bare_path_by_two_reads_every_line_once(tmp_path):
    feed = tmp_path / "feed"
    feed.write_bytes(b"".join(b"%d\n" % number for number in range(1_000)))
    for parts in (1, 2, 3):
        cuts = find_cuts(feed, parts)
        assert len(cuts) == parts + 1
        raw = feed.read_bytes()
        assert all(cut == 0 or raw[cut - 1 : cut] == b"\n" for cut in cuts)


def test_every_goal_is_of_a_line_that_is_measured_and_a_missed_one_says_so():
    names = {"dlt Arrow over ADBC, PostgreSQL", *LINES}
    assert RATES.keys() <= names
    assert all({one.line, one.baseline} <= names for one in RATIOS)
    slow = Measured(events=1, seconds=1.0, cpu=1.0, peak_mib=301.0)
    fast = Measured(events=1_000_000, seconds=1.0, cpu=1.0, peak_mib=1.0)
    is_ours = {name: name.startswith("end to end") for name in LINES}
    worst = list(make_verdicts({name: slow if ours else fast for name, ours in is_ours.items()}))
    best = list(make_verdicts({name: fast if ours else slow for name, ours in is_ours.items()}))
    assert len(worst) == len(best) > len(RATES)
    assert all("MISSED" in line for line in worst)
    assert not any("MISSED" in line for line in best)

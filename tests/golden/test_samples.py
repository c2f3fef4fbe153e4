"""Every sample gives what its folder says, and every finding code is raised by one."""

import json
from collections import Counter
from pathlib import Path

import pytest

from gateway.pipeline.register import add_organisations
from schemas.catalogue import get_catalogue
from schemas.event import NationalEvent
from schemas.statuses import DISPOSITIONS
from tests.golden.cases import FORMATS, SAMPLES, find_cases, run_case, write_json
from tests.lib.line import open_line, read_register

CASES = find_cases()
FINDINGS = SAMPLES / "findings"
# On a request about one event: no feed can raise them. tests/functional/test_api_events.py does.
ONLY_BY_REQUEST = {"REQ-001", "REQ-002"}
# No feed brings it about: tests/functional/test_quarantine.py does.
ONLY_BY_US = {"OURS-001"}
# Of what was pruned years later: tests/integration/test_pruning.py.
ONLY_BY_TIME = {"KEPT-001", "KEPT-002"}
TYPES = ("incident", "risk", "outcome", "good-care")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with open_line(tmp_path_factory.mktemp("golden")) as gateway:
        add_organisations(gateway, read_register())
        yield gateway


def read_expected(case):
    return json.loads(case.expected.read_bytes())


def raised_codes(expected):
    if "findings" in expected:
        return [finding["code"] for finding in expected["findings"]]
    receipt = expected["receipt"]
    records = [finding for record in receipt["records"] for finding in record["findings"]]
    return [finding["code"] for finding in [*receipt["findings"], *records]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_sample_gives_what_its_folder_says(gateway, case):
    result = run_case(gateway, case)
    found = json.loads(write_json(result.expected))
    assert found == read_expected(case), "if this is right: python -m tests.golden.update"
    if case.events is not None:
        expected = case.events.read_bytes().splitlines()
        assert [json.loads(line) for line in result.events] == [*map(json.loads, expected)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_counts_of_a_sample_add_up(case):
    receipt = read_expected(case).get("receipt")
    if receipt is None:
        return
    counts = Counter(record["disposition"] for record in receipt["records"])
    assert receipt["counts"] == {
        "records": len(receipt["records"]),
        **{name: counts[name] for name in DISPOSITIONS},
    }


@pytest.mark.parametrize(
    "code", sorted(set(get_catalogue()) - ONLY_BY_REQUEST - ONLY_BY_TIME - ONLY_BY_US)
)
def test_every_finding_code_is_raised_by_the_sample_of_its_name(code):
    folders = {case.folder.name: case for case in CASES if case.folder.parent == FINDINGS}
    assert code in folders, f"no samples/findings/{code}"
    assert code in raised_codes(read_expected(folders[code]))


def test_what_no_feed_can_raise_is_raised_by_requests():
    """Of the area of requests, all; and each stands in a test of the API."""
    assert {code for code in get_catalogue() if code.startswith("REQ-")} == ONLY_BY_REQUEST
    tests = Path("tests/functional/test_api_events.py").read_text(encoding="utf-8")
    assert all(f'"{code}"' in tests for code in ONLY_BY_REQUEST)


def test_no_sample_is_of_a_code_that_does_not_exist():
    assert {path.name for path in FINDINGS.iterdir()} <= set(get_catalogue())


@pytest.mark.parametrize("kind", TYPES)
def test_one_event_in_every_format_and_version_is_the_same_event(kind):
    """Versions differ in what they can say; formats of one version do not."""
    by_version: dict[str, list[NationalEvent]] = {}
    formats = Counter()
    for case in CASES:
        if case.folder.name.startswith(kind) and case.folder.parent.parent == SAMPLES:
            expected = read_expected(case)
            assert expected["receipt"]["verdict"] == "accepted"
            assert raised_codes(expected) == []
            (event,) = expected["events"]
            by_version.setdefault(event["taxonomy_version"], []).append(event)
            formats[case.folder.parent.name] += 1
    assert formats == {"fhir": 3, "fhir-xml": 3, "xml": 1, "csv": 1}
    assert set(by_version) == {"4", "5", "6"}
    for events in by_version.values():
        assert all(event == events[0] for event in events)


def test_each_format_has_a_demo_feed():
    demos = {case.folder.parent.name for case in CASES if case.folder.name == "demo"}
    assert demos == set(FORMATS)

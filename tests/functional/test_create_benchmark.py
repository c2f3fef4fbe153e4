"""The benchmark of single creates runs, on a few requests, and would notice a wrong answer. How
fast anything is, is not asked here."""

import subprocess
import sys

import msgspec
import pytest

from schemas.identifiers import make_reference
from tests.benchmarks.create_load import Load, find_reference
from tests.benchmarks.creates import BARE, VARIANTS, Run, check_answers, check_created

REFERENCE = make_reference(12345678901234567)
OTHER = make_reference(12345678901234568)


def make_load(answers: str) -> Load:
    return Load(feed="", first=0, requests=1, connections=1, port=0, path="/", answers=answers)


def make_event(shown: str) -> dict[str, object]:
    return {
        "id": REFERENCE,
        "extension": [
            {"url": "x", "extension": [{"url": "ReferenceNumber", "valueString": shown}]}
        ],
    }


@pytest.mark.postgresql
def test_it_measures_each_server_at_each_number_of_connections():
    words = ["--requests", "6", "--warm-up", "4", "--rounds", "1", "--connections", "1", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.creates", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cells = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    measured = {(row[0].strip("| "), row[1]): row for row in cells[1:]}
    assert measured.keys() == {(n, label) for n in ("1", "3") for label in VARIANTS}
    assert all(float(row[2].replace(",", "")) > 0 and row[6] == "0" for row in measured.values())


@pytest.mark.parametrize(
    ("status", "content", "found"),
    [
        (201, make_event(REFERENCE), REFERENCE),
        (200, make_event(REFERENCE), None),
        (201, make_event(OTHER), None),
        (201, {"id": REFERENCE, "extension": []}, None),
        (201, {"resourceType": "OperationOutcome"}, None),
        (201, "", None),
    ],
)
def test_only_a_created_event_counts(status, content, found):
    assert find_reference(make_load("event"), status, msgspec.json.encode(content)) == found


@pytest.mark.parametrize(
    ("status", "body", "found"),
    [(201, b'{"id":"CB/1"}', "CB/1"), (500, b'{"id":"CB/1"}', None), (201, b"", None)],
)
def test_only_a_stored_row_counts(status, body, found):
    assert find_reference(make_load("row"), status, body) == found


def test_a_wrong_answer_fails_the_run():
    good = Run(rate=1.0, p50=1.0, p95=1.0, p99=1.0, errors=0, cpu=1.0, database_cpu=1.0)
    check_answers({(BARE, 1): [good]})
    with pytest.raises(SystemExit, match="1 requests were not answered"):
        check_answers({(BARE, 1): [good, msgspec.structs.replace(good, errors=1)]})


@pytest.mark.parametrize("found", [4, 6])
def test_a_database_that_holds_anything_else_fails_the_run(found):
    check_created(BARE, 5, found=5)
    with pytest.raises(SystemExit, match=f"5 created, but {found} in the database"):
        check_created(BARE, 5, found=found)

"""``make demo``, twice: the second run changes nothing and says so."""

import os
import re
import subprocess
import sys

import pytest


def run_demo(home) -> str:
    done = subprocess.run(
        [sys.executable, "samples/demo.py"],
        env=os.environ | {"LRMS_DEMO_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.airflow
def test_the_demo_runs_and_a_second_run_changes_nothing(tmp_path):
    first = run_demo(tmp_path / "demo")
    assert len(re.findall(r"^   (?:load|mark|notify)\w+ +success", first, re.MULTILINE)) == 3
    row = r"^northmoor-fhir feed.ndjson +partly accepted +38 +29 +1 +1 +7 +0$"
    assert re.search(row, first, re.MULTILINE)
    assert "calder-bay-csv feed.csv" in first
    assert "patient.safety@ashcombe.example" in first
    assert "Nothing has changed" not in first
    second = run_demo(tmp_path / "demo")
    assert "Nothing has changed" in second
    assert results_of(second) == results_of(first)


def results_of(output: str) -> str:
    """From what became of the records to who was told."""
    return output[output.index("4. What") : output.index("One of them")]

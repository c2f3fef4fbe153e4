"""The profiles of NRLS and StEIS exports: kept in step with one another and with their samples,
and what their mapping notes promise."""

import csv
from pathlib import Path

import pytest

from gateway.profiles.golden import run_cases
from mappers.profile_load import load_profile, make_shelf
from samples.makers import nrls, steis

FILES = nrls.make_files() | steis.make_files()
PROFILES = Path("mappers/profiles")


def plain(name):
    """What the profile says, without what tells it from its twin."""
    found = load_profile(name).model_dump(mode="json", exclude_defaults=True)
    return {
        key: value
        for key, value in found.items()
        if key not in ("name", "format", "record", "description")
    }


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_samples_are_those_their_makers_make(path):
    assert path.read_bytes() == FILES[path], "python -m samples.makers.nrls (or steis)"


def test_nrls_is_mapped_alike_from_csv_and_from_xml():
    assert plain("nrls-csv") == plain("nrls-xml")


def test_the_same_incidents_are_equal_events_from_csv_and_from_xml():
    found = []
    for name in ("nrls-csv", "nrls-xml"):
        cases = {case.name: case for case in run_cases(PROFILES / name, make_shelf())}
        found.append([(one.local_id, one.event, one.derived) for one in cases["categories"].found])
    from_csv, from_xml = found
    assert len(from_csv) == 8
    assert from_csv == from_xml


@pytest.mark.parametrize("name", ["nrls-csv", "nrls-xml", "steis-csv", "steis-export-csv"])
def test_the_golden_cases_of_a_profile_hold(name):
    for case in run_cases(PROFILES / name, make_shelf()):
        assert case.differences == [], case.name


def test_steis_is_mapped_alike_under_either_spelling_of_its_headings():
    def rename(value):
        if isinstance(value, dict):
            return {steis.COLUMNS.get(key, key): rename(one) for key, one in value.items()}
        if isinstance(value, list):
            return [rename(one) for one in value]
        return value

    exported = rename(plain("steis-export-csv"))
    for head in ("local_id", "event_date", "narrative"):
        exported[head]["field"] = steis.COLUMNS[exported[head]["field"]]
    for key in ("id", "by"):
        exported["rows"][key] = steis.COLUMNS[exported["rows"][key]]
    assert exported == plain("steis-csv")


@pytest.mark.parametrize("name", ["nrls-csv", "nrls-xml"])
def test_harm_runs_the_other_way_round(name):
    assert load_profile(name).code_lists["harm"] == {str(n): str(6 - n) for n in range(1, 6)}


@pytest.mark.parametrize("file", ["in05-agents.csv", "pd09-harm.csv", "pd02-sex.csv"])
def test_both_shapes_of_nrls_have_the_same_code_lists(file):
    one, other = (PROFILES / name / file for name in ("nrls-csv", "nrls-xml"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("path", "profile"),
    [(path, path.parent.name) for path in FILES if path.suffix == ".csv"],
    ids=str,
)
def test_a_sample_has_the_columns_of_its_profile_and_no_other(path, profile):
    encoding = "windows-1252" if profile.startswith("nrls") else "utf-8-sig"
    with path.open(encoding=encoding, newline="") as lines:
        header = next(csv.reader(lines))
    found = load_profile(profile)
    heads = [rule.field for rule in found.heads.values()]
    known = {*heads, *found.elements, *found.ignored, *(found.patients or ()).elements}
    known |= set(found.narrative.more)
    assert set(header) == known

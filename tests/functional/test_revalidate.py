"""Re-validation of what is stored against another version of the taxonomy: a report, in counts."""

import csv
import io
import json

import msgspec
import pytest

from gateway.generator import write_feed
from gateway.pipeline.revalidate import revalidate
from schemas.errors import UnknownError, WrongUseError
from schemas.event import NationalEvent, decode_event
from schemas.taxonomy import get_taxonomy
from schemas.taxonomy.carry import MOVES, carry_over
from store.tables import revisions
from tests.lib.command_line import CommandLineHere
from tests.lib.databases import read_rows
from tests.lib.line import ingest, open_line, register_everyone
from tests.lib.snapshot import find_differences, read_snapshot

EVENTS = {"4": 60, "5": 90, "6": 30}


def generate(version, count):
    stream = io.BytesIO()
    write_feed(stream, events=count, format=f"fhir-{version}", seed=int(version))
    return stream.getvalue()


@pytest.fixture(scope="module")
def filled(tmp_path_factory, shared_database_url):
    with open_line(tmp_path_factory.mktemp("revalidate"), shared_database_url) as gateway:
        register_everyone(gateway)
        for version, count in EVENTS.items():
            batch = ingest(gateway, "test-fhir", generate(version, count))
            assert batch.counts.created == count
        yield gateway


def test_every_event_of_an_older_version_is_looked_at(filled):
    found = revalidate(filled, "6")
    assert (found.events, found.already) == (EVENTS["4"] + EVENTS["5"], EVENTS["6"])
    assert revalidate(filled, "5").events == EVENTS["4"]
    assert found.refused > 0
    assert found.refused + found.warned <= found.events


def test_it_says_what_a_plain_second_look_says(filled):
    """The counts, by an oracle that sends each event again as one of the new version."""
    events = [decode_event(row.payload) for row in read_rows(filled.settings.database, revisions)]
    gone = {
        version: [
            (group.name, element)
            for group in get_taxonomy(version).groups
            for element in group.by_name
            if get_taxonomy("6").find_element(group.name, element) is None
        ]
        for version in ("4", "5")
    }
    genders = sum(
        any("Gender" in patient for patient in event.patients)
        for event in events
        if event.taxonomy_version != "6"
    )
    assert ("PatientInformation", "Gender") in gone["5"]
    found = {(one.code, one.element): one.events for one in revalidate(filled, "6").findings}
    assert found["TAX-006", "PatientInformation.Gender"] == genders > 0
    processes = sum("Process" in event.group("AdverseEventProcess") for event in events)
    assert revalidate(filled, "6").carried["AdverseEventProcess.Process"] == processes > 0
    assert ("TAX-003", "AdverseEventProcess.HealthcareProcess") not in found


def test_several_processes_say_the_same(filled):
    assert revalidate(filled, "6", processes=2) == revalidate(filled, "6")


def test_the_counts_of_sources_and_organisations_add_up(filled):
    found = revalidate(filled, "6")
    for rows in (found.sources, found.organisations):
        everything = [one for one in rows if not one.code]
        assert sum(one.events for one in everything) == found.events
        assert sum(one.refused for one in everything) == found.refused
    assert {one.source for one in found.sources} == {"test-fhir"}
    assert revalidate(filled, "6", source_id="test-csv").events == 0


def test_nothing_is_written(filled):
    before = read_snapshot(filled.settings.database)
    revalidate(filled, "6")
    assert find_differences(before, read_snapshot(filled.settings.database)) == []


def test_what_cannot_be_asked(filled):
    with pytest.raises(WrongUseError, match="one of 5, 6"):
        revalidate(filled, "7")
    with pytest.raises(UnknownError):
        revalidate(filled, "6", source_id="nobody")


@pytest.mark.parametrize("move", MOVES, ids=[move.source for move in MOVES])
def test_what_is_carried_over_is_said_by_the_same_codes(move):
    """Else it would be another thing, which nobody said."""
    source, target = move.source.split("."), move.target.split(".")
    before = [v for v in ("4", "5", "6") if get_taxonomy(v).find_element(*source)]
    assert before
    for version in move.to:
        assert get_taxonomy(version).find_element(*source) is None
        spec = get_taxonomy(version).find_element(*target)
        for older in before:
            old = get_taxonomy(older).find_element(*source)
            assert spec.type == old.type
            assert get_taxonomy(version).codes_of(spec) == get_taxonomy(older).codes_of(old)


def make_event(**groups):
    return NationalEvent(taxonomy_version="4", event_type="1", groups=groups)


def test_what_is_carried_over_stands_in_its_new_place_and_no_more_in_the_old():
    event = make_event(
        AdverseEventProcess={"Process": "3"},
        PatientInformation=[{"PatientSequence": 1, "AgeYears": "9"}, {"PatientSequence": 2}],
        AdverseEventClassification={"DutyOfCandour": True},
    )
    carried, moved = carry_over(event, "6")
    assert carried.groups == {
        "AdverseEventProcess": {"HealthcareProcess": ["3"]},
        "PatientInformation": [{"PatientSequence": 1, "AgeBracket": "9"}, {"PatientSequence": 2}],
        "AdverseEventGovernance": {"DutyOfCandour": True},
    }
    assert len(moved) == 3
    assert carried.taxonomy_version == "6"
    assert event == make_event(**event.groups), "the event itself is as it was"


def test_what_stands_there_already_is_not_overwritten():
    event = make_event(AdverseEventProcess={"Process": "3", "HealthcareProcess": ["4"]})
    carried, moved = carry_over(event, "6")
    assert carried.groups == event.groups
    assert moved == ()


def test_the_report_has_three_forms_and_no_content(filled):
    command = CommandLineHere(filled.settings.home)
    command._environment["LRMS_DATABASE_URL"] = filled.settings.database_url
    words = ("revalidate", "--to", "6", "--processes", "1")
    text = command(*words).stdout.decode()
    assert text.startswith("To version 6: 150 events of older versions; 30 have it")
    told = command.json(*words, "--format", "json")
    assert told == msgspec.to_builtins(revalidate(filled, "6"))
    rows = list(csv.DictReader(io.StringIO(command(*words, "--format", "csv").stdout.decode())))
    assert (rows[0]["by"], rows[0]["events"], rows[0]["refused"]) == (
        "all",
        "150",
        str(told["refused"]),
    )
    assert sum(row["by"] == "finding" for row in rows) == len(told["findings"])
    events = [decode_event(row.payload) for row in read_rows(filled.settings.database, revisions)]
    stories = [event.narrative for event in events if event.narrative]
    assert stories
    for written in (text, json.dumps(told)):
        assert not any(story in written for story in stories)
    assert command("revalidate", "--to", "6", "--format", "xml").returncode == 2

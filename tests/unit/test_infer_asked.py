"""What ``profile infer`` finds in one field about another: units of ages, who is a patient, times
of day in dates."""

import io
import json

import pytest

from gateway.profiles.infer import Inferred, infer_profile
from gateway.profiles.infer_asked import settle_units
from gateway.profiles.infer_choose import choose_targets
from gateway.profiles.infer_columns import describe_columns
from gateway.profiles.infer_model import Surroundings
from mappers.profile_load import parse_profile
from mappers.profile_model import Profile

STORY = "Somebody was found on the floor beside the bed: number %d."


def infer_persons(**changes: list[str]) -> Inferred:
    """A record of two rows for every even number: a patient, and somebody else."""
    columns = {
        "Incident ID": [],
        "Date": [],
        "Description": [],
        "Person type": [],
        "Age": [],
        "Age unit": [],
    }
    for number in range(20):
        for place in range(1 + (number + 1) % 2):
            row = [f"R{number}", "21/03/2025", STORY % number, ("Patient", "Visitor")[place]]
            row += [str(number % 9 + 1), ("Months", "Yrs")[number % 3 > 0]]
            for name, cell in zip(columns, row, strict=True):
                columns[name].append(cell)
    columns |= changes
    lines = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    return infer_profile(io.BytesIO("\n".join(lines).encode()), "feed.csv")


def profile_of(inferred: Inferred) -> Profile:
    return parse_profile(inferred.text, "feed.yaml")


def test_an_age_is_read_by_the_unit_beside_it():
    inferred = infer_persons()
    patients = profile_of(inferred).patients
    assert patients is not None
    rules = patients.elements["Age"]
    assert isinstance(rules, list)
    told = {rule.age: rule.when[0]["Age unit"].any for rule in rules if rule.when}
    assert told == {"years": ["Yrs"], "months": ["Months"]}
    assert profile_of(inferred).ignored["Age unit"] == "the unit of Age"
    assert not any("is taken for years" in one for one in inferred.draft.todo)


def test_a_list_that_is_no_units_does_not_say_how_an_age_is_read():
    inferred = infer_persons(**{"Age unit": ["North", "South"] * 15})
    assert "age: years" in inferred.text
    assert any("is taken for years" in one for one in inferred.draft.todo)


def test_only_the_rows_of_patients_make_patients_and_that_is_asked():
    inferred = infer_persons()
    patients = profile_of(inferred).patients
    assert patients is not None
    assert patients.rows
    assert patients.when is not None
    assert patients.when[0]["Person type"].any == ["Patient"]
    assert (
        'Only where "Person type" is "Patient" a person is taken for a patient, not where it is'
        ' "Visitor": right?'
    ) in inferred.draft.todo


def test_a_word_that_may_be_somebodys_is_not_named_among_the_others():
    others = ["Patient", "Mr Zebedee Quux", "Patient"] * 10
    assert "Zebedee" not in infer_persons(**{"Person type": others}).text


def test_of_people_below_one_another_only_the_patients_count():
    records = [
        {
            "ref": f"R{number}",
            "occurredAt": f"2025-03-{number + 10}T14:30:00Z",
            "whatHappened": STORY % number,
            "people": [
                {"kind": "Patient", "sex": "F", "harm": "Low", "age": {"n": 4, "unit": "months"}},
                {"kind": "Staff", "sex": "M", "harm": "None", "age": {"n": 44, "unit": "years"}},
            ],
        }
        for number in range(10)
    ]
    inferred = infer_profile(io.BytesIO(json.dumps(records).encode()), "feed.json")
    profile = profile_of(inferred)
    assert profile.patients is not None
    assert profile.patients.at == "/people"
    assert profile.patients.when is not None
    assert profile.patients.when[0]["/kind"].any == ["Patient"]
    # The day of the event has its time of day with it.
    assert profile.event_date is not None
    assert profile.event_date.field == "/occurredAt"
    time = profile.elements["/occurredAt"]
    assert not isinstance(time, list)
    assert time.to == "AdverseEventEstimatedDate.PreciseTime"


def test_midnight_everywhere_is_no_time_of_day():
    rows = [f"R{number},2025-03-{number + 10} 00:00:00,{STORY % number}" for number in range(10)]
    raw = "\n".join(["Ref,Incident date,Description", *rows])
    inferred = infer_profile(io.BytesIO(raw.encode()), "feed.csv")
    assert "field: Incident date" in inferred.text
    assert "PreciseTime" not in inferred.text


@pytest.mark.parametrize(("times", "target"), [(["0930", "2315"], True), (["0930", "7777"], False)])
def test_four_digits_named_a_time_are_one(times: list[str], target: bool):
    records = [{"Ref": str(one), "Time of incident": times[one % 2]} for one in range(10)]
    columns = describe_columns(records, records[0])
    drafts = choose_targets(columns, Surroundings("5", 0, "Ref", None), {})
    settle_units(columns, drafts)
    guess = drafts[1].guess
    assert (guess is not None and guess.target.endswith(".PreciseTime")) is target
    assert drafts[1].field.formats == (["HHMM"] if target else [])


def test_several_texts_for_an_element_that_takes_one_are_told():
    records = [
        {"ref": f"R{one}", "whatHappened": STORY % one, "actions": ["Doctor informed", "Bed rails"]}
        for one in range(5)
    ]
    inferred = infer_profile(io.BytesIO(json.dumps(records).encode()), "feed.json")
    assert any(
        '"/actions" has up to 2 values' in one and "MAP-055" in one for one in inferred.draft.todo
    )

"""Organisations named instead of coded: which names mean which organisation."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import word_fix, word_message
from schemas.submission import Organisation
from tests.lib.events import make_event, make_submission
from validation import organisation_names
from validation.organisation_names import normal_name, resolve_names

REPORTER = "PractitionerDetails.ReporterOrganisation"
PLACES = "LocationDetails.Organisation"
REGISTER = {
    one.code: one
    for one in (
        Organisation("RZA", "Northmoor University Hospitals NHS Foundation Trust"),
        Organisation("RZB", "St Hilda's & St Bede's Hospitals NHS Trust"),
        Organisation("Z99001", "The Surgery", closed=date(2020, 4, 1)),
        Organisation("Z99002", "The Surgery"),
        Organisation("Z99003", "The Surgery", opened=date(2027, 4, 1)),
        Organisation("Z99004", "Park Practice"),
        Organisation("Z99005", "Park Practice"),
        Organisation("RZC", "Old Calder Trust", closed=date(2020, 4, 1), successor="RZA"),
        Organisation("RZD", "***"),
    )
}
SUBMISSION = make_submission(register=REGISTER)


def resolve(name, *, path=REPORTER, event=None, submission=SUBMISSION):
    names = name if isinstance(name, list) else [name]
    return resolve_names(event or make_event(), {path: names}, submission)


def test_no_names_give_the_very_same_event():
    event = make_event()
    assert resolve_names(event, {}, SUBMISSION) == (event, [])
    assert resolve_names(event, {}, SUBMISSION)[0] is event


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Northmoor University Hospitals NHS Foundation Trust", "RZA"),
        ("NORTHMOOR UNIVERSITY HOSPITALS NHS FOUNDATION TRUST", "RZA"),
        ("  Northmoor  University\tHospitals (NHS Foundation Trust)", "RZA"),
        ("St Hilda's & St Bede's Hospitals NHS Trust", "RZB"),
        ("St. Hilda’s and St. Bede’s Hospitals NHS Trust", "RZB"),
        ("Northmoor University Hospitals N.H.S. Foundation Trust", "RZA"),
        ("RZB", "RZB"),
        (" RZB ", "RZB"),
        ("Old Calder Trust", "RZC"),
    ],
)
def test_a_name_is_that_of_one_organisation(name, code):
    event, findings = resolve(name)
    assert event.reporter_organisation == code
    assert findings == []


@pytest.mark.parametrize("name", ["Northmoor", "University Hospitals", "Northmoor Trust", "***"])
def test_nothing_is_guessed(name):
    before = make_event()
    event, (finding,) = resolve(name, event=before)
    assert (finding.code, finding.severity, finding.path) == ("ORG-007", "error", REPORTER)
    assert event == before
    assert name not in word_message(finding) + word_fix(finding)


def test_the_only_one_open_on_the_day_of_the_event_is_meant():
    assert resolve("The Surgery")[0].reporter_organisation == "Z99002"
    early = make_event(event_date="2019-06-01")
    event, (finding,) = resolve("The Surgery", event=early)
    assert finding.code == "ORG-006", "two were open then"
    assert event == early


def test_the_day_of_receipt_stands_in_for_an_unknown_day():
    unknown = make_event(event_date=None)
    assert resolve("The Surgery", event=unknown)[0].reporter_organisation == "Z99002"


def test_a_name_of_several_names_the_candidates():
    _, (finding,) = resolve(["Old Calder Trust", "Park Practice"], path=PLACES)
    assert (finding.code, finding.path) == ("ORG-006", f"{PLACES}[1]")
    assert "2 organisations in the register: Z99004, Z99005" in word_message(finding)


def test_candidates_without_end_are_cut_short():
    many = {f"Z9{n:04d}": Organisation(f"Z9{n:04d}", "The Clinic") for n in range(30)}
    _, (finding,) = resolve("The Clinic", submission=make_submission(register=many))
    assert word_message(finding).endswith("Z90006, Z90007 …")
    assert finding.params["count"] == 30


def test_a_list_takes_all_names_in_the_order_of_their_codes_each_once():
    names = ["St Hildas and St Bedes Hospitals NHS Trust", "Old Calder Trust", "old calder trust"]
    event, findings = resolve(names, path=PLACES, event=make_event())
    assert event.codes(*PLACES.split(".")) == ["RZA", "RZB", "RZC"], "beside the code it had"
    assert findings == []


def test_the_names_that_are_known_stay_where_others_are_not():
    event, findings = resolve(["nowhere", "Old Calder Trust", " "], path=PLACES)
    assert "RZC" in event.codes(*PLACES.split("."))
    assert [finding.path for finding in findings] == [f"{PLACES}[0]"]


def test_the_event_given_is_not_changed():
    event = make_event()
    before = event.reporter_organisation
    resolve("Old Calder Trust", event=event)
    assert event.reporter_organisation == before


def test_the_index_is_made_once_for_a_register(monkeypatch):
    register = {"RZA": Organisation("RZA", "Northmoor")}
    calls = []
    monkeypatch.setattr(
        organisation_names, "normal_name", lambda name: calls.append(name) or normal_name(name)
    )
    submission = make_submission(register=register)
    for _ in range(5):
        resolve("northmoor", submission=submission)
    assert calls.count("Northmoor") == 1
    other = make_submission(register={"RZB": Organisation("RZB", "Northmoor")})
    assert resolve("northmoor", submission=other)[0].reporter_organisation == "RZB"
    assert resolve("northmoor", submission=submission)[0].reporter_organisation == "RZA"


@settings(deadline=None, max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from([REPORTER, PLACES, "PatientInformation.PhysicalHarm", "No.Such", ""]),
        st.lists(st.one_of(st.text(max_size=30), st.sampled_from(["RZA", "The Surgery"]))),
    ),
    st.sampled_from(["5", "6", "99"]),
)
def test_it_never_raises(names, version):
    resolve_names(make_event(taxonomy_version=version), names, SUBMISSION)


def test_a_name_from_before_a_renaming_is_still_its_name():
    renamed = Organisation("RX1", "New Calder Trust", former_names=("Calder Hospitals", "Calder"))
    submission = make_submission(register={**REGISTER, "RX1": renamed})
    for name in ("New Calder Trust", "CALDER HOSPITALS", "Calder"):
        event, findings = resolve(name, submission=submission)
        assert (event.reporter_organisation, findings) == ("RX1", [])


def test_a_name_belongs_to_whoever_has_it_now():
    former = Organisation("RX1", "New Calder Trust", former_names=("Park Practice", "The Vale"))
    now = Organisation("RX2", "The Vale")
    submission = make_submission(register={**REGISTER, "RX1": former, "RX2": now})
    assert resolve("The Vale", submission=submission)[0].reporter_organisation == "RX2"
    _, (finding,) = resolve("Park Practice", submission=submission)
    assert (finding.code, finding.params["candidates"]) == ("ORG-006", "Z99004, Z99005")


def test_a_former_name_of_two_is_not_guessed():
    two = {code: Organisation(code, code, former_names=("The Vale",)) for code in ("RX1", "RX2")}
    _, (finding,) = resolve("The Vale", submission=make_submission(register=two))
    assert finding.code == "ORG-006"

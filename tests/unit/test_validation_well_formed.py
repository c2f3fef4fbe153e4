"""What rules see of an event whose groups are not what they should be."""

from tests.lib.events import make_event, make_patient, make_submission
from validation.validate import validate_event
from validation.well_formed import keep_well_formed


def test_what_has_no_shape_is_taken_out_and_patients_keep_their_positions():
    event = make_event(
        PatientInformation=["x", make_patient(PhysicalHarm=["1"], PsychologicalHarm=[None])],
        AdverseEventAgent=[{"InvolvedAgents": ["3"]}],
        AdverseEventOutcome={"OutcomeType": ["1", 2], "WentWell": "The team acted at once."},
        DetectionFactors={"DetectionPoint": {"code": "4"}},
    )
    groups = keep_well_formed(event).groups
    patient = make_patient(PhysicalHarm=["1"], PsychologicalHarm=None)
    assert groups["PatientInformation"] == [{}, patient]
    assert "AdverseEventAgent" not in groups
    assert groups["AdverseEventOutcome"] == {"WentWell": "The team acted at once."}
    assert groups["DetectionFactors"] == {}


def test_an_event_in_good_shape_stays_as_it_is():
    assert keep_well_formed(make_event()) == make_event()


def test_rules_are_told_beside_what_the_taxonomy_finds():
    event = make_event(
        event_date="2030-01-01",
        PatientInformation=["x", make_patient(PhysicalHarm="1", PsychologicalHarm="4")],
    )
    found = [(one.code, one.path) for one in validate_event(event, make_submission())]
    assert found == [
        ("TAX-010", "PatientInformation[0]"),
        ("RULE-052", "event_date"),
        ("RULE-010", "PatientInformation[1].PsychologicalHarm"),
    ]

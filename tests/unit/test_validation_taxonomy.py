"""What the taxonomy check says, and how: codes with labels, places, strictness."""

import pytest

from schemas.catalogue import word_fix, word_message
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.events import make_event, make_patient, make_submission, set_element
from validation.accepted_codes import list_accepted, word_accepted
from validation.taxonomy_check import check_taxonomy
from validation.validate import validate_event


def test_an_unknown_code_is_told_with_the_codes_and_labels_that_are_accepted():
    event = make_event(AdverseEventAgent={"InvolvedAgents": ["99"]})
    (finding,) = check_taxonomy(event)
    assert word_message(finding).startswith(
        "'99' is not a code of agent-type; accepted: 4 Medications, 3 Devices, "
    )


def test_no_label_is_cut_and_a_long_list_is_codes_only():
    assert list_accepted("5", "never-event-type").count(" ") > 100
    devices = list_accepted("5", "device-type").split(", ")
    assert len(devices) == 93
    assert all(len(code) <= 4 for code in devices)


def test_of_a_very_long_list_the_first_codes_and_their_number_are_told():
    accepted = list_accepted("5", "specialty")
    assert accepted.startswith("2, ")
    assert accepted.endswith(" … (202 codes)")
    assert len(accepted) < 100


def test_every_list_is_of_a_length_that_can_be_read():
    for version in TAXONOMY_VERSIONS:
        for value_set in get_taxonomy(version).code_systems:
            assert len(list_accepted(version, value_set)) <= 800


@pytest.mark.parametrize("sent", ["devices", "Devices", "03", " 3 "])
def test_the_code_that_was_meant_is_named(sent):
    assert word_accepted("5", "agent-type", sent).endswith("(did you mean 3 Devices?)")


@pytest.mark.parametrize("sent", ["99", "", "device", "0", None, 3, []])
def test_nothing_is_guessed(sent):
    assert "did you mean" not in word_accepted("5", "agent-type", sent)


@pytest.mark.parametrize(("strict", "severity"), [(True, "error"), (False, "warning")])
def test_what_the_version_does_not_know_is_an_error_only_for_a_strict_source(strict, severity):
    event = make_event(NoSuchGroup={"A": "1"})
    event = set_element(event, "PatientInformation[0].NoSuchElement", "1")
    assert [
        (finding.code, finding.severity) for finding in check_taxonomy(event, strict=strict)
    ] == [
        ("TAX-006", severity),
        ("TAX-005", severity),
    ]
    found = validate_event(event, make_submission(strict=strict))
    assert {finding.severity for finding in found} == {severity}


def test_names_and_values_that_a_sender_invented_are_not_repeated():
    secret = "Mr Example of 1 Sample Street"
    event = make_event(
        **{secret: {"A": 1}},
        event_type=secret,
        event_date=secret,
        AdverseEventAgent={"InvolvedAgents": [secret], secret: secret},
        PatientInformation=[make_patient(PatientSequence=secret, PhysicalHarm=secret)],
    )
    findings = check_taxonomy(event)
    assert len(findings) == 7
    for finding in findings:
        told = f"{finding} {word_message(finding)} {word_fix(finding)}"
        assert "Example" not in told
        assert "Sample" not in told


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("AdverseEventGovernance.NeverEvent", "true", "'true' is not true or false"),
        ("AdverseEventGovernance.NeverEvent", 1, "'1' is not true or false"),
        ("AdverseEventAgent.DrugsInvolved", "Aspirin", "(7 characters) is not a list of values"),
        ("PatientInformation[0].PatientSequence", True, "'True' is not a whole number"),
        ("PatientInformation[0].PatientSequence", 1.5, "a number is not a whole number"),
        ("PatientInformation[0].PhysicalHarm", 4, "'4' is not a text (one code)"),
        ("LocationDetails.Organisation", {}, "a group is not a list of values"),
        ("LocationDetails.OrganisationOther", None, None),
    ],
)
def test_a_wrong_type_is_told_with_the_right_one(path, value, expected):
    findings = check_taxonomy(set_element(make_event(), path, value))
    assert [word_message(finding) for finding in findings] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("group", "value", "expected"),
    [
        ("AdverseEventAgent", [{}], "a list is not a group of elements"),
        ("PatientInformation", {}, "a group is not a list of groups"),
        ("PatientInformation", [3], "'3' is not a group of elements"),
        ("PatientInformation", [], "too few values: 0 given, at least 1 needed"),
        ("DetectionFactors", "x", "'x' is not a group of elements"),
    ],
)
def test_a_group_of_the_wrong_shape_is_told(group, value, expected):
    (finding,) = check_taxonomy(make_event(**{group: value}))
    assert word_message(finding) == expected


def test_text_that_is_not_unicode_is_told_and_not_raised():
    event = set_element(make_event(), "AdverseEventOutcome.WentWell", "\ud800")
    (finding,) = check_taxonomy(event)
    assert (finding.code, finding.path) == ("TAX-010", "AdverseEventOutcome.WentWell")


def test_a_missing_group_says_what_it_needs():
    (finding,) = check_taxonomy(make_event(PractitionerDetails=None))
    assert finding.code == "TAX-003"
    assert "PractitionerDetails" in word_fix(finding)
    assert "ReporterType" in word_fix(finding)


def test_of_an_unknown_version_nothing_more_is_said():
    event = make_event(taxonomy_version="7", event_type="9", narrative=None)
    assert [finding.code for finding in validate_event(event, make_submission())] == ["TAX-001"]

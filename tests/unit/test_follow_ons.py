"""One fault, one finding: what is left out, and above all what is not."""

import pytest

from gateway.pipeline.follow_ons import drop_follow_ons, drop_repeats
from mappers.fhir_read import FhirMapper
from schemas.catalogue import get_catalogue, mapping, narrative, organisations, rules, taxonomy
from schemas.record import SourceRecord
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy

AGENTS = "AdverseEventAgent.InvolvedAgents"
ESTIMATED = "AdverseEventEstimatedDate"


def drop(*findings, version="5"):
    return drop_follow_ons(findings, version)


LOST_DATE = mapping.BAD_DATE.at("event_date")
LOST_AGENT = mapping.UNKNOWN_LOCAL_CODE.at(f"{AGENTS}[0]")
WRONG = mapping.WRONG_VALUE
MISSING_LOCATION = taxonomy.MISSING_GROUP.at("LocationDetails")
MISSING_PATIENTS = taxonomy.MISSING_GROUP.at("PatientInformation")
MISSING_NARRATIVE = narrative.NARRATIVE_MISSING.at("narrative")

FOLLOWING = [
    (LOST_DATE, rules.DATE_MISSING.at("event_date")),
    (mapping.NOT_A_PROFILE_DATE.at("event_date"), rules.DATE_MISSING.at("event_date")),
    (mapping.SEVERAL_VALUES.at("event_date"), rules.DATE_MISSING.at("event_date")),
    (WRONG.at(f"{ESTIMATED}.ApproximateDate"), rules.DATE_MISSING.at("event_date")),
    (LOST_DATE, organisations.REPLACED_BY_SUCCESSOR.at("LocationDetails.Organisation[0]")),
    (rules.DATE_BEFORE_NHS.at("event_date"), organisations.OPENED_AFTER_EVENT.at("Any.One")),
    (rules.DATE_IN_FUTURE.at(f"{ESTIMATED}.TodaysDate"), organisations.OPENED_AFTER_EVENT.at("A")),
    (mapping.TWO_DIGIT_YEAR.at("event_date"), rules.DATE_MISSING.at("event_date")),
    (organisations.NAME_UNKNOWN.at("LocationDetails.Organisation[0]"), MISSING_LOCATION),
    (organisations.NAME_AMBIGUOUS.at("LocationDetails.Organisation[0]"), MISSING_LOCATION),
    (LOST_AGENT, rules.INCIDENT_WITHOUT_AGENTS.at(AGENTS)),
    (LOST_AGENT, rules.PROBLEM_WITHOUT_AGENT.at("AdverseEventProblemDevices")),
    (WRONG.at(f"{AGENTS}"), taxonomy.MISSING_ELEMENT.at(AGENTS)),
    (WRONG.at("PatientInformation[0].PatientSequence"), MISSING_PATIENTS),
    (WRONG.at("LocationDetails.LocationKnown"), MISSING_LOCATION),
    (mapping.WRONG_STRUCTURE.at("AdverseEventAgent"), rules.INCIDENT_WITHOUT_AGENTS.at(AGENTS)),
    (mapping.WRONG_STRUCTURE.at("AdverseEventAgent"), taxonomy.MISSING_ELEMENT.at(AGENTS)),
    (mapping.WRONG_STRUCTURE.at("narrative"), MISSING_NARRATIVE),
    (WRONG.at("AdverseEventCore.Description"), MISSING_NARRATIVE),
    (mapping.WRONG_STRUCTURE.at("", field="contained"), MISSING_LOCATION),
    (WRONG.at("AdverseEventGovernance.NeverEvent"),
     rules.NEVER_EVENT_TYPE_WITHOUT_FLAG.at("AdverseEventGovernance.NeverEventType")),
    (WRONG.at("PractitionerDetails.ReporterRole"),
     rules.TEXT_WITHOUT_OTHER.at("PractitionerDetails.ReporterRoleOther", element="ReporterRole")),
    (WRONG.at("PatientInformation[1].PatientSequence"),
     taxonomy.MISSING_ELEMENT.at("PatientInformation[1].PatientSequence")),
    (WRONG.at("PatientInformation[1].PatientSequence"),
     rules.PATIENT_SEQUENCE_BROKEN.at("PatientInformation")),
    (WRONG.at("PatientInformation[1].PhysicalHarm"),
     rules.ASSOCIATION_WITHOUT_SEVERE_HARM.at("PatientInformation[1].StrengthOfAssociation")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "follow_on"), FOLLOWING, ids=lambda one: f"{one.code}-{one.path}"
)
def test_what_only_follows_is_left_out(fault, follow_on):
    assert drop(fault, follow_on) == [fault]
    assert drop(follow_on) == [follow_on], "alone it is a fault of its own"


STAYING = [
    # Another element, another patient, another group.
    (LOST_DATE, rules.INCIDENT_WITHOUT_AGENTS.at(AGENTS)),
    (LOST_AGENT, rules.INCIDENT_WITHOUT_SAFETY_CHALLENGES.at("AdverseEventSafetyChallenges.X")),
    (WRONG.at("PatientInformation[0].PatientSequence"),
     taxonomy.MISSING_ELEMENT.at("PatientInformation[1].PatientSequence")),
    # An optional element was lost, and the required one was never sent.
    (WRONG.at("AdverseEventAgent.DrugsInvolved"), rules.INCIDENT_WITHOUT_AGENTS.at(AGENTS)),
    (WRONG.at("PatientInformation[0].PhysicalHarm"), MISSING_PATIENTS),
    # The value that was kept is wrong by itself.
    (mapping.REPEATED_ELEMENT.at(AGENTS), taxonomy.UNKNOWN_CODE.at(f"{AGENTS}[0]")),
    (LOST_AGENT, taxonomy.UNKNOWN_CODE.at(f"{AGENTS}[0]")),
    # A warning does not reject: then the rule must.
    (mapping.NO_VALUE.at(AGENTS, severity="warning"), taxonomy.MISSING_ELEMENT.at(AGENTS)),
    # The structure of something else than groups.
    (mapping.WRONG_STRUCTURE.at("", field="identifier"), rules.INCIDENT_WITHOUT_AGENTS.at(AGENTS)),
    (mapping.WRONG_STRUCTURE.at("", field="extension"), MISSING_NARRATIVE),
    # A day that is right.
    (LOST_AGENT, organisations.OPENED_AFTER_EVENT.at("LocationDetails.Organisation[0]")),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "other"), STAYING, ids=lambda one: f"{one.code}-{one.path}")
def test_nothing_else_is_lost(fault, other):
    assert drop(fault, other) == [fault, other]


def test_what_is_missed_is_an_element_or_can_be_worked_out():
    known = {
        f"{group.name}.{element.name}"
        for version in TAXONOMY_VERSIONS
        for group in get_taxonomy(version).groups
        for element in group.elements
    } | {"event_date", "narrative"}
    for entry in get_catalogue().values():
        assert all(name in known for name in entry.misses if name and not name.startswith("."))


def test_findings_of_patients_follow_them_when_they_are_sorted():
    def patient(*elements):
        return {"url": "x/patient-information-5", "extension": list(elements)}

    sequence = [{"url": "PatientSequence", "valueInteger": number} for number in (1, 2)]
    harm = {"url": "PhysicalHarm", "valueBoolean": True}
    extensions = [patient(sequence[1], harm), patient(sequence[0])]
    content = {
        "resourceType": "AdverseEvent",
        "type": {"coding": [{"code": "1"}]},
        "contained": [{"resourceType": "Patient", "id": "p", "extension": extensions}],
    }
    mapper = FhirMapper(strict=False, default_version="5")
    mapped = mapper.map_record(SourceRecord(1, "document", content, b""))
    assert [one.get("PatientSequence") for one in mapped.event.patients] == [1, 2]
    assert [finding.path for finding in mapped.findings] == ["PatientInformation[1].PhysicalHarm"]


def test_what_is_said_of_one_field_is_said_once():
    unknown, closed = organisations.UNKNOWN_ORGANISATION, organisations.REPLACED_BY_SUCCESSOR
    place, reporter = "LocationDetails.Organisation[0]", "PractitionerDetails.ReporterOrganisation"
    same = [unknown.at(place, "RP07", value="'X1'"), unknown.at(reporter, "RP07", value="'X1'")]
    others = [
        unknown.at(place, "site", value="'X1'"),
        unknown.at(place, "RP07", value="'X2'"),
        closed.at(place, "RP07", value="'X1'"),
        # Where it stands is not known: it may be two.
        unknown.at(place, value="'X3'"),
        unknown.at(reporter, value="'X3'"),
        # Not of organisations: two patients of one path are two.
        WRONG.at("PatientInformation[0].Gender", "/people/*/sex"),
        WRONG.at("PatientInformation[1].Gender", "/people/*/sex"),
    ]
    assert drop_repeats([*same, *others]) == [same[0], *others]

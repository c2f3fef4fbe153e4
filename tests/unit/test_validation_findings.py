"""For every finding code of validation: an event that raises it, and one that just does not."""

from typing import NamedTuple

import pytest

from schemas.catalogue import AREAS, get_catalogue, word_fix, word_message
from schemas.event import NationalEvent
from schemas.finding import Finding, FindingCode
from schemas.submission import Submission
from tests.lib.events import (
    CLOSED,
    CLOSED_FOR_GOOD,
    EVENT_DATE,
    NARRATIVE,
    NOT_YET_OPEN,
    OTHER_TRUST,
    TRUST_SITE,
    UNKNOWN_ORGANISATION,
    make_event,
    make_patient,
    make_submission,
    set_element,
)
from validation.organisations import resolve_organisations
from validation.validate import validate_event

OURS = ("TAX", "RULE", "ORG", "TEXT")
WHEN = "AdverseEventEstimatedDate"
AGENT = "AdverseEventAgent"
CHALLENGES = "AdverseEventSafetyChallenges"
GOVERNANCE = "AdverseEventGovernance"


class Case(NamedTuple):
    """``raises`` gives the finding at ``path`` and nothing else; ``passes`` gives nothing."""

    code: str
    path: str
    raises: NationalEvent
    passes: NationalEvent
    also: tuple[str, ...] = ()


def change(path: str, wrong: object, right: object, event_type: str = "1", version: str = "5"):
    """The two events that differ from a valid one in one element."""
    event = make_event(event_type, version)
    return set_element(event, path, wrong), set_element(event, path, right)


def patients(*patients: dict) -> NationalEvent:
    return make_event(PatientInformation=list(patients))


def governance(**elements: object) -> NationalEvent:
    return make_event(AdverseEventGovernance=elements)


def challenges(*codes: str, **elements: str) -> NationalEvent:
    return make_event(AdverseEventSafetyChallenges={"SafetyChallenges": list(codes)} | elements)


def when(event_date: str | None = EVENT_DATE, **elements: str) -> NationalEvent:
    return make_event(event_date=event_date, AdverseEventEstimatedDate=elements)


def where(**elements: object) -> NationalEvent:
    return make_event(LocationDetails=elements)


def agents(*codes: str, **elements: object) -> NationalEvent:
    return make_event(AdverseEventAgent={"InvolvedAgents": list(codes)} | elements)


TAXONOMY_CASES = [
    Case("TAX-001", "taxonomy_version", make_event(taxonomy_version="3"), make_event(version="4")),
    Case("TAX-002", "event_type", make_event(event_type="9"), make_event("4")),
    Case("TAX-003", "LocationDetails", make_event(LocationDetails=None), where(LocationKnown="y")),
    Case(
        "TAX-004",
        "PatientInformation[0].PatientSequence",
        patients(make_patient(PatientSequence=None)),
        patients(make_patient()),
    ),
    Case("TAX-005", "NoSuchGroup", make_event(NoSuchGroup={"A": "1"}), make_event()),
    Case(
        "TAX-006",
        "PatientInformation[0].Gender",
        make_event(version="6", PatientInformation=[make_patient(1, "6", Gender="1")]),
        make_event(version="5", PatientInformation=[make_patient(1, "5", Gender="1")]),
    ),
    Case("TAX-007", f"{AGENT}.InvolvedAgents[2]", agents("3", "4", "99"), agents("3", "4", "10")),
    Case("TAX-008", f"{CHALLENGES}.SafetyChallenges", challenges(), challenges("2")),
    Case(
        "TAX-009",
        f"{AGENT}.DrugsInvolved",
        *change(f"{AGENT}.DrugsInvolved", ["Aspirin"] * 101, ["Aspirin"] * 100),
    ),
    Case(
        "TAX-010",
        "PatientInformation[0].PatientSequence",
        *change("PatientInformation[0].PatientSequence", "1", 1),
    ),
    Case(
        "TAX-011", f"{WHEN}.TodaysDate", *change(f"{WHEN}.TodaysDate", "2026-02-30", "2026-02-28")
    ),
    Case("TAX-012", f"{WHEN}.PreciseTime", *change(f"{WHEN}.PreciseTime", "02:40", "02:40:00")),
    Case(
        "TAX-013",
        "narrative",
        make_event(narrative="x" * 1_000_001),
        make_event(narrative="x" * 1_000_000),
    ),
    Case("TAX-014", f"{AGENT}.SabreReportNumber", *change(f"{AGENT}.SabreReportNumber", "", "S1")),
    Case(
        "TAX-015",
        "PatientInformation[0].AgeAtTimeOfIncidentDays",
        patients(make_patient(AgeAtTimeOfIncidentDays=2**31)),
        patients(make_patient(AgeAtTimeOfIncidentDays=372)),
        also=("RULE-013",),
    ),
]

RULE_CASES = [
    Case(
        "RULE-001",
        f"{AGENT}.InvolvedAgents",
        make_event(
            AdverseEventAgent=None,
            AdverseEventProblemMedication=None,
            AdverseEventProblemDevices=None,
        ),
        make_event("4", AdverseEventAgent=None),
    ),
    Case(
        "RULE-002",
        f"{CHALLENGES}.SafetyChallenges",
        make_event(AdverseEventSafetyChallenges=None),
        make_event("3", AdverseEventSafetyChallenges=None),
    ),
    Case(
        "RULE-003",
        "AdverseEventRiskDetails.RiskImminent",
        make_event("2", AdverseEventRiskDetails=None),
        make_event("2", AdverseEventRiskDetails={"RiskImminent": "u"}),
    ),
    Case(
        "RULE-004",
        "AdverseEventRiskDetails.RiskDescription",
        make_event("2", narrative=None, AdverseEventRiskDetails={"RiskImminent": "y"}),
        make_event("2", AdverseEventRiskDetails={"RiskImminent": "y"}),
    ),
    Case(
        "RULE-005",
        "AdverseEventOutcome.OutcomeType",
        make_event("3", AdverseEventOutcome={"ImmediateActions": "Seen by the consultant."}),
        make_event("3", AdverseEventOutcome={"OutcomeType": ["1"]}),
    ),
    Case(
        "RULE-006",
        "AdverseEventWentWell.HowFutureOccurrence",
        make_event("4", AdverseEventWentWell=None),
        make_event("1", AdverseEventWentWell=None),
    ),
    Case(
        "RULE-010",
        "PatientInformation[1].PsychologicalHarm",
        patients(make_patient(), make_patient(2, PhysicalHarm="1", PsychologicalHarm="4")),
        patients(make_patient(), make_patient(2, PhysicalHarm="1", PsychologicalHarm=None)),
    ),
    Case(
        "RULE-011",
        "PatientInformation[0].StrengthOfAssociation",
        patients(make_patient(PhysicalHarm="3", PsychologicalHarm="2", StrengthOfAssociation="5")),
        patients(make_patient(PhysicalHarm="2", PsychologicalHarm="2", StrengthOfAssociation="5")),
    ),
    Case(
        "RULE-012",
        "PatientInformation",
        patients(make_patient(1), make_patient(3)),
        patients(make_patient(2), make_patient(1)),
    ),
    Case(
        "RULE-013",
        "PatientInformation[0].AgeAtTimeOfIncidentDays",
        patients(make_patient(AgeAtTimeOfIncidentDays=365)),
        patients(make_patient(AgeAtTimeOfIncidentDays=372)),
    ),
    Case(
        "RULE-014",
        "PatientInformation[0].AgeBracket",
        patients(make_patient(AgeBracket="9")),
        patients(make_patient(AgeBracket="9", AgeAtTimeOfIncidentDays=None)),
    ),
    Case(
        "RULE-020",
        "PractitionerDetails.ReporterRoleOther",
        *change("PractitionerDetails.ReporterRole", "9", "8"),
    ),
    Case(
        "RULE-021",
        f"{AGENT}.InvolvedPersonsActionsOther",
        agents("3", "4", InvolvedPersonsActions=["1"], InvolvedPersonsActionsOther="A volunteer"),
        agents("3", "4", InvolvedPersonsActions=["1", "5"], InvolvedPersonsActionsOther="A guest"),
    ),
    Case("RULE-030", "AdverseEventProblemDevices", agents("4"), agents("4", "3")),
    Case(
        "RULE-031",
        "AdverseEventProblemMedication.DrugUsedTooMuch",
        *change("AdverseEventProblemMedication.DrugInvolvementFactors", ["2"], ["1", "2"]),
    ),
    Case(
        "RULE-040",
        f"{CHALLENGES}.RadiotherapyIncidentCode",
        challenges("2", RadiotherapyIncidentCode="TSRT9"),
        challenges("2", "4", RadiotherapyIncidentCode="TSRT9"),
    ),
    Case(
        "RULE-041",
        f"{CHALLENGES}.MarvinReferenceNumber",
        challenges("4", MarvinReferenceNumber="M1"),
        challenges("7", MarvinReferenceNumber="M1"),
    ),
    Case(
        "RULE-042",
        f"{GOVERNANCE}.NeverEventType",
        governance(NeverEvent=False, NeverEventType="1"),
        governance(NeverEvent=True, NeverEventType="1"),
    ),
    Case(
        "RULE-043",
        f"{GOVERNANCE}.NeverEventType",
        governance(NeverEvent=True),
        governance(NeverEvent=False),
    ),
    Case(
        "RULE-044",
        f"{GOVERNANCE}.CqcCriteria",
        governance(CqcCriteria=["2"]),
        governance(CqcCriteria=["2"], CqcNotify=True),
    ),
    Case(
        "RULE-050",
        "event_date",
        when("2026-11-02", IncidentOccurredToday="y", TodaysDate="2026-11-03"),
        when("2026-11-03", IncidentOccurredToday="y", TodaysDate="2026-11-03"),
    ),
    Case(
        "RULE-051",
        "event_date",
        when(None, IncidentOccurredToday="n"),
        when(None, IncidentOccurredToday="n", ApproximateDate="2026"),
    ),
    Case(
        "RULE-052",
        "event_date",
        make_event(event_date="2026-11-21"),
        make_event(event_date="2026-11-20"),
    ),
    Case(
        "RULE-053",
        "event_date",
        make_event(event_date="1948-07-04"),
        make_event(event_date="1948-07-05"),
    ),
    Case(
        "RULE-054",
        f"{WHEN}.ApproximateDate",
        when(ApproximateDate="2026-13"),
        when(ApproximateDate="2026-10"),
    ),
    Case(
        "RULE-055",
        f"{WHEN}.EstimatedTime",
        when(PreciseTime="02:40:00", EstimatedTime="2"),
        when(EstimatedTime="2"),
    ),
    Case(
        "RULE-060",
        "LocationDetails.Organisation",
        where(LocationKnown="n"),
        where(LocationKnown="n", OrganisationOther="A clinic abroad"),
    ),
]

ORGANISATION_CASES = [
    Case(
        "ORG-001",
        "LocationDetails.Organisation[1]",
        where(Organisation=["RZA", UNKNOWN_ORGANISATION]),
        where(Organisation=["RZA", OTHER_TRUST]),
    ),
    Case(
        "ORG-002",
        "PractitionerDetails.ReporterOrganisation",
        *change("PractitionerDetails.ReporterOrganisation", OTHER_TRUST, TRUST_SITE),
    ),
    Case(
        "ORG-003",
        "LocationDetails.Organisation[0]",
        where(Organisation=[CLOSED]),
        make_event(event_date="2020-03-31", LocationDetails={"Organisation": [CLOSED]}),
    ),
    Case(
        "ORG-004",
        "LocationDetails.IdentifiedLocation",
        where(IdentifiedLocation=CLOSED_FOR_GOOD),
        make_event(
            event_date="2022-09-30", LocationDetails={"IdentifiedLocation": CLOSED_FOR_GOOD}
        ),
    ),
    Case(
        "ORG-005",
        "LocationDetails.Organisation[0]",
        where(Organisation=[NOT_YET_OPEN]),
        make_event(event_date="2026-11-10", LocationDetails={"Organisation": [NOT_YET_OPEN]}),
    ),
]

TEXT_CASES = [
    Case("TEXT-001", "narrative", make_event(narrative=None), make_event("3", narrative=None)),
    Case(
        "TEXT-002",
        "narrative",
        make_event("4", narrative="It helped"),
        make_event(narrative="x" * 10),
    ),
    Case(
        "TEXT-003",
        "narrative",
        make_event(narrative=f"{NARRATIVE} NHS 9990000018."),
        make_event(narrative=f"{NARRATIVE} Batch 9990000018."),
    ),
    Case(
        "TEXT-004",
        "AdverseEventOutcome.ImmediateActions",
        make_event("3", AdverseEventOutcome={"OutcomeType": ["1"], "ImmediateActions": "a@b.org"}),
        make_event("3", AdverseEventOutcome={"OutcomeType": ["1"], "ImmediateActions": "5 @ 9"}),
    ),
    Case(
        "TEXT-005",
        "narrative",
        make_event(narrative=f"{NARRATIVE} Call 01632 960123."),
        make_event(narrative=f"{NARRATIVE} Call 0163."),
    ),
    Case(
        "TEXT-006",
        "PatientInformation[0].ClinicalOutcome",
        patients(make_patient(ClinicalOutcome="Discharged to ZZ1 1ZZ.")),
        patients(make_patient(ClinicalOutcome="Given vitamin B12 5MG.")),
    ),
    Case(
        "TEXT-007",
        "narrative",
        make_event(narrative=f"{NARRATIVE} Mrs Example agreed."),
        make_event(narrative=f"{NARRATIVE} Sister ward agreed."),
    ),
]

CASES = [*TAXONOMY_CASES, *RULE_CASES, *ORGANISATION_CASES, *TEXT_CASES]


def judge(event: NationalEvent, submission: Submission | None = None) -> list[Finding]:
    submission = submission or make_submission()
    event, findings = resolve_organisations(event, submission)
    return findings + validate_event(event, submission)


@pytest.mark.parametrize("case", CASES, ids=[case.code for case in CASES])
def test_the_code_is_raised_at_its_place_and_alone(case):
    findings = judge(case.raises)
    assert {finding.code for finding in findings} - set(case.also) == {case.code}
    found = next(finding for finding in findings if finding.code == case.code)
    assert found.path == case.path


@pytest.mark.parametrize("case", CASES, ids=[case.code for case in CASES])
def test_the_near_miss_gives_no_finding(case):
    assert judge(case.passes) == []


@pytest.mark.parametrize("case", CASES, ids=[case.code for case in CASES])
def test_the_wording_is_complete(case):
    for finding in judge(case.raises):
        for text in (word_message(finding), word_fix(finding)):
            assert text
            assert "{" not in text


def test_every_code_of_validation_has_a_case():
    by_name = {"ORG-006", "ORG-007"}  # of names, not of events: test_validation_organisation_names
    ours = {code for code in get_catalogue() if code.split("-")[0] in OURS} - by_name
    assert {case.code for case in CASES} == ours


@pytest.mark.parametrize("area", OURS)
def test_entries_are_written_for_a_vendor_developer(area):
    for entry in vars(AREAS[area]).values():
        if isinstance(entry, FindingCode):
            assert entry.example.endswith("."), entry.code
            assert entry.fix.endswith("."), entry.code
            assert not entry.message.endswith("."), entry.code
            assert entry.title[0].isupper(), entry.code

"""Synthetic national events: plausible, varied, and within every rule of the national schema."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from gateway.generator.circumstances import (
    DETECTION_POINTS,
    WORRIES,
    make_governance,
    make_location,
    make_reporter,
    make_time,
)
from gateway.generator.draw import Draw
from gateway.generator.kinds import Kind, load_kinds
from gateway.generator.narratives import plant_identifier, tell, tell_incident
from gateway.generator.patients import make_patient, make_patients
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, PATIENTS, RISK, Group, Groups, NationalEvent
from schemas.submission import Organisation

# Feeds end here by default: a fixed day, so that the same seed is the same feed on every day, and
# one that lies behind us, whatever the clock of the machine that reads them says.
UNTIL = date(2025, 6, 30)

_TYPES = (INCIDENT, RISK, OUTCOME, GOOD_CARE)
_TYPE_WEIGHTS = (93.0, 96.0, 98.5, 100.0)
_PROBLEM_TEXTS = {
    "AdverseEventProblemPeople": "ProblemDescriptionActions",
    "AdverseEventProblemMedication": "ProblemDescriptionDrugs",
    "AdverseEventProblemDevices": "ProblemDescriptionDevices",
    "AdverseEventProblemITSystems": "ProblemDescriptionSystemsSoftware",
    "AdverseEventProblemBuildingsInfrastructure": "BuildingsInfrastructureProblem",
    "AdverseEventProblemEstatesServices": "EstatesServicesProblem",
    "AdverseEventProblemBlood": "BloodProblem",
    "AdverseEventProblemBloodProducts": "BloodProductsProblem",
    "AdverseEventProblemTissuesOrgans": "ProblemDescriptionTissuesOrgans",
}


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed's events have in common. ``organisations`` are the reporters' codes;
    ``elsewhere`` is the share that happened at another organisation of ``register``;
    ``identifiers`` the share whose narrative has a synthetic identifier planted in it."""

    version: str
    seed: int
    organisations: Sequence[str]
    register: Sequence[Organisation]
    elsewhere: float = 0.08
    identifiers: float = 0.0
    until: date = UNTIL


class EventMaker:
    """Makes the event of any record number; equal settings and number, equal event."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._version = setting.version
        self._kinds = load_kinds(setting.version)
        self._draw = Draw(setting.seed)
        self._days = [(setting.until - timedelta(days=n)).isoformat() for n in range(365)]
        self._open = [
            one.code
            for one in setting.register
            if one.closed is None and one.code not in setting.organisations
        ]

    def make(self, number: int) -> NationalEvent:
        draw = self._draw
        draw.restart(number)
        event_type = draw.weighted(_TYPES, _TYPE_WEIGHTS)
        groups: Groups = {}
        event_date, groups["AdverseEventEstimatedDate"] = make_time(draw, self._days)
        groups["AdverseEventReferenceMetadata"] = {
            "FromOnlineForms": False,
            "IsAnonymous": False,
            "DataSharingOptOut": draw.chance(0.02),
        }
        narrative = self._fill(event_type, groups)
        if draw.chance(self._setting.identifiers):
            narrative = plant_identifier(draw, narrative)
        return NationalEvent(
            taxonomy_version=self._version,
            event_type=event_type,
            event_date=event_date,
            narrative=narrative,
            groups=groups,
        )

    def _fill(self, event_type: str, groups: Groups) -> str:
        if event_type == INCIDENT:
            return self._fill_incident(groups)
        if event_type == RISK:
            return self._fill_risk(groups)
        if event_type == OUTCOME:
            return self._fill_outcome(groups)
        return self._fill_good_care(groups)

    def _fill_incident(self, groups: Groups) -> str:
        draw, kinds = self._draw, self._kinds
        kind = draw.weighted(kinds.kinds, kinds.cumulated)
        patients = make_patients(draw, kind, kinds, self._version)
        if patients:
            groups[PATIENTS] = patients
        harmed = any(patient["PhysicalHarm"] in ("1", "2", "3") for patient in patients)
        case = draw.number(0, len(kind.what) - 1)
        # The problems of a kind are shared between events, so their groups are copied.
        for name, group in kind.problems[kind.fits[case]].items():
            groups[name] = dict(group)
        self._describe_problems(groups)
        drug = draw.pick(kind.drugs) if kind.drugs else ""
        if drug:
            self._add_drug(groups, drug)
        challenges: Group = {"SafetyChallenges": list(kind.challenges)}
        groups["AdverseEventSafetyChallenges"] = challenges
        if kind.radiotherapy:
            challenges["RadiotherapyIncidentCode"] = f"TSRT9/13l/MD{draw.number(10, 13)}"
        self._add_assessment(groups, kind, harmed=harmed)
        self._add_place(groups, kind.service_areas, kind.specialties)
        return tell_incident(draw, kind, kinds, case, drug)

    def _describe_problems(self, groups: Groups) -> None:
        """Says more of each problem in its own text, and of people where nothing else is named."""
        draw, texts = self._draw, self._kinds.shared["problems"]
        agents = groups["AdverseEventAgent"]
        if self._version == "4" or not isinstance(agents, dict):
            return
        if agents["InvolvedAgents"] == ["10"]:
            groups.setdefault(
                "AdverseEventProblemPeople",
                {"PeopleInvolvementFactors": ["5"], "PeopleActionFactors": ["6"]},
            )
        for name, element in _PROBLEM_TEXTS.items():
            group = groups.get(name)
            if isinstance(group, dict) and draw.chance(0.8):
                group.setdefault(element, draw.pick(texts))

    def _add_drug(self, groups: Groups, drug: str) -> None:
        agent = groups["AdverseEventAgent"]
        if isinstance(agent, dict):
            agent["DrugsInvolved"] = [drug]
        if self._version == "6" and self._draw.chance(0.5):
            groups["MedicationDmd"] = [{"VTMString": [drug]}]

    def _add_assessment(self, groups: Groups, kind: Kind, *, harmed: bool) -> None:
        """Process, detection, outcome, level of concern, and what the version has of governance."""
        draw, version, shared = self._draw, self._version, self._kinds.shared
        process = draw.pick(kind.processes)
        groups["AdverseEventProcess"] = (
            {"HealthcareProcess": [process]} if version == "6" else {"Process": process}
        )
        outcome = groups.setdefault("AdverseEventOutcome", {})
        if isinstance(outcome, dict):
            outcome["ImmediateActions"] = draw.pick(shared["actions"])
            if draw.chance(0.7):
                outcome["WentWell"] = draw.pick(shared["went_well"])
        groups["DetectionFactors"] = {"DetectionPoint": draw.pick(DETECTION_POINTS)}
        concern: Group = {"LevelOfConcern": "5" if harmed else draw.pick(WORRIES)}
        groups["AdverseEventClassification"] = concern
        if version == "4":
            concern["DutyOfCandour"] = harmed
            return
        concern["PatientSafetyIncidentHasOccurred"] = "y"
        groups["AdverseEventGovernance"] = make_governance(draw, kind, harmed=harmed)

    def _add_place(
        self, groups: Groups, areas: Sequence[str], specialties: Sequence[str] = ()
    ) -> None:
        draw, setting = self._draw, self._setting
        reporter = draw.pick(setting.organisations)
        area = draw.pick(areas)
        where = draw.pick(self._open) if draw.chance(setting.elsewhere) else reporter
        groups["LocationDetails"] = make_location(draw, self._version, where, area, specialties)
        groups["PractitionerDetails"] = make_reporter(draw, reporter)

    def _fill_risk(self, groups: Groups) -> str:
        draw, texts = self._draw, self._kinds.others["risk"]
        what = draw.pick(texts["what"])
        themes = sorted(draw.pick(texts["themes"]))
        groups["AdverseEventRiskDetails"] = {
            "RiskDescription": what,
            "RiskTheme": themes,
            "RiskImminent": draw.pick(("y", "n", "n", "u")),
            "RiskServiceArea": ["1"],
            "RiskPopulation": draw.pick(texts["population"]),
            "RiskTimeframe": draw.pick(("1", "2", "3")),
        }
        groups["AdverseEventClassification"] = {"LevelOfConcern": draw.pick(WORRIES)}
        self._add_place(groups, ("1",))
        location = groups["LocationDetails"]
        if isinstance(location, dict):
            location["LocationAtRisk"] = draw.pick(("1", "1", "3"))
        return tell(draw, [what, draw.pick(texts["why"])], self._kinds.shared)

    def _fill_outcome(self, groups: Groups) -> str:
        draw, texts = self._draw, self._kinds.others["outcome"]
        position = draw.number(0, len(texts["what"]) - 1)
        groups["AdverseEventOutcome"] = {"OutcomeType": [texts["types"][position]]}
        groups[PATIENTS] = [
            make_patient(draw, None, self._kinds.shared["outcomes"], self._version, 1)
        ]
        groups["AdverseEventClassification"] = {"LevelOfConcern": draw.pick(WORRIES)}
        self._add_place(groups, ("1", "1", "4"), ("2", "42", "10"))
        return tell(draw, [texts["what"][position], draw.pick(texts["why"])], self._kinds.shared)

    def _fill_good_care(self, groups: Groups) -> str:
        draw, texts = self._draw, self._kinds.others["good_care"]
        groups["AdverseEventWentWell"] = {
            "StrengthsOfCare": draw.pick(texts["strengths"]),
            "HowFutureOccurrence": draw.pick(texts["again"]),
            "GoodCareDetectionFactor": draw.pick(("1", "2", "4")),
        }
        self._add_place(groups, ("1", "4", "6"))
        return tell(draw, [draw.pick(texts["what"]), draw.pick(texts["why"])], self._kinds.shared)

"""Synthetic national events: plausible, varied, and within every rule of the national schema."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from gateway.generator.draw import Draw
from gateway.generator.kinds import Kind, load_kinds
from gateway.generator.narratives import plant_identifier, tell, tell_incident
from gateway.generator.patients import make_patient, make_patients
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, PATIENTS, RISK, Group, Groups, NationalEvent
from schemas.submission import Organisation

# Feeds end here by default: a fixed day, so that the same seed is the same feed on every day.
UNTIL = date(2026, 10, 31)

_TYPES = (INCIDENT, RISK, OUTCOME, GOOD_CARE)
_TYPE_WEIGHTS = (93.0, 96.0, 98.5, 100.0)
_WORRIES = ("1", "1", "3", "3", "3", "4", "5")
_ROLES = ("5", "5", "5", "4", "3", "1", "2", "6")
_INVOLVEMENTS = ("1", "2", "2", "3", "4", "4", "5")
_DETECTION_POINTS = ("3", "4", "4", "4", "6", "7")
_PLACES = ("4", "4", "4", "4", "2", "3", "5", "9")
_SPECIAL_PLACES = {"4": "10", "17": "11", "9": "12", "12": "3", "3": "6", "8": "7", "7": "2"}
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
_PLACES_4 = frozenset("123456789")


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
        event_date, groups["AdverseEventEstimatedDate"] = self._make_time()
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

    def _make_time(self) -> tuple[str | None, Group]:
        draw = self._draw
        day = draw.number(0, 364)
        event_date: str | None = self._days[day]
        roll = draw.number(1, 100)
        times: Group = {"IncidentOccurredToday": "n"}
        if roll <= 40:
            times = {"IncidentOccurredToday": "y", "TodaysDate": self._days[day]}
        elif roll <= 70:
            times["TodaysDate"] = self._days[max(0, day - draw.number(1, 9))]
        elif roll > 96:
            times = {"IncidentOccurredToday": "u", "ApproximateDate": self._days[day][:7]}
            event_date = None
        if event_date is None:
            return event_date, times
        roll = draw.number(1, 100)
        if roll <= 50:
            quarter = draw.number(0, 95)
            times["PreciseTime"] = f"{quarter // 4:02d}:{quarter % 4 * 15:02d}:00"
        elif roll <= 90:
            times["EstimatedTime"] = str(draw.number(1, 6))
        return event_date, times

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
        groups["DetectionFactors"] = {"DetectionPoint": draw.pick(_DETECTION_POINTS)}
        concern: Group = {"LevelOfConcern": "5" if harmed else draw.pick(_WORRIES)}
        groups["AdverseEventClassification"] = concern
        if version == "4":
            concern["DutyOfCandour"] = harmed
            return
        concern["PatientSafetyIncidentHasOccurred"] = "y"
        groups["AdverseEventGovernance"] = self._make_governance(kind, harmed=harmed)

    def _make_governance(self, kind: Kind, *, harmed: bool) -> Group:
        draw = self._draw
        notify = harmed and draw.chance(0.3)
        governance: Group = {
            "DutyOfCandour": harmed,
            "CqcNotify": notify,
            "LocalAuthoritySafeguarding": draw.chance(0.03),
            "SeriousIncident": harmed and draw.chance(0.2),
            "HsibNotify": kind.maternity and harmed,
            "DeprivationOfLiberty": draw.chance(0.02),
            "DesignationsMentalHealth": "4" in kind.service_areas and draw.chance(0.2),
            "NeverEvent": False,
        }
        if notify:
            governance["CqcCriteria"] = ["2"]
        if kind.never_events and draw.chance(0.04):
            governance["NeverEvent"] = True
            governance["NeverEventType"] = draw.pick(kind.never_events)
        return governance

    def _add_place(
        self, groups: Groups, areas: Sequence[str], specialties: Sequence[str] = ()
    ) -> None:
        draw, setting = self._draw, self._setting
        reporter = draw.pick(setting.organisations)
        area = draw.pick(areas)
        where = draw.pick(self._open) if draw.chance(setting.elsewhere) else reporter
        place = _SPECIAL_PLACES.get(area) or draw.pick(_PLACES)
        if self._version == "4" and place not in _PLACES_4:
            place = "5"
        location: Group = {
            "LocationKnown": "y",
            "Organisation": [where],
            "ServiceArea": [area],
            "LocationWithinService": place,
        }
        if specialties:
            location["ResponsibleSpecialty"] = draw.pick(specialties)
        groups["LocationDetails"] = location
        groups["PractitionerDetails"] = {
            "ReporterType": "3",
            "ReporterRole": draw.pick(_ROLES),
            "ReporterInvolvement": draw.pick(_INVOLVEMENTS),
            "ReporterOrganisation": reporter,
        }

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
        groups["AdverseEventClassification"] = {"LevelOfConcern": draw.pick(_WORRIES)}
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
        groups["AdverseEventClassification"] = {"LevelOfConcern": draw.pick(_WORRIES)}
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

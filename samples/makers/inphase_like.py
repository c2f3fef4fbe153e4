"""``python -m samples.makers.inphase_like`` writes the sample feed of ``inphase-like-json``: an
export of one trust's events, with the mistakes that such exports have."""

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from gateway.generator.draw import Draw
from samples.makers.legacy_incidents import write_files
from samples.makers.vendor_events import (
    TRUST,
    LocalWords,
    find_age,
    make_events,
    make_people,
    name_organisations,
)
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK, Group, NationalEvent

PROFILE: Final = "inphase-like-json"
_LONDON: Final = ZoneInfo("Europe/London")
_NIGHT: Final = time(1, 30)
_SEED: Final = 3003

_FORMS = {INCIDENT: "incident", RISK: "risk", OUTCOME: "outcome", GOOD_CARE: "good-care"}
_SHIFTS = {
    "1": "day",
    "2": "night",
    "3": "morning-handover",
    "4": "evening-handover",
    "5": "neither",
    "6": "unknown",
}
_CONCERNS = {"5": "very", "4": "fairly", "3": "not-very", "1": "not-at-all"}
_SERVICES = {
    "1": "acute",
    "3": "ambulance",
    "4": "mental-health",
    "6": "therapies",
    "7": "district-nursing",
    "8": "prison",
    "9": "pharmacy",
    "10": "optometry",
    "11": "dentistry",
    "12": "care-home",
    "13": "social-care",
    "14": "learning-disability",
    "16": "intermediate",
    "17": "primary-care",
    "18": "nhs111",
    "19": "maternity",
}
_PLACES = {
    "1": "public",
    "2": "home",
    "3": "care-home",
    "4": "hospital",
    "5": "clinic",
    "6": "vehicle",
    "7": "prison",
    "8": "nowhere",
    "9": "unknown",
    "10": "mental-health-unit",
    "11": "surgery",
    "12": "pharmacy",
}
_ROLES = {"1": "support", "2": "scientific", "3": "ahp", "4": "doctor", "5": "nurse", "6": "admin"}
_PHYSICAL = {"5": "none", "4": "low", "3": "moderate", "2": "severe", "1": "fatal"}
_PSYCHOLOGICAL = {"4": "none", "3": "low", "2": "moderate", "1": "severe"}
_HORIZONS = {"1": "months", "2": "years", "3": "unknown"}
_FLAGS = {
    "DutyOfCandour": "dutyOfCandour",
    "SeriousIncident": "seriousIncident",
    "NeverEvent": "neverEvent",
    "NeverEventType": "neverEventType",
    "LocalAuthoritySafeguarding": "safeguarding",
}

Object = dict[str, Any]


class _Export:
    """Writes national events down as the local system would have them."""

    def __init__(self, seed: int) -> None:
        self._draw = draw = Draw(seed)
        names = ("topics", "involved", "specialties")
        self._words = {name: LocalWords(PROFILE, f"{name}.csv") for name in names}
        self._names = name_organisations()
        self._patients = make_people(draw, "Patient")
        self._staff = make_people(draw, "Colleague")

    def make_record(self, number: int, event: NationalEvent) -> Object:
        record: Object = {
            "recordId": f"IP-{number:06d}",
            "form": {"key": _FORMS[event.event_type], "version": 7},
            "when": self._tell_when(event),
            "where": self._tell_where(event),
            "what": self._tell_what(event),
            "people": self._list_people(event),
            "medicines": self._list_medicines(event),
            "reporter": self._tell_reporter(event),
            "flags": _tell_flags(event.group("AdverseEventGovernance")),
            "workflow": {"state": self._draw.pick(("open", "closed")), "owner": "Synthetic Owner"},
        }
        if event.event_type == RISK:
            record["risk"] = _tell_risk(event.group("AdverseEventRiskDetails"))
        if event.event_type == GOOD_CARE:
            care = event.group("AdverseEventWentWell")
            record["goodCare"] = {
                "strengths": care.get("StrengthsOfCare"),
                "again": care["HowFutureOccurrence"],
            }
        return record

    def _tell_when(self, event: NationalEvent) -> Object:
        """Where nobody looked at the clock the moment is a guess: the middle of the shift."""
        when = event.group("AdverseEventEstimatedDate")
        shift, precise = str(when.get("EstimatedTime")), when.get("PreciseTime")
        clock = time.fromisoformat(str(precise)) if precise else time(12)
        if shift == "2":
            clock = _NIGHT
        return {
            "occurredAt": _in_utc(event.event_date or "", clock),
            "timeKnown": precise is not None,
            "shift": _SHIFTS.get(shift),
            "occurredOnDayOfRecord": when.get("IncidentOccurredToday") == "y",
            "recordedAt": _in_utc(str(when.get("TodaysDate") or event.event_date), time(18, 5)),
        }

    def _tell_where(self, event: NationalEvent) -> Object:
        location = event.group("LocationDetails")
        code = event.codes("LocationDetails", "Organisation")[0]
        area = event.codes("LocationDetails", "ServiceArea")[0]
        place = _PLACES.get(str(location.get("LocationWithinService")))
        where: Object = {
            "organisation": {"odsCode": code, "name": self._names[code]},
            "service": {"key": _SERVICES.get(area), "label": f"Service {area}"},
            "place": {"key": place, "label": place, "detail": f"Bay {self._draw.number(1, 6)}"},
        }
        specialty = location.get("ResponsibleSpecialty")
        if specialty is not None:
            key = self._words["specialties"].pick(self._draw, specialty)
            where["specialty"] = {"key": key, "label": key.replace("-", " ").capitalize()}
        return where

    def _tell_what(self, event: NationalEvent) -> Object:
        outcome = event.group("AdverseEventOutcome")
        agents = event.codes("AdverseEventAgent", "InvolvedAgents")
        challenges = event.codes("AdverseEventSafetyChallenges", "SafetyChallenges")
        device = event.group("AdverseEventDeviceDetails")
        concern = event.text("AdverseEventClassification", "LevelOfConcern")
        what: Object = {
            "account": event.narrative,
            "topics": [self._words["topics"].pick(self._draw, code) for code in challenges],
            "involved": [self._words["involved"].pick(self._draw, code) for code in agents],
            "processes": [
                int(code) for code in event.codes("AdverseEventProcess", "HealthcareProcess")
            ],
            "devices": [
                {
                    "type": int(code),
                    "other": device.get("DeviceTypeOther") if code == "88" else None,
                }
                for code in event.codes("AdverseEventDeviceDetails", "DeviceType")
            ],
            "outcomes": outcome.get("OutcomeType", []),
            "actions": outcome.get("ImmediateActions"),
            "wentWell": outcome.get("WentWell"),
            "concern": _CONCERNS.get(concern or ""),
            "detectedAt": event.text("DetectionFactors", "DetectionPoint"),
        }
        for key, group, factors, detail in _PROBLEMS:
            problem = event.group(group)
            if problem:
                what[key] = {"factors": problem.get(factors, []), "detail": problem.get(detail)}
        return what

    def _list_people(self, event: NationalEvent) -> list[Object]:
        people = [self._tell_patient(one) for one in event.patients]
        if self._draw.chance(0.3):
            kind = self._draw.pick(("staff", "staff", "visitor"))
            person = {"kind": kind, "name": next(self._staff)["name"]}
            people.insert(self._draw.number(0, len(people)), person)
        return people

    def _tell_patient(self, patient: Group) -> Object:
        person, age = next(self._patients), find_age(patient)
        return {
            "kind": "patient",
            "name": person["name"],
            "nhsNumber": person["nhs_number"],
            "address": person["address"],
            "age": {"value": age[0], "unit": age[1]} if age else None,
            "ethnicity": patient.get("PatientEthnicity"),
            "harm": {
                "physical": _PHYSICAL.get(str(patient.get("PhysicalHarm"))),
                "psychological": _PSYCHOLOGICAL.get(str(patient.get("PsychologicalHarm"))),
                "association": patient.get("StrengthOfAssociation"),
                "outcome": patient.get("ClinicalOutcome"),
            },
        }

    def _list_medicines(self, event: NationalEvent) -> list[Object]:
        drugs = event.codes("AdverseEventAgent", "DrugsInvolved")
        return [
            {"vtm": {"term": drug}, "batch": f"B{self._draw.number(1000, 9999)}"} for drug in drugs
        ]

    def _tell_reporter(self, event: NationalEvent) -> Object:
        role = event.text("PractitionerDetails", "ReporterRole")
        return {
            "organisation": {"odsCode": TRUST, "name": self._names[TRUST]},
            "role": _ROLES.get(role or ""),
            "name": f"Synthetic Reporter {self._draw.number(1, 60)}",
            "email": "reporter@northmoor.example",
        }


_PROBLEMS: Final = (
    (
        "medicineProblem",
        "AdverseEventProblemMedication",
        "DrugInvolvementFactors",
        "ProblemDescriptionDrugs",
    ),
    (
        "deviceProblem",
        "AdverseEventProblemDevices",
        "DeviceInvolvementFactors",
        "ProblemDescriptionDevices",
    ),
)


def _tell_flags(governance: Group) -> Object:
    flags: Object = {key: governance.get(element) for element, key in _FLAGS.items()}
    flags["cqc"] = {
        "notified": governance.get("CqcNotify"),
        "criteria": governance.get("CqcCriteria", []),
    }
    return flags


def _tell_risk(risk: Group) -> Object:
    return {
        "imminent": {"y": "yes", "n": "no"}.get(str(risk["RiskImminent"]), "unknown"),
        "description": risk.get("RiskDescription"),
        "themes": risk.get("RiskTheme", []),
        "who": risk.get("RiskPopulation"),
        "horizon": _HORIZONS.get(str(risk.get("RiskTimeframe"))),
    }


def _in_utc(day: str, clock: time) -> str:
    """A moment of the clock in England, as the web service keeps it: in summer an hour earlier,
    and so perhaps of the day before."""
    moment = datetime.combine(datetime.fromisoformat(day), clock, _LONDON)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _make_moment(moment: str) -> Object:
    return {
        "occurredAt": moment,
        "timeKnown": True,
        "occurredOnDayOfRecord": False,
        "recordedAt": "2025-06-15T08:00:00Z",
    }


# Position of the record → pointer, and what stands there instead.
_MISTAKES: dict[int, tuple[str, Any]] = {
    8: ("what/topics", ["falls", "tissue-viability"]),
    21: ("form/key", "complaint"),
    33: ("when/occurredAt", "yesterday"),
    47: ("where/organisation/odsCode", "XX999"),
    58: ("reporter/organisation/odsCode", "RZB"),
    64: ("what/account", None),
    72: ("what/processes", [6, 99]),
    85: ("what/concern", "extremely"),
    93: ("when/occurredAt", "2087-08-14T09:00:00Z"),
    # A field the profile does not know: a warning, and the record loads.
    104: ("what/mood", "tense"),
    # No mistakes: just before and just after midnight in summer; text as people type it.
    115: ("when", _make_moment("2025-06-14T22:59:00Z")),
    116: ("when", _make_moment("2025-06-14T23:01:00Z")),
    127: (
        "what/account",
        "Patient’s temperature was 39.4 °C – “not well” – nobody was told.\n\tBay 4.",
    ),
}


WRONG: Final = frozenset(_MISTAKES)


def make_told() -> list[NationalEvent]:
    """What the local system was told: the events that the records are made of."""
    return make_events("6", seed=_SEED, count=205, types=set(_FORMS))


def make_records() -> list[Object]:
    """The records, two of them once more at the end, and one again as it was corrected."""
    export = _Export(_SEED)
    records = [export.make_record(place, event) for place, event in enumerate(make_told(), start=1)]
    for place, (path, value) in _MISTAKES.items():
        *sections, last = path.split("/")
        target = records[place - 1]
        for section in sections:
            target = target[section]
        target[last] = value
    corrected = records[29] | {"what": {**records[29]["what"], "wentWell": "Found at the review."}}
    return [*records, records[11], records[12], corrected]


def make_json() -> bytes:
    document = {
        "export": {"madeAt": "2025-07-01T05:00:00Z", "query": "all of 2024/25"},
        "records": make_records(),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def make_files() -> dict[Path, bytes]:
    return {Path("samples/profiles") / PROFILE / "feed.json": make_json()}


if __name__ == "__main__":
    write_files(make_files())

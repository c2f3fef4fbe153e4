"""``python -m samples.makers.datix_like`` writes the sample feeds of ``datix-like-csv`` and of the
trust's profile over it: saved queries of one trust, with the mistakes that such exports have."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from gateway.generator.draw import Draw
from samples.makers.legacy_incidents import write_files
from samples.makers.vendor_events import (
    TRUST,
    LocalWords,
    find_age,
    find_birth,
    make_events,
    make_people,
    name_organisations,
)
from schemas.event import GOOD_CARE, INCIDENT, RISK, Group, NationalEvent

PROFILE: Final = "datix-like-csv"
# fmt: off
COLUMNS: Final = (
    "ID", "Ref", "Approval status", "Handler", "Trust code", "Site", "Directorate", "Location type",
    "Location (exact)", "Specialty", "Incident type", "Incident date", "Incident time", "Time band",
    "Date reported", "Category", "Sub category", "Description", "Action taken", "Lessons learned",
    "Stage of care", "Result", "Severity", "Risk grading", "Medication involved?",
    "Equipment involved?", "IT system involved?", "Building involved?",
    "Estates service involved?", "Blood involved?", "Blood product involved?",
    "Transplant involved?", "Drug given", "Drug intended", "Equipment type",
    "Equipment description", "Likely to happen soon?", "How can it happen again?",
    "Duty of candour", "Serious incident", "Safeguarding referral", "CQC notified", "Never event",
    "Never event type", "Reporter role", "Reporter name", "Reporter e-mail", "Contact number",
    "Contact role", "Contact name", "NHS number", "Contact address", "Date of birth", "Age",
    "Gender", "Ethnicity", "Contact harm", "Distress", "Injury",
)
# fmt: on
Row = dict[str, str]

_TICKS = {
    "4": "Medication involved?",
    "3": "Equipment involved?",
    "9": "IT system involved?",
    "13": "Building involved?",
    "14": "Estates service involved?",
    "11": "Blood involved?",
    "12": "Blood product involved?",
    "8": "Transplant involved?",
}
_CHALLENGES = {
    "1": "Pressure damage",
    "2": "Slips, trips, falls",
    "3": "Self harm",
    "4": "Radiotherapy",
    "5": "Infection control",
    "7": "Screening",
}
_AGENTS = {
    "4": "Medication",
    "3": "Medical equipment",
    "9": "IT and records",
    "11": "Blood transfusion",
    "12": "Blood transfusion",
    "13": "Estates and facilities",
    "14": "Estates and facilities",
}
_STAGES = {
    "2": "Admission, transfer, discharge",
    "8": "Admission, transfer, discharge",
    "9": "Admission, transfer, discharge",
    "3": "Assessment and diagnosis",
    "4": "Assessment and diagnosis",
}
_BANDS = {
    "1": "Day",
    "2": "Night",
    "3": "Morning handover",
    "4": "Evening handover",
    "6": "Not known",
}
_ROLES = {
    "1": "Healthcare assistant",
    "2": "Pharmacist",
    "3": "AHP",
    "4": "Doctor",
    "5": "Nurse",
    "6": "Administrative",
}
_SUB_CATEGORIES = (
    (
        "Medication",
        "medication-errors",
        "AdverseEventProblemMedication",
        "DrugInvolvementFactors",
    ),
    (
        "Medical equipment",
        "equipment-problems",
        "AdverseEventProblemDevices",
        "DeviceInvolvementFactors",
    ),
)
_NEVER = {"1": "Wrong site surgery", "2": "Wrong implant", "3": "Retained object"}
_GENDERS = {"1": "Female", "2": "Male", "3": "Not known", "4": "Not specified"}
_ETHNICITIES = {
    "11": "White British",
    "13": "Other White",
    "24": "Other mixed",
    "31": "Indian",
    "32": "Pakistani",
    "33": "Bangladeshi",
    "41": "African",
    "42": "Caribbean",
    "51": "Other ethnic group",
    "52": "Not stated",
}
_BYSTANDERS = ("Staff", "Staff", "Visitor")
_FLAGS = {
    "DutyOfCandour": "Duty of candour",
    "SeriousIncident": "Serious incident",
    "LocalAuthoritySafeguarding": "Safeguarding referral",
    "CqcNotify": "CQC notified",
    "NeverEvent": "Never event",
}


class _Export:
    """Writes national events down as the local system would have them."""

    def __init__(self, seed: int) -> None:
        self._draw = draw = Draw(seed)
        # fmt: off
        names = (
            "incident-types", "severities", "distress", "services", "locations", "equipment",
            "medication-errors", "equipment-problems", "stages", "specialties",
        )
        # fmt: on
        self._words = {name: LocalWords(PROFILE, f"{name}.csv") for name in names}
        self._sites = name_organisations()
        self._patients = make_people(draw, "Patient")
        self._others = make_people(draw, "Person")

    def make_rows(self, number: int, event: NationalEvent) -> list[Row]:
        """A row a contact; one without a contact where there is none."""
        incident = self._make_incident(number, event)
        contacts = [self._make_patient(event, one) for one in event.patients]
        if self._draw.chance(0.25):
            bystander = self._draw.pick(_BYSTANDERS)
            contacts.append({"Contact role": bystander, "Contact name": next(self._others)["name"]})
            contacts.sort(key=lambda _: self._draw.number(0, 9))
        for position, contact in enumerate(contacts, start=1):
            contact["Contact number"] = str(position)
        return [incident | contact for contact in contacts or [{}]]

    def _pick(self, name: str, code: object) -> str:
        return self._words[name].pick(self._draw, code) if code else ""

    def _make_incident(self, number: int, event: NationalEvent) -> Row:
        draw = self._draw
        when, location = event.group("AdverseEventEstimatedDate"), event.group("LocationDetails")
        outcome, reporter = event.group("AdverseEventOutcome"), event.group("PractitionerDetails")
        row = dict.fromkeys(COLUMNS, "") | {
            "ID": str(88_000 + number),
            "Ref": f"W{88_000 + number}",
            "Approval status": draw.pick(("Being reviewed", "Finally approved")),
            "Handler": f"Synthetic Manager {draw.number(1, 9)}",
            "Trust code": TRUST,
            "Site": self._sites[event.codes("LocationDetails", "Organisation")[0]],
            "Directorate": draw.pick(("Medicine", "Surgery", "Women and children", "Community")),
            "Location (exact)": f"Ward {draw.number(1, 20)}, bay {draw.number(1, 6)}",
            "Specialty": self._pick("specialties", location.get("ResponsibleSpecialty")),
            "Incident type": self._pick("incident-types", event.event_type),
            "Incident date": _write_day(event.event_date),
            "Incident time": str(when.get("PreciseTime", ""))[:5],
            "Time band": _BANDS.get(str(when.get("EstimatedTime")), ""),
            "Date reported": _write_day(when.get("TodaysDate")),
            "Description": event.narrative or "",
            "Action taken": str(outcome.get("ImmediateActions", "")),
            "Lessons learned": str(outcome.get("WentWell", "")) if draw.chance(0.3) else "",
            "Risk grading": draw.pick(("Low", "Moderate", "High", "")),
            "Reporter role": _ROLES.get(str(reporter.get("ReporterRole")), ""),
            "Reporter name": f"Synthetic Reporter {draw.number(1, 60)}",
            "Reporter e-mail": "reporter@northmoor.example",
        }
        area = self._pick("services", event.codes("LocationDetails", "ServiceArea")[0])
        place = self._pick("locations", location.get("LocationWithinService"))
        row["Location type"] = f"{area} > {place}" if place else area
        row |= self._tell_what(event) | self._tell_severity(event)
        return row

    def _tell_what(self, event: NationalEvent) -> Row:
        if event.event_type == RISK:
            imminent = event.group("AdverseEventRiskDetails")["RiskImminent"]
            return {"Likely to happen soon?": {"y": "Y", "n": "N"}.get(str(imminent), "Not known")}
        if event.event_type == GOOD_CARE:
            again = event.group("AdverseEventWentWell")["HowFutureOccurrence"]
            return {"How can it happen again?": str(again)}
        agents = event.codes("AdverseEventAgent", "InvolvedAgents")
        row = {column: "Y" if code in agents else "N" for code, column in _TICKS.items()}
        drugs = event.codes("AdverseEventAgent", "DrugsInvolved")
        row |= zip(("Drug given", "Drug intended"), drugs, strict=False)
        stage = event.text("AdverseEventProcess", "Process")
        row["Stage of care"] = self._pick("stages", stage)
        row["Category"] = _find_category(event, agents, stage or "")
        for category, words, group, element in _SUB_CATEGORIES:
            if row["Category"] == category:
                row["Sub category"] = self._pick(words, next(iter(event.codes(group, element)), ""))
        device = event.group("AdverseEventDeviceDetails")
        for code in event.codes("AdverseEventDeviceDetails", "DeviceType"):
            row["Equipment type"] = self._pick("equipment", code)
        row["Equipment description"] = str(device.get("DeviceTypeOther", ""))
        governance = event.group("AdverseEventGovernance")
        row |= {column: _tick(governance.get(element)) for element, column in _FLAGS.items()}
        row["Never event type"] = _NEVER.get(str(governance.get("NeverEventType")), "")
        return row

    def _tell_severity(self, event: NationalEvent) -> Row:
        """The local system grades the incident; where nobody did, only a result is given."""
        grades = [str(one["PhysicalHarm"]) for one in event.patients if "PhysicalHarm" in one]
        if not grades or event.event_type != INCIDENT:
            return {}
        worst = min(grades)
        result = "Harm" if worst < "5" else "No harm, not prevented"
        if self._draw.chance(0.08):
            return {"Result": result, "Severity": "" if worst == "5" else "Not yet graded"}
        return {"Result": result, "Severity": self._pick("severities", worst)}

    def _make_patient(self, event: NationalEvent, patient: Group) -> Row:
        draw, person = self._draw, next(self._patients)
        row = {
            "Contact role": "Patient",
            "Contact name": person["name"],
            "NHS number": person["nhs_number"],
            "Contact address": person["address"],
            "Gender": _GENDERS.get(str(patient.get("Gender")), ""),
            "Ethnicity": _ETHNICITIES.get(str(patient.get("PatientEthnicity")), ""),
            "Distress": self._pick("distress", patient.get("PsychologicalHarm")),
            "Injury": str(patient.get("ClinicalOutcome", "")),
        }
        if len(event.patients) > 1 or draw.chance(0.3):
            row["Contact harm"] = self._pick("severities", patient.get("PhysicalHarm"))
        age = find_age(patient)
        if age and (age[1] != "years" or draw.chance(0.6)):
            born = find_birth(draw, date.fromisoformat(event.event_date or ""), age)
            row["Date of birth"] = f"{born:%d/%m/%Y}"
        elif age:
            row["Age"] = str(age[0])
        return row


def _find_category(event: NationalEvent, agents: list[str], stage: str) -> str:
    challenges = event.codes("AdverseEventSafetyChallenges", "SafetyChallenges")
    for code, category in _CHALLENGES.items():
        if code in challenges:
            return category
    for code, category in _AGENTS.items():
        if code in agents:
            return category
    return _STAGES.get(stage, "Treatment and procedures")


def _write_day(day: object) -> str:
    return f"{date.fromisoformat(str(day)):%d/%m/%Y}" if day else ""


def _tick(value: object) -> str:
    return "" if value is None else "Y" if value else "N"


# Position of the incident → what is wrong with it, in each of its rows.
_MISTAKES: dict[int, Row] = {
    7: {"Incident type": "Incident affecting staff"},
    19: {"Incident type": "Incident affecting staff"},
    31: {"Category": "Skin integrity (new form)"},
    44: {"Incident date": "31/02/2025"},
    52: {"Incident date": "04/03/25"},
    63: {"Site": "Northmoor General"},
    71: {"Severity": "Catastrophic", "Contact harm": ""},
    88: {"Description": ""},
    97: {"Incident date": "14/08/2087"},
    104: {"Trust code": "RZB"},
    118: {"Specialty": "Virtual ward"},
    126: {"Age": "over 80", "Date of birth": ""},
    139: {"Incident date": ""},
    # No mistakes: text as people type it, in the code page of the export.
    150: {"Description": "Patient’s temperature was 39.4 °C – “not well” – and nobody was told."},
    151: {"Action taken": "Line 1: checked.\nLine 2: told the family;\nline 3: nothing else."},
}
_DISAGREES: Final = 161


WRONG: Final = frozenset((*_MISTAKES, _DISAGREES))


def make_told(count: int = 210, seed: int = 3001) -> list[NationalEvent]:
    """What the local system was told: the events that the rows are made of."""
    return make_events("5", seed=seed, count=count, types={INCIDENT, RISK, GOOD_CARE})


def make_rows(told: list[NationalEvent], *, seed: int) -> Iterator[Row]:
    """The incidents in the order of their numbers, but for late contacts; then the totals."""
    export = _Export(seed)
    late: list[Row] = []
    for place, event in enumerate(told, start=1):
        rows = [row | _MISTAKES.get(place, {}) for row in export.make_rows(place, event)]
        if place == _DISAGREES:
            rows = [rows[0], rows[0] | {"Contact role": "Staff", "Severity": "Low"}]
            rows[1] |= {"Incident date": "01/01/2025", "Specialty": "Cardiology"}
        # Contacts that were added later stand at the end, as the database gives them.
        if len(rows) > 1 and place % 3 == 0:
            late += rows[1:]
            rows = rows[:1]
        yield from rows
    yield from late
    yield {"ID": "Total", "Ref": str(len(told))}


def write_csv(rows: Iterator[Row], columns: tuple[str, ...]) -> bytes:
    """As Excel in this country saves it: windows-1252, lines that end in CR LF."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("windows-1252")


TRUST_COLUMNS: Final = (*COLUMNS, "Other organisation", "Patient experience lead")
_SITES = {"RZA": "TRUST", "RZA01": "NGH", "RZA02": "INF", "RZA03": "COT"}


def make_trust_rows(count: int, *, seed: int) -> Iterator[Row]:
    """The export of a trust with a profile of its own: short codes for its sites, and words that
    the vendor's lists do not have."""
    codes = {name: _SITES.get(code, "OTHER") for code, name in name_organisations().items()}
    draw = Draw(seed)
    # An incident has one site, in however many rows it stands.
    sites: dict[str, str] = {}
    for row in make_rows(make_told(count, seed), seed=seed):
        if row["ID"] == "Total":
            yield row
            continue
        if row["ID"] not in sites:
            site = codes.get(row["Site"], row["Site"])
            site = draw.pick(("NGH", "INF", "COT", "TRUST")) if site == "TRUST" else site
            sites[row["ID"]] = site
        site = sites[row["ID"]]
        yield row | {
            "Site": site,
            "Other organisation": row["Site"] if site == "OTHER" else "",
            "Severity": "Catastrophic" if row["Severity"] == "Death" else row["Severity"],
            "Time band": "Late" if row["Time band"] else "",
            "Patient experience lead": "Synthetic Lead 1",
        }


def make_files() -> dict[Path, bytes]:
    folder = Path("samples/profiles")
    trust = write_csv(make_trust_rows(40, seed=3004), TRUST_COLUMNS)
    return {
        folder / PROFILE / "feed.csv": write_csv(make_rows(make_told(), seed=3001), COLUMNS),
        folder / "trust-over-datix" / "feed.csv": trust,
    }


if __name__ == "__main__":
    write_files(make_files())

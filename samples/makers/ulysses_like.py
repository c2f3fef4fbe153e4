"""``python -m samples.makers.ulysses_like`` writes the sample feed of ``ulysses-like-xml``: one
trust's incidents and compliments, with the mistakes that such exports have."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape, quoteattr

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
from schemas.event import GOOD_CARE, INCIDENT, Group, NationalEvent

PROFILE: Final = "ulysses-like-xml"
_SEED: Final = 3002
_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<x:IncidentExport xmlns:x="urn:ulysses-like:export:1" xmlns="urn:ulysses-like:incident:1"'
    ' taken="2025-07-01T06:00:00">\n<x:Criteria>Reported in the financial year 2024/25</x:Criteria>'
    "\n<x:Incidents>\n"
)
_TAIL: Final = "</x:Incidents>\n</x:IncidentExport>\n"

_CAUSES = {
    "1": "PRES - Pressure damage",
    "2": "SLIP - Slips, trips and falls",
    "3": "SELF - Self harm",
    "4": "RADT - Radiotherapy",
    "5": "INFE - Infection",
    "7": "SCRE - Screening",
}
_CAUSES_BY_AGENT = {
    "4": "MEDI - Medication",
    "3": "EQUI - Equipment",
    "9": "INFO - Information and systems",
    "11": "BLOO - Blood and transplant",
    "12": "BLOO - Blood and transplant",
    "8": "BLOO - Blood and transplant",
    "13": "ESTA - Estates",
    "14": "ESTA - Estates",
}
_SHIFTS = {"1": "Day", "2": "Night", "3": "Early handover", "4": "Late handover", "6": "Not known"}
_ERRORS = {"1": "Too much", "2": "Too little", "3": "Given wrongly", "4": "Faulty or expired"}
_DRUG_STAGES = {"1": "Prescribing", "2": "Dispensing", "3": "Administration"}
_PROBLEMS = {"1": "Not needed", "2": "Not there", "3": "Misused", "4": "Failed", "5": "Accident"}
_SERVICES = {
    "1": "Hospital services",
    "19": "Maternity",
    "17": "Primary care",
    "18": "111",
    "3": "Ambulance",
    "4": "Mental health",
    "6": "Therapies",
    "7": "District nursing",
    "8": "Prison health",
    "9": "Pharmacy",
    "10": "Optometry",
    "11": "Dentistry",
    "12": "Care home",
    "13": "Social care",
    "14": "Learning disability",
    "16": "Intermediate care",
}
_PLACES = {
    "1": "Public place",
    "2": "Home",
    "3": "Care home",
    "4": "Hospital",
    "5": "Clinic or health centre",
    "6": "Vehicle",
    "7": "Prison",
    "8": "No one place",
    "9": "Not known",
    "10": "Mental health unit",
    "11": "Surgery",
    "12": "Pharmacy",
}
_STAFF = {
    "1": "Clinical support",
    "2": "Scientific and technical",
    "3": "Allied health",
    "4": "Medical and dental",
    "5": "Nursing and midwifery",
    "6": "Administrative",
}
_FLAGS = {
    "DutyOfCandour": "Duty of candour applies",
    "SeriousIncident": "Serious incident",
    "LocalAuthoritySafeguarding": "Safeguarding",
    "CqcNotify": "CQC",
}
_SEXES = {"1": "F", "2": "M", "3": "U", "4": "X"}
_ETHNIC_GROUPS = {
    "11": "A",
    "13": "C",
    "24": "G",
    "31": "H",
    "32": "J",
    "33": "K",
    "41": "N",
    "42": "M",
    "51": "S",
    "52": "Z",
}
_IMPACTS = {
    "5": "1 - No harm",
    "4": "2 - Low",
    "3": "3 - Moderate",
    "2": "4 - Severe",
    "1": "5 - Death",
}
_PSYCHOLOGICAL = {"4": "None", "3": "Low", "2": "Moderate", "1": "Severe"}

Fields = dict[str, str]


class _Export:
    """Writes national events down as the local system would have them."""

    def __init__(self, seed: int) -> None:
        self._draw = draw = Draw(seed)
        self._specialties = LocalWords(PROFILE, "specialties.csv")
        self._agents = LocalWords(PROFILE, "agents.csv")
        self._sites = name_organisations()
        self._patients = make_people(draw, "Patient")
        self._staff = make_people(draw, "Colleague")

    def make_incident(self, number: int, event: NationalEvent, mistake: Fields) -> str:
        """``mistake``: field or attribute (with @) → what stands there instead."""
        draw = self._draw
        attributes = {
            "number": f"INC{240_000 + number}",
            "module": "incident" if event.event_type == INCIDENT else "compliment",
            "organisation": TRUST,
            "status": draw.pick(("Open", "Closed", "Awaiting sign-off")),
            "lastEdited": "2025-06-30",
        }
        attributes |= {name[1:]: text for name, text in mistake.items() if name.startswith("@")}
        fields = self._tell_when(event) | self._tell_what(event)
        fields |= {name: text for name, text in mistake.items() if name in fields}
        narrative = mistake.get("Narrative", event.narrative or "")
        lines = [f"<Incident{_write_attributes(attributes)}>", *_write_fields(fields)]
        if narrative:
            lines.append(f"  <Narrative>{_write_cdata(narrative)}</Narrative>")
        lines += _write_section("Location", self._tell_where(event, mistake))
        lines += _write_section("Reporter", self._tell_reporter(event))
        lines += _write_section("Notified", _tell_notified(event))
        drugs = event.codes("AdverseEventAgent", "DrugsInvolved")
        if drugs:
            lines += ["  <Drugs>", *(f"    <Drug>{escape(drug)}</Drug>" for drug in drugs)]
            lines.append("  </Drugs>")
        return "\n".join([*lines, *self._write_people(event, mistake), "</Incident>", ""])

    def _tell_when(self, event: NationalEvent) -> Fields:
        when = event.group("AdverseEventEstimatedDate")
        return {
            "Date of incident": _write_day(event.event_date),
            "Time of incident": str(when.get("PreciseTime", ""))[:5],
            "Shift": _SHIFTS.get(str(when.get("EstimatedTime")), ""),
            "Date reported": _write_day(when.get("TodaysDate")),
        }

    def _tell_what(self, event: NationalEvent) -> Fields:
        outcome = event.group("AdverseEventOutcome")
        if event.event_type == GOOD_CARE:
            care = event.group("AdverseEventWentWell")
            return {
                "What went well": str(care.get("StrengthsOfCare", "")),
                "How to repeat it": str(care["HowFutureOccurrence"]),
            }
        agents = event.codes("AdverseEventAgent", "InvolvedAgents")
        challenges = event.codes("AdverseEventSafetyChallenges", "SafetyChallenges")
        causes = [_CAUSES[code] for code in challenges if code in _CAUSES]
        causes += [_CAUSES_BY_AGENT[code] for code in agents if code in _CAUSES_BY_AGENT]
        drug, device = "AdverseEventProblemMedication", "AdverseEventProblemDevices"
        return {
            "Cause group": [*causes, "TREA - Treatment and care"][0],
            "Involved": "; ".join(
                self._agents.pick(self._draw, code) for code in agents if code != "10"
            ),
            "Drug error": _join(_ERRORS, event.codes(drug, "DrugInvolvementFactors")),
            "Drug stage": _join(_DRUG_STAGES, event.codes(drug, "InvolvedProcesses")),
            "Equipment problem": _join(_PROBLEMS, event.codes(device, "DeviceInvolvementFactors")),
            "Action taken": str(outcome.get("ImmediateActions", "")),
            "What went well": str(outcome.get("WentWell", "")),
            "Risk rating": self._draw.pick(("3", "6", "9", "12")),
            "Manager": f"Synthetic Manager {self._draw.number(1, 9)}",
        }

    def _tell_where(self, event: NationalEvent, mistake: Fields) -> Fields:
        location = event.group("LocationDetails")
        code = mistake.get("Site code") or event.codes("LocationDetails", "Organisation")[0]
        area = event.codes("LocationDetails", "ServiceArea")[0]
        specialty = location.get("ResponsibleSpecialty")
        return {
            "Site code": code,
            "Site name": self._sites.get(code, "Unknown site"),
            "Service": _SERVICES.get(area, ""),
            "Place": _PLACES.get(str(location.get("LocationWithinService")), ""),
            "Specialty": self._specialties.pick(self._draw, specialty) if specialty else "",
            "Exact location": f"Bay {self._draw.number(1, 6)}",
        }

    def _tell_reporter(self, event: NationalEvent) -> Fields:
        role = event.text("PractitionerDetails", "ReporterRole")
        return {
            "Staff group": _STAFF.get(role or "", ""),
            "Name": f"Synthetic Reporter {self._draw.number(1, 60)}",
            "Telephone": f"07700 900{self._draw.number(0, 999):03d}",
        }

    def _write_people(self, event: NationalEvent, mistake: Fields) -> Iterator[str]:
        wrong = {name: text for name, text in mistake.items() if name in _OF_PERSONS}
        people = [("Patient", self._tell_patient(one) | wrong) for one in event.patients]
        if self._draw.chance(0.3):
            name = next(self._staff)["name"]
            person = {"Surname": name, "Staff number": str(self._draw.number(1_000, 9_999))}
            role = self._draw.pick(("Employee", "Employee", "Visitor"))
            people.insert(self._draw.number(0, len(people)), (role, person))
        if not people:
            return
        yield "  <Persons>"
        for role, fields in people:
            yield f'    <Person role="{role}">'
            yield from (f"    {line}" for line in _write_fields(fields))
            yield "    </Person>"
        yield "  </Persons>"

    def _tell_patient(self, patient: Group) -> Fields:
        person, age = next(self._patients), find_age(patient)
        psychological = str(patient.get("PsychologicalHarm"))
        return {
            "Forename": "Synthetic",
            "Surname": person["name"].removeprefix("Synthetic "),
            "NHS number": person["nhs_number"],
            "Age": str(age[0]) if age else "",
            "Age unit": age[1].capitalize() if age else "",
            "Sex": _SEXES.get(str(patient.get("Gender")), ""),
            "Ethnic group": _ETHNIC_GROUPS.get(str(patient.get("PatientEthnicity")), ""),
            "Actual impact": _IMPACTS.get(str(patient.get("PhysicalHarm")), ""),
            "Psychological impact": _PSYCHOLOGICAL.get(psychological, "Not assessed"),
            "Injury": str(patient.get("ClinicalOutcome", "")),
        }


_OF_PERSONS: Final = frozenset(("Age", "Actual impact"))


def _tell_notified(event: NationalEvent) -> Fields:
    governance = event.group("AdverseEventGovernance")
    return {
        name: "Yes" if governance[element] else "No"
        for element, name in _FLAGS.items()
        if element in governance
    }


def _write_fields(fields: Fields) -> Iterator[str]:
    for name, text in fields.items():
        if text:
            yield f"  <Field name={quoteattr(name)}>{escape(text)}</Field>"


def _write_section(name: str, fields: Fields) -> Iterator[str]:
    lines = [f"  {line}" for line in _write_fields(fields)]
    if lines:
        yield f"  <Section name={quoteattr(name)}>"
        yield from lines
        yield "  </Section>"


def _write_cdata(text: str) -> str:
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _write_attributes(attributes: Fields) -> str:
    return "".join(f" {name}={quoteattr(text)}" for name, text in attributes.items())


def _write_day(day: object) -> str:
    return f"{date.fromisoformat(str(day)):%d-%b-%Y}" if day else ""


def _join(words: Fields, codes: Iterable[str]) -> str:
    return "; ".join(words[code] for code in codes if code in words)


# Position of the record → field or attribute, and what stands there instead.
_MISTAKES: dict[int, Fields] = {
    9: {"Cause group": "TISS - Tissue viability"},
    17: {"Date of incident": "31-Feb-2025"},
    26: {"Date of incident": "04-Mar-25"},
    38: {"@module": "complaint"},
    45: {"Site code": "XX999"},
    57: {"@organisation": "RZB"},
    66: {"Actual impact": "6 - Catastrophic"},
    74: {"Narrative": "See file"},
    83: {"Involved": "Medication; Robot"},
    91: {"Age": "about 80"},
    # No mistakes: characters that XML must hide, another date format, text as people type it.
    102: {"Narrative": 'The monitor showed <60 & >40 in turn; the probe was "loose" ]]> and fell.'},
    111: {"Date of incident": "07/02/2025"},
    119: {"Narrative": "Patient’s temperature was 39.4 °C – nobody was told.\nSeen at 17:00."},
}


WRONG: Final = frozenset(_MISTAKES)


def make_told() -> list[NationalEvent]:
    """What the local system was told: the events that the records are made of."""
    return make_events("5", seed=_SEED, count=205, types={INCIDENT, GOOD_CARE})


def make_xml() -> bytes:
    """The records, two of them once more at the end, and one again as it was corrected."""
    export = _Export(_SEED)
    records = [
        export.make_incident(place, event, _MISTAKES.get(place, {}))
        for place, event in enumerate(make_told(), start=1)
    ]
    corrected = records[29].replace("]]></Narrative>", " Amended after the review.]]></Narrative>")
    return "".join([_HEAD, *records, records[11], records[12], corrected, _TAIL]).encode()


def make_files() -> dict[Path, bytes]:
    return {Path("samples/profiles") / PROFILE / "feed.xml": make_xml()}


if __name__ == "__main__":
    write_files(make_files())

"""Synthetic events that are valid in every respect, and what changes one of them.

Organisations are invented (no ODS code of a real trust begins with RZ); nobody here exists.
"""

from collections.abc import Mapping
from copy import deepcopy
from datetime import date
from typing import Any

import msgspec

from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK, NationalEvent
from schemas.submission import Organisation, Source, Submission

RECEIVED_ON = date(2026, 11, 20)
EVENT_DATE = "2026-11-03"
NARRATIVE = (
    "The patient was found on the floor beside the bed during the night round. Observations were "
    "taken at once and were within the usual range. The bed rails had been lowered for personal "
    "care and were not raised again before staff were called to the next bay. The call bell was "
    "out of reach. Neurological observations were started, the doctor on duty was told, and the "
    "family was informed in the morning. The falls assessment was repeated and the plan changed."
)
# Another narrative that no rule objects to, for what an event is changed into.
STORY = "The bed rails were lowered for care, and they were not raised again before staff left."

TRUST = "RZA"
TRUST_SITE = "RZA01"
OTHER_TRUST = "RZB"
PRACTICE = "Z99001"
# Merged into OTHER_TRUST by way of CLOSED_BETWEEN.
CLOSED = "RZC"
CLOSED_BETWEEN = "RZD"
CLOSED_FOR_GOOD = "RZE"
CLOSED_IN_CIRCLE = ("RZF", "RZG")
NOT_YET_OPEN = "RZH"
CLOSED_INTO_UNKNOWN = "RZJ"
UNKNOWN_ORGANISATION = "RZZ"

REGISTER: Mapping[str, Organisation] = {
    organisation.code: organisation
    for organisation in (
        Organisation(TRUST, "Aldermoor University Hospitals"),
        Organisation(TRUST_SITE, "Aldermoor General Hospital"),
        Organisation(OTHER_TRUST, "Brackenfield Community Health", opened=date(2001, 4, 1)),
        Organisation(PRACTICE, "Cotter Lane Surgery"),
        Organisation(CLOSED, "Dunmere Hospitals", closed=date(2020, 4, 1), successor="RZD"),
        Organisation(
            CLOSED_BETWEEN, "Dunmere and Eskdale", closed=date(2024, 4, 1), successor="RZB"
        ),
        Organisation(CLOSED_FOR_GOOD, "Farrow Clinic", closed=date(2022, 10, 1)),
        Organisation("RZF", "Garth Hospitals", closed=date(2019, 4, 1), successor="RZG"),
        Organisation("RZG", "Hollin Hospitals", closed=date(2019, 4, 1), successor="RZF"),
        Organisation(NOT_YET_OPEN, "Ivelet Hospitals", opened=date(2026, 11, 10)),
        Organisation(
            CLOSED_INTO_UNKNOWN, "Jordan Clinic", closed=date(2021, 4, 1), successor="RZZ"
        ),
    )
}


def make_source(**changes: Any) -> Source:
    """A source of TRUST that submits for itself."""
    given: dict[str, Any] = {
        "id": "aldermoor-lrms",
        "organisation": TRUST,
        "format": "fhir",
        "submits_for": frozenset({TRUST}),
    }
    return Source(**given | changes)


def make_submission(
    source: Source | None = None,
    received_on: date = RECEIVED_ON,
    register: Mapping[str, Organisation] = REGISTER,
    **source_changes: Any,
) -> Submission:
    """The terms of a batch received on RECEIVED_ON; further names change the source."""
    return Submission(source or make_source(**source_changes), received_on, register)


def make_event(event_type: str = INCIDENT, version: str = "5", **changes: Any) -> NationalEvent:
    """A valid event of that type and taxonomy version. A change names a field of the event or a
    group, and replaces it; None takes a group out:
    ``make_event(event_date=None, AdverseEventAgent={"InvolvedAgents": ["3"]})``."""
    fields: dict[str, Any] = {"event_date": EVENT_DATE, "narrative": NARRATIVE}
    groups = _make_groups(event_type, version)
    for name, value in changes.items():
        if name in NationalEvent.__struct_fields__:
            fields[name] = value
        elif value is None:
            groups.pop(name, None)
        else:
            groups[name] = value
    return NationalEvent(
        **{"taxonomy_version": version, "event_type": event_type, "groups": groups} | fields
    )


def set_element(event: NationalEvent, path: str, value: Any) -> NationalEvent:
    """The event with one element set (None takes it out), by its path as findings write it:
    ``AdverseEventGovernance.NeverEvent``, ``PatientInformation[0].PhysicalHarm``."""
    groups: Any = deepcopy(event.groups)
    group_name, element = path.split(".")
    name, _, position = group_name.rstrip("]").partition("[")
    group = groups[name][int(position)] if position else groups.get(name, {})
    if value is not None:
        group[element] = value
        groups.setdefault(name, group)
    else:
        group.pop(element, None)
    return msgspec.structs.replace(event, groups=groups)


def make_patient(sequence: int = 1, version: str = "5", **changes: Any) -> dict[str, Any]:
    """One affected patient, 45 years old, with low harm; None takes an element out."""
    patient: dict[str, Any] = {
        "PatientSequence": sequence,
        "PhysicalHarm": "4",
        "PsychologicalHarm": "3",
        "ClinicalOutcome": "Bruising of the left arm, no fracture seen on the image.",
    }
    if version == "4":
        patient |= {"AgeAtTimeOfIncident": 45 * 372, "Gender": "1"}
    elif version == "5":
        patient |= {"AgeAtTimeOfIncidentDays": 45 * 372, "Gender": "1", "PatientEthnicity": "11"}
    else:
        patient |= {"AgeAtTimeOfIncidentDays": 45 * 372, "PatientEthnicity": "11"}
    return {name: value for name, value in (patient | changes).items() if value is not None}


def _make_groups(event_type: str, version: str) -> dict[str, Any]:
    groups: dict[str, Any] = {
        "LocationDetails": {
            "LocationKnown": "y",
            "Organisation": [TRUST],
            "ServiceArea": ["1"],
            "LocationWithinService": "4",
            "ResponsibleSpecialty": "5",
        },
        "PractitionerDetails": {
            "ReporterType": "3",
            "ReporterRole": "5",
            "ReporterInvolvement": "4",
            "ReporterOrganisation": TRUST,
        },
        "DetectionFactors": {"DetectionPoint": "4"},
        "AdverseEventEstimatedDate": {"IncidentOccurredToday": "n", "PreciseTime": "02:40:00"},
    }
    groups |= _of_type(event_type, version)
    if event_type in (INCIDENT, OUTCOME):
        groups["AdverseEventClassification"] = {"LevelOfConcern": "3"}
        groups["PatientInformation"] = [make_patient(1, version)]
    return groups


def _of_type(event_type: str, version: str) -> dict[str, Any]:
    if event_type == INCIDENT:
        process: dict[str, Any] = (
            {"HealthcareProcess": ["6"]} if version == "6" else {"Process": "6"}
        )
        return {
            "AdverseEventAgent": {"InvolvedAgents": ["3", "4"], "DrugsInvolved": ["Paracetamol"]},
            "AdverseEventSafetyChallenges": {"SafetyChallenges": ["2"]},
            "AdverseEventProcess": process,
            "MedicationAdministration": {"MedicationAdministration": "y"},
            "AdverseEventDeviceDetails": {"DeviceType": ["7"]},
        } | _of_incident(version)
    if event_type == RISK:
        return {
            "AdverseEventRiskDetails": {
                "RiskDescription": "Two products with similar names stand side by side.",
                "RiskImminent": "y",
                "RiskTheme": ["3"],
                "RiskTimeframe": "1",
            }
        }
    if event_type == GOOD_CARE:
        return {
            "AdverseEventWentWell": {
                "StrengthsOfCare": "The team noticed the change early and acted on it.",
                "HowFutureOccurrence": "Share the check list with the other wards.",
            }
        }
    return {
        "AdverseEventOutcome": {
            "OutcomeType": ["2"],
            "ImmediateActions": "Seen by the consultant on the day of readmission.",
        }
    }


def _of_incident(version: str) -> dict[str, Any]:
    medication: dict[str, Any] = {
        "DrugInvolvementFactors": ["1"],
        "DrugUsedTooMuch": ["2"],
        "ProblemDescriptionDrugs": "Given two hours before it was due.",
        "InvolvedProcesses": ["3"],
    }
    devices: dict[str, Any] = {
        "DeviceInvolvementFactors": ["3"],
        "DeviceWrongUsageDetails": ["5"],
        "ProblemDescriptionDevices": "The rails were left lowered.",
    }
    if version == "4":
        return {"AdverseEventProblem": medication | devices}
    return {
        "AdverseEventProblemMedication": medication,
        "AdverseEventProblemDevices": devices,
        "AdverseEventGovernance": {"DutyOfCandour": False, "CqcNotify": False, "NeverEvent": False},
    }

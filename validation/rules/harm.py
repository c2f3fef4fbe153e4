"""Harm to a patient: which grades go together."""

from collections.abc import Iterable

from schemas.catalogue import rules as codes
from schemas.event import PATIENTS, NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission

FATAL = "1"


def the_dead_have_no_grade_of_psychological_harm(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    return [
        codes.FATAL_WITH_PSYCHOLOGICAL_HARM.at(f"{PATIENTS}[{position}].PsychologicalHarm")
        for position, patient in enumerate(event.patients)
        if patient.get("PhysicalHarm") == FATAL and "PsychologicalHarm" in patient
    ]


def association_is_graded_only_for_severe_harm(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    return [
        codes.ASSOCIATION_WITHOUT_SEVERE_HARM.at(f"{PATIENTS}[{position}].StrengthOfAssociation")
        for position, patient in enumerate(event.patients)
        if "StrengthOfAssociation" in patient
        and patient.get("PhysicalHarm") not in ("1", "2")
        and patient.get("PsychologicalHarm") != "1"
    ]

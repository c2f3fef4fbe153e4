"""The affected patients: their numbering and their age."""

from collections.abc import Iterable

from schemas.catalogue import rules as codes
from schemas.event import PATIENTS, NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from validation.rules.rule import NOTHING

DAYS = "AgeAtTimeOfIncidentDays"
# Exact age and its bracket; version 4 has other names, and no public source says in which unit
# its exact age is, so only the newer element is held to the encoding.
AGE_PAIRS = ((DAYS, "AgeBracket"), ("AgeAtTimeOfIncident", "AgeYears"))
DAYS_OF_MONTH = 31
DAYS_OF_YEAR = 372
_SHOWN_NUMBERS = 10


def patients_are_numbered_from_one_without_gaps(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    patients = event.patients
    numbers = [patient.get("PatientSequence") for patient in patients]
    if numbers == [1]:
        return NOTHING
    given = [number for number in numbers if type(number) is int]
    if len(given) < len(numbers) or sorted(given) == list(range(1, len(given) + 1)):
        return NOTHING  # a missing or mistyped number is the taxonomy check's to say
    found = ", ".join(_shown_number(number) for number in given[:_SHOWN_NUMBERS])
    if len(given) > _SHOWN_NUMBERS:
        found += " …"
    return (codes.PATIENT_SEQUENCE_BROKEN.at(PATIENTS, found=found),)


def age_is_in_the_national_encoding(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    return [
        codes.AGE_NOT_IN_ENCODING.at(f"{PATIENTS}[{position}].{DAYS}", value=_shown_number(age))
        for position, patient in enumerate(event.patients)
        if type(age := patient.get(DAYS)) is int and not is_encoded_age(age)
    ]


def age_is_exact_or_in_a_bracket_but_not_both(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    return [
        codes.AGE_GIVEN_TWICE.at(f"{PATIENTS}[{position}].{bracket}", exact=exact, bracket=bracket)
        for position, patient in enumerate(event.patients)
        for exact, bracket in AGE_PAIRS
        if bracket in patient and exact in patient
    ]


def is_encoded_age(days: int) -> bool:
    """Days for 1–30; months x 31 for 1–11 months; years x 372 for 1–199 years."""
    if days <= 30:
        return days >= 1
    if days <= 11 * DAYS_OF_MONTH:
        return days % DAYS_OF_MONTH == 0
    return days % DAYS_OF_YEAR == 0 and days <= 199 * DAYS_OF_YEAR


def _shown_number(number: int) -> str:
    """A long number may be one that identifies somebody."""
    return str(number) if abs(number) < 10**6 else "a long number"

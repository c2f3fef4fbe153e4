"""The affected patients of a synthetic event: number, age, harm."""

from itertools import accumulate
from typing import Final

from gateway.generator.draw import Draw
from gateway.generator.kinds import Kind, Kinds
from schemas.event import Group

MONTH: Final = 31
YEAR: Final = 372
MOST_PATIENTS: Final = 3

# Roughly the shares that national statistics have shown for years: most events do no harm.
_PHYSICAL = ("5", "4", "3", "2", "1")
_PHYSICAL_WEIGHTS = tuple(accumulate((70.0, 24.5, 4.4, 0.7, 0.4)))
_PSYCHOLOGICAL = ("4", "3", "2", "1")
_PSYCHOLOGICAL_WEIGHTS = tuple(accumulate((73.0, 22.0, 4.5, 0.5)))
_ASSOCIATIONS = ("6", "5", "4", "3", "2")
_ETHNICITIES = ("11", "11", "11", "11", "13", "31", "32", "33", "41", "42", "24", "51", "52")
_GENDERS = ("1", "2", "1", "2", "1", "2", "3", "4")
# Upper bounds in years of the age brackets 4 to 12; 1 to 3 are days and months.
_BRACKET_YEARS = ((4, "4"), (9, "5"), (15, "6"), (17, "7"), (25, "8"), (45, "9"), (65, "10"))


def make_patients(draw: Draw, kind: Kind, kinds: Kinds, version: str) -> list[Group]:
    """One to three, mostly one; now and then none (nobody was affected)."""
    roll = draw.number(1, 100)
    count = 0 if roll <= 10 else 1 if roll <= 94 else 2 if roll <= 99 else MOST_PATIENTS
    return [
        make_patient(draw, kind, kinds.shared["outcomes"], version, sequence)
        for sequence in range(1, count + 1)
    ]


def make_patient(
    draw: Draw, kind: Kind | None, outcomes: list[str], version: str, sequence: int
) -> Group:
    patient: Group = {"PatientSequence": sequence}
    _add_age(draw, patient, version, newborn=bool(kind and kind.maternity and sequence > 1))
    _add_harm(draw, patient, outcomes)
    if version == "6":
        return patient
    patient["Gender"] = "1" if kind and kind.maternity and sequence == 1 else draw.pick(_GENDERS)
    return patient


def _add_harm(draw: Draw, patient: Group, outcomes: list[str]) -> None:
    physical = draw.weighted(_PHYSICAL, _PHYSICAL_WEIGHTS)
    patient["PhysicalHarm"] = physical
    severe = physical in "12"
    if physical != "1":
        psychological = draw.weighted(_PSYCHOLOGICAL, _PSYCHOLOGICAL_WEIGHTS)
        patient["PsychologicalHarm"] = psychological
        severe = severe or psychological == "1"
    if severe:
        patient["StrengthOfAssociation"] = draw.pick(_ASSOCIATIONS)
    if physical in "234" or draw.chance(0.4):
        patient["ClinicalOutcome"] = draw.pick(outcomes)


def _add_age(draw: Draw, patient: Group, version: str, *, newborn: bool) -> None:
    """Exact in the national encoding (days; months x 31; years x 372), or a bracket, or unknown.
    Version 4 names the elements differently, and no public source says in which unit its exact
    age is: only brackets there."""
    years = max(draw.number(0, 95), draw.number(0, 95))
    if version == "4":
        patient["AgeYears"] = _bracket(years)
        return
    exact, bracket = "AgeAtTimeOfIncidentDays", "AgeBracket"
    if draw.chance(0.8):
        patient["PatientEthnicity"] = draw.pick(_ETHNICITIES)
    roll = draw.number(1, 100)
    if newborn:
        patient[exact] = draw.number(1, 28)
    elif roll <= 85:
        patient[exact] = years * YEAR if years else draw.number(1, 11) * MONTH
    elif roll <= 95:
        patient[bracket] = _bracket(years)


def _bracket(years: int) -> str:
    if years == 0:
        return "3"
    return next((code for upper, code in _BRACKET_YEARS if years <= upper), "11")

"""``python -m samples.makers.take_on`` writes the feed of the tutorial (docs/take-on-a-feed.md):
what a trust's own system might export, in its own columns, words and encoding. Made-up people
only."""

import csv
import io
import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from schemas.identifiers import is_nhs_number

FILE: Final = Path("samples/take-on/feed.csv")
RECORDS: Final = 84
_SEED: Final = 7
_FIRST_DAY: Final = date(2025, 1, 6)
# fmt: off
COLUMNS: Final = (
    "Our ref", "Date reported", "Date of incident", "Time", "Hospital", "Ward", "Specialty",
    "Category", "What happened", "Action taken", "Degree of harm", "Psychological harm",
    "Patient DOB", "NHS number", "Sex", "Drug", "Stage of medication error", "Duty of candour",
    "Reporter role", "Handler", "Priority",
)
# fmt: on
Row = dict[str, str]


class Kind(NamedTuple):
    """A category of the trust's list, how often it is used, and what such incidents are like."""

    category: str
    weight: int
    narratives: tuple[str, ...]
    actions: tuple[str, ...]


KINDS: Final = (
    Kind(
        "Slip, trip or fall",
        26,
        (
            "Patient found on the floor beside the bed; the falls alarm had not been switched on.",
            "Patient’s slippers were worn out and the patient slipped on the way to the bathroom.",
            "Unwitnessed fall in the day room – no loss of consciousness, neuro obs commenced.",
        ),
        ("Falls care plan updated.", "Bed lowered and alarm switched on."),
    ),
    Kind(
        "Medication incident",
        22,
        (
            "Second dose given an hour after the first; the chart had not been signed.",
            "Patient’s usual medicine was not prescribed on admission – noticed by the pharmacist.",
            "The infusion ran at twice the rate that was prescribed for forty minutes.",
        ),
        ("Doctor informed, patient monitored.", "Chart corrected and team reminded at handover."),
    ),
    Kind(
        "Pressure ulcer",
        14,
        (
            "Category 2 damage found on the left heel; no skin assessment since admission.",
            "Skin over the sacrum broke down while the patient waited for a mattress.",
        ),
        ("Tissue viability nurse informed, mattress ordered.",),
    ),
    Kind(
        "Medical device / equipment",
        9,
        (
            "The pump stopped without an alarm; its battery was flat although it was plugged in.",
            "The hoist’s sling tore while the patient was being lifted – caught by two staff.",
        ),
        ("Taken out of use, label attached, medical physics informed.",),
    ),
    Kind(
        "Infection control",
        8,
        ("Patient with diarrhoea nursed in an open bay for a day before a side room was found.",),
        ("Bay closed and cleaned.",),
    ),
    Kind(
        "Communication",
        8,
        ("Discharge letter went to the patient’s former practice; follow-up was missed.",),
        ("Practice telephoned, letter sent again.",),
    ),
)
_HARM: Final = ("None", "None", "None", "Low", "Low", "Moderate", "Severe", "Near miss")
_SPECIALTIES: Final = (
    ("General surgery", "Surgical admissions"),
    ("Cardiology", "Heart unit"),
    ("Trauma and orthopaedics", "Trauma ward"),
    ("Emergency medicine", "ED majors"),
    ("Paediatrics", "Children’s ward"),
    ("COTE", "Willow ward"),
    ("AMU", "AMU"),
)
_DRUGS: Final = ("Paracetamol", "Enoxaparin", "Furosemide", "Insulin glargine", "Morphine")
_STAGES: Final = ("Prescribing", "Administration", "Dispensing")
_ROLES: Final = ("Nurse", "Nurse", "Doctor", "Pharmacist", "Physiotherapist", "Ward clerk")


def make_rows() -> Iterator[Row]:
    """The rows as the trust's system exports them, in the order of reporting."""
    draw = random.Random(_SEED)  # the same feed each time
    for number in range(1, RECORDS + 1):
        yield _make_row(draw, number)


def _make_row(draw: random.Random, number: int) -> Row:
    kind = draw.choices(KINDS, [kind.weight for kind in KINDS])[0]
    occurred = _FIRST_DAY + timedelta(days=number * 2 + draw.randint(0, 3))
    reported = occurred + timedelta(days=draw.randint(0, 3))
    specialty, ward = draw.choice(_SPECIALTIES)
    is_child = specialty == "Paediatrics"
    born = occurred - timedelta(days=draw.randint(*((400, 5_500) if is_child else (8_000, 34_000))))
    harm = draw.choice(_HARM)
    is_medication = kind.category == "Medication incident"
    return {
        "Our ref": f"KH-25-{number:04}",
        "Date reported": f"{reported:%d/%m/%Y}",
        "Date of incident": f"{occurred:%d/%m/%Y}",
        "Time": f"{draw.randint(0, 23):02}:{draw.choice((0, 5, 15, 30, 45)):02}",
        "Hospital": "Kestrel Hill General Hospital",
        "Ward": ward,
        "Specialty": specialty,
        "Category": kind.category,
        "What happened": draw.choice(kind.narratives),
        "Action taken": draw.choice(kind.actions),
        "Degree of harm": harm,
        "Psychological harm": draw.choice(("None", "None", "Low", "Moderate", "")),
        "Patient DOB": f"{born:%d/%m/%Y}",
        "NHS number": _make_nhs_number(number),
        "Sex": draw.choice("FFMMU"),
        "Drug": draw.choice(_DRUGS) if is_medication else "",
        "Stage of medication error": draw.choice(_STAGES) if is_medication else "",
        "Duty of candour": "Y" if harm in ("Moderate", "Severe") else "N",
        "Reporter role": draw.choice(_ROLES),
        "Handler": f"Synthetic Manager {draw.randint(1, 4)}",
        "Priority": draw.choice(("K1", "K2", "K2", "K3")),
    }


def _make_nhs_number(number: int) -> str:
    """In the range 999, which is given to nobody."""
    start = 999_400_000 + number * 7
    found = (f"{one}{check}" for one in range(start, start + 7) for check in range(10))
    whole = next(digits for digits in found if is_nhs_number(digits))
    return f"{whole[:3]} {whole[3:6]} {whole[6:]}"


def write_feed() -> bytes:
    """Semicolons and Windows-1252, as a spreadsheet saves it here."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, delimiter=";")
    writer.writeheader()
    writer.writerows(make_rows())
    return text.getvalue().encode("cp1252")


if __name__ == "__main__":
    FILE.write_bytes(write_feed())

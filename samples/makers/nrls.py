"""``python -m samples.makers.nrls`` writes the sample feeds of ``nrls-csv`` and ``nrls-xml``: the
exports of one trust, with the mistakes that such exports have."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from samples.makers.legacy_incidents import LegacyIncident, make_incidents, write_files

TRUST = "RZA"
# fmt: off
COLUMNS = (
    "INCIDENTID", "TRUSTINCIDENTID", "RP02", "RP07", "IN01", "CREATEDDT", "IN03_LVL1", "IN03_LVL2",
    "IN03_LVL3", "IN03_TEXT", "IN04", "IN05_LVL1", "IN05_LVL2", "IN05_TEXT", "IN07", "IN10", "IN11",
    "AGE_AT_INCIDENT", "PD02", "PD04", "PD05_LVL1", "PD05_LVL2", "PD05_TEXT", "PD09", "PD20",
    "RM04", "MD01", "MD01_TEXT", "MD02", "MD02_TEXT", "MD05", "MD06", "MD30", "MD31", "DE01",
    "DE01_TEXT", "DE03",
)
# fmt: on
Record = dict[str, str]

# Kind of incident → IN05_LVL1, and the words a local system has for its sub-category.
_CATEGORIES = {
    "fall": ("12", "Slip, trip or fall"),
    "pressure_ulcer": ("7", "Pressure sore"),
    "medication_dose": ("10", "Wrong dose or strength"),
    "medication_omitted": ("10", "Omitted medicine"),
    "medication_wrong": ("10", "Wrong drug"),
    "device": ("9", "Failure of device"),
    "delay": ("1", "Delay in admission"),
    "discharge": ("1", "Discharge planning"),
    "infection": ("6", "Healthcare associated infection"),
    "self_harm": ("13", "Self harm"),
    "laboratory": ("2", "Sample mislabelled"),
    "it_system": ("5", "Record not available"),
    "maternity": ("14", "Obstetric complication"),
    "blood": ("14", "Transfusion"),
    "surgery": ("14", "Theatre incident"),
    "aggression": ("4", "Aggression by a patient"),
    "imaging": ("2", "Imaging"),
    "radiotherapy": ("14", "Radiotherapy"),
    "screening": ("2", "Screening"),
    "transplant": ("14", "Transplantation"),
}
_BRANDS = {"Paracetamol": "Panadol", "Enoxaparin": "Clexane", "Co-careldopa": "Sinemet"}
_DEVICES = ("Infusion pump", "Syringe driver", "Patient monitor", "Hoist")


def make_record(one: LegacyIncident, *, in_words: bool) -> Record:
    """``in_words``: the export gives labels where NRLS has numbers for local lists."""
    category, words = _CATEGORIES[one.kind]
    is_paediatric = one.age < 18
    record = dict.fromkeys(COLUMNS, "") | {
        "INCIDENTID": str(7_400_000 + one.number * 13),
        "TRUSTINCIDENTID": f"W{one.day.year % 100}-{one.number:05d}",
        "RP02": "Acute / general hospital" if in_words else "1",
        "RP07": TRUST,
        "IN01": _write_date(one.day, in_words=in_words),
        "CREATEDDT": _write_date(one.day + timedelta(days=one.reported), in_words=in_words),
        "IN03_LVL1": "General / acute hospital" if in_words else "1",
        "IN03_LVL2": "Inpatient areas" if in_words else "12",
        "IN03_TEXT": one.place,
        "IN04": "1",
        "IN05_LVL1": category,
        "IN05_LVL2": words if in_words else str(100 + len(words)),
        "IN05_TEXT": "" if in_words else words,
        "IN07": one.narrative,
        "IN10": one.action if one.number % 3 == 0 else "",
        "IN11": one.found if one.number % 4 == 0 else "",
        "AGE_AT_INCIDENT": _write_age(one.age),
        "PD02": {"F": "Female", "M": "Male"}[one.sex] if in_words else one.sex,
        "PD04": "A paediatrics specialty" if is_paediatric else "",
        "PD20": "Yes" if is_paediatric else "No",
        "PD09": str(one.harm),
        "RM04": "3",
    }
    if one.kind == "maternity":
        record |= {"PD05_LVL1": "Obstetrics and gynaecology" if in_words else "9"}
    if one.drug:
        record |= {"MD01": "3", "MD01_TEXT": "Administration on the ward", "MD02": "4"}
        record |= {"MD02_TEXT": words, "MD05": one.drug, "MD06": _BRANDS.get(one.drug, "")}
    if one.kind == "device":
        record |= {"DE01": "14", "DE01_TEXT": _DEVICES[one.number % 4], "DE03": "Model 500"}
    return record


def _write_date(day: date, *, in_words: bool) -> str:
    return day.isoformat() if in_words else f"{day:%d/%m/%Y}"


def _write_age(years: float) -> str:
    return str(int(years)) if years >= 1 else f"{years:.4f}"


def make_records(*, seed: int, in_words: bool) -> list[Record]:
    """224 incidents in the order in which they were exported, mistakes and repeats included."""
    records = [
        make_record(one, in_words=in_words)
        for one in make_incidents(220, seed=seed, until=date(2024, 6, 28))
    ]
    for place, change in _MISTAKES.items():
        records[place] |= change
    corrected = records[30] | {"IN07": f"{records[30]['IN07']} Amended after the local review."}
    return [*records, records[11], records[12], corrected, records[13]]


def _tell(category: str, words: str, narrative: str) -> Record:
    """Another incident in the place of the one that stood there."""
    cleared = ("IN05_LVL2", "IN03_TEXT", "IN10", "IN11", "PD05_LVL1", *COLUMNS[-11:])
    return dict.fromkeys(cleared, "") | {
        "IN05_LVL1": category,
        "IN05_TEXT": words,
        "IN07": narrative,
    }


# Place in the feed → what the local system wrote there.
_MISTAKES: dict[int, Record] = {
    9: {"RP07": ""},
    21: {"PD09": "6"},
    34: {"IN05_LVL1": "99"},
    47: {"IN05_LVL1": "", "IN05_LVL2": "", "IN05_TEXT": ""},
    58: {"IN01": "03/05/23"},
    63: {"IN01": ""},
    71: {"AGE_AT_INCIDENT": "912"},
    84: {"AGE_AT_INCIDENT": "-1"},
    96: {"IN07": "Fall.", "IN05_TEXT": "", "IN03_TEXT": "", "IN10": "", "IN11": ""},
    103: {"IN07": ""},
    117: {"IN01": "31/02/2024"},
    122: {"RP07": "XX1"},
    # None of these is a mistake: a patient who died, a lift, and a trust that has merged since.
    131: {"PD09": "5"},
    138: _tell("8", "Lift out of use", "The lift to theatre stood still and a patient waited."),
    144: {"RP07": "RZ8", "IN01": "15/05/2024"},
    156: {"PD02": "X"},
    # An NHS number of the range that is nobody's, a patient's age not given, no patient at all.
    168: _tell(
        "5", "Misfiling", "The chart of another (NHS number 999 000 0018) was in the notes."
    ),
    175: {"AGE_AT_INCIDENT": ""},
    188: {"AGE_AT_INCIDENT": "", "PD09": "", "PD02": ""},
    199: _tell("2", "Monitoring", "The patient’s temperature was 39.4 °C – told to nobody."),
}


def make_csv() -> bytes:
    """As Excel in this country saves it: windows-1252, lines that end in CR LF."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(make_records(seed=2024, in_words=False))
    return text.getvalue().encode("windows-1252")


def make_xml() -> bytes:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<INCIDENTS>"]
    for record in make_records(seed=2025, in_words=True):
        lines.append("  <INCIDENT>")
        for name, value in record.items():
            if value:
                lines.append(f"    <{name}>{escape(value)}</{name}>")
        lines.append("  </INCIDENT>")
    return "\n".join([*lines, "</INCIDENTS>", ""]).encode()


def make_files() -> dict[Path, bytes]:
    folder = Path("samples/profiles")
    return {folder / "nrls-csv/feed.csv": make_csv(), folder / "nrls-xml/feed.xml": make_xml()}


if __name__ == "__main__":
    write_files(make_files())

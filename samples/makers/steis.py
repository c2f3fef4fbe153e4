"""``python -m samples.makers.steis`` writes the sample feeds of ``steis-csv`` (snake_case) and
``steis-export-csv`` (the headings of StEIS): serious incidents of several trusts of a region, rows
repeated for their modifications."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from samples.makers.legacy_incidents import LegacyIncident, make_incidents, write_files

# As StEIS exports them → the common snake_case form.
COLUMNS = {
    "Log No": "log_no",
    "Created on": "created_on",
    "Modified Date": "modified_date",
    "Organisation reporting SI on STEIS": "organisation_reporting_si_on_steis",
    "Organisation leading investigation": "organisation_leading_investigation",
    "CCG/CSU Name": "ccg_csu_name",
    "Region - Geography": "region_geography",
    "Status": "status",
    "Date of Incident:": "date_of_incident",
    "Time of Incident:": "time_of_incident",
    "Site of Incident:": "site_of_incident",
    "Location of Incident:": "location_of_incident",
    "Location of Incident (Other):": "location_of_incident_other",
    "Care Sector": "care_sector",
    "Care Sector (Other)": "care_sector_other",
    "Clinical Area:": "clinical_area",
    "Clinical Area (Other)": "clinical_area_other",
    "Patient Date of Birth": "patient_date_of_birth",
    "Patient Type": "patient_type",
    "Legal Status of Patient": "legal_status_of_patient",
    "Type of Incident": "type_of_incident",
    "Type of Incident (Other)": "type_of_incident_other",
    "Where is patient at time of reporting:": "where_is_patient_at_time_of_reporting",
    "Internal Investigation Required": "internal_investigation_required",
    "Non Health led Investigation Required": "non_health_led_investigation_required",
    "Description of what happened:": "description_of_what_happened",
    "Reason for Reporting": "reason_for_reporting",
    "Immediate action taken": "immediate_action_taken",
    "Case Summary": "case_summary",
    "Key Findings": "key_findings",
    "How will lessons be disseminated to interested parties": (
        "how_will_lessons_be_disseminated_to_interested_parties"
    ),
}
Row = dict[str, str]

_TRUSTS = (
    ("Northmoor University Hospitals NHS Foundation Trust", "Northmoor General Hospital"),
    ("Ashcombe Hospitals NHS Trust", "Ashcombe General Hospital"),
    # Other case, other punctuation: the same name.
    ("CALDER BAY MENTAL HEALTH NHS FOUNDATION TRUST", "Calder Bay General Hospital"),
    ("Drayford Community Health N.H.S. Trust", "Drayford General Hospital"),
)
_SECTORS = ("Acute services", "Acute services", "Mental health services", "Community services")
_TYPES = {
    "fall": "Slips/trips/falls meeting SI criteria",
    "pressure_ulcer": "Pressure ulcer meeting SI criteria",
    "medication_dose": "Medication incident meeting SI criteria",
    "medication_omitted": "Medication incident meeting SI criteria",
    "medication_wrong": "Medication incident meeting SI criteria",
    "device": "Medical equipment/devices/disposables incident meeting SI criteria",
    "delay": "Treatment delay meeting SI criteria",
    "discharge": "Treatment delay meeting SI criteria",
    "infection": "HCAI/Infection control incident meeting SI criteria",
    "self_harm": "Apparent/actual/suspected self-inflicted harm meeting SI criteria",
    "laboratory": "Diagnostic incident including delay meeting SI criteria",
    "maternity": "Maternity/Obstetric incident meeting SI criteria",
    "blood": "Blood product/transfusion incident meeting SI criteria",
    "surgery": "Surgical/invasive procedure incident meeting SI criteria",
    "aggression": "Disruptive/aggressive/violent behaviour meeting SI criteria",
    "imaging": "Diagnostic incident including delay meeting SI criteria",
    "screening": "Screening issues meeting SI criteria",
}
_NEVER_EVENTS = {"1": "Wrong site surgery", "3": "Retained foreign object post procedure"}
_UNTIL = date(2025, 3, 31)


def make_row(one: LegacyIncident) -> Row:
    trust = one.number % 10 // 3  # of ten: three, three, three and one
    name, site = _TRUSTS[trust]
    created = one.day + timedelta(days=one.reported)
    born = one.day - timedelta(days=int(one.age * 365.25) + one.number % 300 * (one.age >= 1))
    kind = _TYPES.get(one.kind, "Other")
    if one.never_event in _NEVER_EVENTS:
        kind = _NEVER_EVENTS[one.never_event]
    return dict.fromkeys(COLUMNS.values(), "") | {
        "log_no": f"{one.day.year}/{one.number * 37 + 1000}",
        "created_on": f"{created:%d/%m/%Y} {9 + one.number % 8:02d}:{one.number % 60:02d}:00",
        "modified_date": f"{created:%d/%m/%Y}",
        "organisation_reporting_si_on_steis": name,
        "organisation_leading_investigation": name,
        "ccg_csu_name": "North Fells ICB",
        "region_geography": "North Fells",
        "status": "Ongoing",
        "date_of_incident": f"{one.day:%d/%m/%Y}",
        "time_of_incident": f"{one.minute // 60:02d}:{one.minute % 60:02d}",
        "site_of_incident": site,
        "location_of_incident": "Ward areas",
        "location_of_incident_other": one.place,
        "care_sector": _SECTORS[trust],
        "clinical_area": "Medicine",
        "patient_date_of_birth": f"{born:%d/%m/%Y}",
        "patient_type": "In-patient",
        "legal_status_of_patient": "Informal" if trust == 2 else "",
        "type_of_incident": kind,
        "type_of_incident_other": one.kind.replace("_", " ") if kind == "Other" else "",
        "where_is_patient_at_time_of_reporting": "Hospital",
        "internal_investigation_required": "Yes",
        "non_health_led_investigation_required": "No",
        "description_of_what_happened": one.narrative,
        "reason_for_reporting": "Serious harm" if one.harm >= 3 else "Learning for other services",
        "immediate_action_taken": one.action,
    }


def _modify(row: Row, one: LegacyIncident) -> Iterator[Row]:
    """The later rows of a log number: closer to the end, and with more to say each time."""
    dates = [row["modified_date"]]
    stages = (
        {"case_summary": one.found},
        {"status": "Closed", "key_findings": "The checklist was not used as intended.",
         "how_will_lessons_be_disseminated_to_interested_parties": "At the safety forum."},
    )  # fmt: skip
    for stage in stages[: 1 + one.number % 12 // 6]:
        later = one.day + timedelta(days=40 * (len(dates) + 1))
        dates.append(f"{later:%d/%m/%Y}")
        row = row | stage | {"modified_date": ";".join(dates)}
        yield row


_QUOTED = (
    'Told by the ward:\n"The monitor was silent."\nIts alarm had been set too low; it was raised.'
)
# Number of the incident → what was typed wrong, or left out.
_MISTAKES: dict[int, Row] = {
    14: {"organisation_reporting_si_on_steis": "Northmoor Hospitals"},
    27: {"organisation_reporting_si_on_steis": "The Surgery"},
    39: {"organisation_reporting_si_on_steis": ""},
    52: {"date_of_incident": "12/04/23"},
    66: {"date_of_incident": ""},
    73: {"time_of_incident": "25:10"},
    88: {"patient_date_of_birth": "01/01/2031"},
    95: {"patient_date_of_birth": "07/11/41"},
    107: {"type_of_incident": ""},
    113: {"type_of_incident": "Never Event: other"},
    126: {"description_of_what_happened": ""},
    # None of these is a mistake: no patient, no time, an organisation that has merged since, a
    # code in place of the name, lines of their own and the quotes in a text.
    134: {"patient_date_of_birth": ""},
    141: {"time_of_incident": ""},
    158: {"organisation_reporting_si_on_steis": "Old Northmoor Hospitals NHS Trust"},
    163: {"organisation_reporting_si_on_steis": "RZB"},
    177: {"description_of_what_happened": _QUOTED},
    185: {"type_of_incident": "Administration of medication by the wrong route"},
}  # fmt: skip


def make_rows() -> list[Row]:
    """225 log numbers in 281 rows; what was modified stands before and behind its first row."""
    first, later = [], []
    for one in make_incidents(225, seed=1999, until=_UNTIL):
        row = make_row(one) | _MISTAKES.get(one.number, {})
        first.append(row)
        if one.number % 6 == 0:
            later += _modify(row, one)
    # As sorted by an export in no order that anyone asked for.
    return [*later[::2], *first, *later[1::2]]


def make_csv(*, as_exported: bool) -> bytes:
    """UTF-8 with a byte order mark; semicolons only between dates."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS if as_exported else COLUMNS.values())
    writer.writerows(list(row.values()) for row in make_rows())
    return text.getvalue().encode("utf-8-sig")


def make_files() -> dict[Path, bytes]:
    folder = Path("samples/profiles")
    return {
        folder / "steis-csv/feed.csv": make_csv(as_exported=False),
        folder / "steis-export-csv/feed.csv": make_csv(as_exported=True),
    }


if __name__ == "__main__":
    write_files(make_files())

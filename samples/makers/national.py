"""``python -m samples.makers.national`` writes the sample feed of ``national-csv``: events of all
three taxonomy versions in the shape of the national dataset, with a few mistakes."""

import io
from pathlib import Path
from typing import Final

from gateway.generator.events import EventMaker, Setting
from gateway.generator.organisations import make_register
from gateway.generator.records import GeneratedRecord, RecordMaker
from mappers.profile_load import load_profile
from mappers.profile_write import csv_header, write_line, write_rows
from samples.makers.legacy_incidents import write_files
from samples.makers.vendor_events import TRUST
from schemas.taxonomy import TAXONOMY_VERSIONS

PROFILE: Final = "national-csv"
_SEED: Final = 3005
_OF_EACH: Final = 72
# What the dataset adds to each row of an event, and the gateway leaves aside.
_ADDED: Final = (
    "Revision",
    "OriginalSubmissionDate",
    "OccurredOrganisationCode",
    "ReporterOrganisationCode",
    "OccurredDate",
)
# Of the events with several rows: these disagree, in a column of the event.
_DISAGREES: Final = (4, 9)
Row = dict[str, str]


def make_records() -> list[GeneratedRecord]:
    records: list[GeneratedRecord] = []
    for place, version in enumerate(TAXONOMY_VERSIONS):
        setting = Setting(
            version=version, seed=_SEED + place, organisations=(TRUST,), register=make_register()
        )
        maker = RecordMaker(EventMaker(setting), seed=_SEED + place, errors=0.03, duplicates=0)
        records += maker.make_all(_OF_EACH)
    return records


def make_rows() -> list[Row]:
    """Rows of an event stand together, but for a few whose further patients come at the end."""
    profile = load_profile(PROFILE)
    rows: list[Row] = []
    late: list[Row] = []
    several = 0
    for record in make_records():
        event = record.event
        added = dict.fromkeys(_ADDED, "") | {
            "Revision": "1",
            "OriginalSubmissionDate": "2025-07-01",
            "OccurredOrganisationCode": next(iter(event.occurred_organisations), ""),
            "ReporterOrganisationCode": event.reporter_organisation or "",
            "OccurredDate": event.event_date or "",
        }
        made = [row | added for row in write_rows(event, record.local_id, profile)]
        if len(made) > 1:
            several += 1
            if several in _DISAGREES:
                made[-1] |= {"L003_ServiceArea": "15", "F001_Description": "Another description."}
            if several % 4 == 0:
                late += made[1:]
                made = made[:1]
        rows += made
    # A national number that this gateway did not give: a warning, and the record loads.
    rows[20] |= {"CL021_ReferenceNumber": "2F8E-8W4Z-SGJ9-T"}
    return [*rows, *late]


def make_csv() -> bytes:
    header = [*csv_header(load_profile(PROFILE), patients=0), *_ADDED]
    text = io.StringIO(newline="")
    text.write(write_line(dict(zip(header, header, strict=True)), header))
    for row in make_rows():
        text.write(write_line(row, header))
    return text.getvalue().encode("utf-8-sig")


def make_files() -> dict[Path, bytes]:
    return {Path("samples/profiles") / PROFILE / "feed.csv": make_csv()}


if __name__ == "__main__":
    write_files(make_files())

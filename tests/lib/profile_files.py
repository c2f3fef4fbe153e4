"""A small profile, CSV files for it, and what the tools for profiles make of them."""

import csv
import io
from datetime import UTC, datetime

from gateway.adapters.limits import Limits
from gateway.profiles.coverage import count_file, make_coverage
from gateway.profiles.coverage_model import Coverage
from gateway.profiles.judging import Judging
from gateway.profiles.tally import Tally
from mappers.profile_load import parse_profile

RECEIVED_AT = datetime(2026, 11, 22, 12, tzinfo=UTC)

SMALL_PROFILE = """
name: small
version: "3"
format: csv
taxonomy_version: "5"
local_id: id
event_type: {field: type, codes: {incident: "1", risk: "2"}}
event_date: {field: date, date_format: DD/MM/YYYY}
narrative: story
separator: ";"
elements:
  drug: {to: AdverseEventAgent.InvolvedAgents, codes: {"yes": "4", "no": ""}}
  device: {to: AdverseEventAgent.InvolvedAgents, codes: {"yes": "3", "no": ""}}
  challenge: AdverseEventSafetyChallenges.SafetyChallenges
  trust:
    - {to: PractitionerDetails.ReporterOrganisation}
    - {to: LocationDetails.Organisation}
  never: AdverseEventGovernance.NeverEvent
  what: {to: AdverseEventGovernance.NeverEventType, when: {never: "yes"}}
patients:
  number: PatientSequence
  elements:
    harm_{n}: {to: PatientInformation.PhysicalHarm, codes: {low: "4", none: "5"}}
derive:
  AdverseEventClassification.LevelOfConcern:
    - {when: {ward: [icu]}, value: "3"}
constants:
  LocationDetails.LocationKnown: "y"
ignored:
  handler: not of the event
expectations:
  records: {min: 2, max: 100}
  rejected_at_most: 0.5
"""
HEADER = "id,type,date,story,drug,device,challenge,trust,never,what,harm_1,ward,handler"
STORY = "The wrong syringe was loaded into the pump."


def make_row(number: int, **cells: str) -> dict[str, str]:
    """A row that is accepted."""
    row = dict.fromkeys(HEADER.split(","), "")
    row |= {"id": f"R-{number}", "type": "incident", "date": "03/05/2025", "story": STORY}
    return row | {"drug": "yes", "challenge": "2", "trust": "RZA", "harm_1": "low"} | cells


def write_rows(*rows: dict[str, str]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def make_judging(text: str = SMALL_PROFILE) -> Judging:
    profile = parse_profile(text, "small.yaml")
    return Judging(profile, limits=Limits(), received_at=RECEIVED_AT)


def count_rows(*rows: dict[str, str]) -> Tally:
    return count_file(make_judging(), io.BytesIO(write_rows(*rows)))


def cover_rows(*rows: dict[str, str], min_count: int = 3) -> Coverage:
    return make_coverage(count_rows(*rows), file="rows.csv", min_count=min_count)

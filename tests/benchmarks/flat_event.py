"""What both baselines store: one flat model of an event, and one flat table.

The model holds the fields a search screen would need, the table the same beside the whole event
as JSON and the hash that keeps it unique, so that a baseline does useful work and nothing more.
"""

import hashlib
from datetime import date
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict

Groups = dict[str, Any]


class FlatEvent(BaseModel):
    """One event as columns; types are checked, codes and rules are not."""

    model_config = ConfigDict(extra="forbid")

    local_id: str
    event_type: str
    occurred_on: date | None = None
    narrative: str | None = None
    occurred_today: str | None = None
    precise_time: str | None = None
    estimated_time: str | None = None
    organisation: str | None = None
    service_area: str | None = None
    location: str | None = None
    specialty: str | None = None
    reporter_type: str | None = None
    reporter_role: str | None = None
    reporter_organisation: str | None = None
    level_of_concern: str | None = None
    agents: list[str] = []
    challenges: list[str] = []
    duty_of_candour: bool | None = None
    never_event: bool | None = None
    patients: list[dict[str, str | int]] = []


COLUMNS = (
    "key",
    "local_id",
    "event_type",
    "occurred_on",
    "narrative",
    "organisation",
    "service_area",
    "location",
    "specialty",
    "reporter_organisation",
    "level_of_concern",
    "never_event",
    "patients",
    "payload",
)
# As the store keeps it.
PAYLOAD_TYPE = {"postgresql": "json", "sqlite": "text"}
KEY_TYPE = {"postgresql": "bytea", "sqlite": "blob"}


def make_table_statement(dialect: str, name: str) -> str:
    """The same columns and the same compression on both sides of the comparison."""
    return f"""
        CREATE TABLE {name} (
            key {KEY_TYPE[dialect]} PRIMARY KEY, local_id text NOT NULL, event_type text NOT NULL,
            occurred_on date, narrative text, organisation text, service_area text, location text,
            specialty text, reporter_organisation text, level_of_concern text, never_event boolean,
            patients integer NOT NULL, payload {PAYLOAD_TYPE[dialect]} NOT NULL
        )"""


def flatten(resource: dict[str, Any]) -> dict[str, Any]:
    """The groups of a FHIR event as a dict of group → element → value; elements that repeat become
    lists, and so do patients."""
    groups: Groups = {}
    patients: list[dict[str, Any]] = []
    holders = [resource, *resource.get("contained", [])]
    for holder in holders:
        for extension in holder.get("extension", []):
            elements: dict[str, Any] = {}
            for element in extension.get("extension", []):
                name = element["url"]
                value = next((v for key, v in element.items() if key.startswith("value")), None)
                if name in elements:
                    known = elements[name]
                    elements[name] = [*(known if isinstance(known, list) else [known]), value]
                else:
                    elements[name] = value
            if holder.get("resourceType") == "Patient":
                patients.append(elements)
            else:
                # …/adverse-event-agent-5 → adverse-event-agent
                groups[extension["url"].rpartition("/")[2].rpartition("-")[0]] = elements
    groups["patients"] = patients
    return groups


def make_flat(resource: dict[str, Any], groups: Groups) -> FlatEvent:
    when = groups.get("adverse-event-estimated-date", {})
    place = groups.get("location-details", {})
    reporter = groups.get("practitioner-details", {})
    governance = groups.get("adverse-event-governance", {})
    kind = resource.get("type") or resource.get("event") or {}
    identifier = resource.get("identifier") or {}
    if isinstance(identifier, list):
        identifier = identifier[0]
    return FlatEvent(
        local_id=identifier.get("value"),
        event_type=kind["coding"][0]["code"],
        occurred_on=resource.get("date"),
        narrative=resource.get("description"),
        occurred_today=when.get("IncidentOccurredToday"),
        precise_time=when.get("PreciseTime"),
        estimated_time=when.get("EstimatedTime"),
        organisation=_one(place.get("Organisation")),
        service_area=_one(place.get("ServiceArea")),
        location=place.get("LocationWithinService"),
        specialty=place.get("ResponsibleSpecialty"),
        reporter_type=reporter.get("ReporterType"),
        reporter_role=reporter.get("ReporterRole"),
        reporter_organisation=reporter.get("ReporterOrganisation"),
        level_of_concern=groups.get("adverse-event-classification", {}).get("LevelOfConcern"),
        agents=_many(groups.get("adverse-event-agent", {}).get("InvolvedAgents")),
        challenges=_many(groups.get("adverse-event-safety-challenges", {}).get("SafetyChallenges")),
        duty_of_candour=governance.get("DutyOfCandour"),
        never_event=governance.get("NeverEvent"),
        patients=groups["patients"],
    )


def make_row(event: FlatEvent, groups: Groups) -> tuple[Any, ...]:
    """In the order of ``COLUMNS``."""
    payload = msgspec.json.encode(groups)
    key = hashlib.sha256(event.local_id.encode() + b"\0" + payload).digest()
    return (
        key,
        event.local_id,
        event.event_type,
        event.occurred_on,
        event.narrative,
        event.organisation,
        event.service_area,
        event.location,
        event.specialty,
        event.reporter_organisation,
        event.level_of_concern,
        event.never_event,
        len(event.patients),
        payload.decode(),
    )


def _one(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]

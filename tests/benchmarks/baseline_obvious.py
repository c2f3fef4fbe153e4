"""Baseline (a): the loader one would write first, from the packages everybody knows.

Each line is parsed by the standard ``json``, validated by fhir.resources' model of the release
that the taxonomy version stands on (STU3 for 4 and 5, R4B for 6), its extensions walked through
the model's attributes, and stored by SQLAlchemy's ORM: an event and its patients, ``add_all`` and
one commit a thousand records. It checks no code lists, no rules, finds no duplicates, writes no
receipt, audit or alert: everything it does, the gateway does as well.

Fair: one process, one session, the tables made before the clock starts, the same columns and
indexes as the bare path, ``expire_on_commit`` off, and records in batches as its own documentation
advises. Not tuned beyond that, which is the point of it.
"""

import json
from collections.abc import Iterable
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from fhir.resources.adverseevent import AdverseEvent as AdverseEventR4
from fhir.resources.STU3.adverseevent import AdverseEvent as AdverseEventStu3
from sqlalchemy import JSON, ForeignKey, Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from tests.benchmarks.measuring import Job, Measured, Stopwatch, check_stored

BATCH = 1_000


class Model(DeclarativeBase):
    pass


class EventRow(Model):
    __tablename__ = "obvious_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    local_id: Mapped[str] = mapped_column(unique=True)
    event_type: Mapped[str]
    occurred_on: Mapped[date | None]
    narrative: Mapped[str | None] = mapped_column(Text)
    organisation: Mapped[str | None]
    service_area: Mapped[str | None]
    location: Mapped[str | None]
    specialty: Mapped[str | None]
    reporter_organisation: Mapped[str | None]
    level_of_concern: Mapped[str | None]
    never_event: Mapped[bool | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    patients: Mapped[list["PatientRow"]] = relationship()


class PatientRow(Model):
    __tablename__ = "obvious_patients"

    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("obvious_events.id"))
    sequence: Mapped[int]
    physical_harm: Mapped[str | None]
    psychological_harm: Mapped[str | None]
    age: Mapped[int | None]
    gender: Mapped[str | None]


def measure(job: Job) -> Measured:
    """Making the tables is not timed."""
    prepare(job.url)
    watch = Stopwatch(job.url)
    with watch.running():
        count = load(Path(job.feed), job.url, job.limit)
    check_stored(job, EventRow.__tablename__, count)
    return watch.read(count)


def prepare(url: str) -> None:
    engine = create_engine(url)
    Model.metadata.create_all(engine)
    engine.dispose()


def load(feed: Path, url: str, limit: int) -> int:
    """The number of events stored: the first ``limit`` of the feed."""
    engine = create_engine(url)
    count = 0
    with feed.open("rb") as lines, Session(engine, expire_on_commit=False) as session:
        rows: list[EventRow] = []
        for line in islice(lines, limit):
            rows.append(make_row(json.loads(line)))
            if len(rows) == BATCH:
                count += _store(session, rows)
        count += _store(session, rows)
    engine.dispose()
    return count


def _store(session: Session, rows: list[EventRow]) -> int:
    session.add_all(rows)
    session.commit()
    session.expunge_all()
    count = len(rows)
    rows.clear()
    return count


def make_row(parsed: dict[str, Any]) -> EventRow:
    model = AdverseEventR4 if "event" in parsed else AdverseEventStu3
    event = model.model_validate(parsed)
    groups = _read_groups(event.extension)
    patients: list[dict[str, Any]] = []
    for resource in event.contained or ():
        if resource.get_resource_type() == "Patient":
            patients += [_read_elements(one) for one in resource.extension or ()]
        else:
            groups |= _read_groups(resource.extension)
    place = groups.get("location-details", {})
    kind = event.event if "event" in parsed else event.type
    return EventRow(
        local_id=event.identifier.value,
        event_type=kind.coding[0].code,
        occurred_on=_day(event.date),
        narrative=getattr(event, "description", None),
        organisation=_first(place.get("Organisation")),
        service_area=_first(place.get("ServiceArea")),
        location=_first(place.get("LocationWithinService")),
        specialty=_first(place.get("ResponsibleSpecialty")),
        reporter_organisation=_first(
            groups.get("practitioner-details", {}).get("ReporterOrganisation")
        ),
        level_of_concern=_first(
            groups.get("adverse-event-classification", {}).get("LevelOfConcern")
        ),
        never_event=_first(groups.get("adverse-event-governance", {}).get("NeverEvent")),
        payload=parsed,
        patients=[_make_patient(one) for one in patients],
    )


def _make_patient(elements: dict[str, list[Any]]) -> PatientRow:
    return PatientRow(
        sequence=_first(elements.get("PatientSequence")),
        physical_harm=_first(elements.get("PhysicalHarm")),
        psychological_harm=_first(elements.get("PsychologicalHarm")),
        age=_first(elements.get("AgeAtTimeOfIncidentDays")),
        gender=_first(elements.get("Gender")),
    )


def _read_groups(extensions: Iterable[Any] | None) -> dict[str, dict[str, list[Any]]]:
    return {
        one.url.rpartition("/")[2].rpartition("-")[0]: _read_elements(one)
        for one in extensions or ()
    }


def _read_elements(extension: Any) -> dict[str, list[Any]]:
    elements: dict[str, list[Any]] = {}
    for one in extension.extension or ():
        values = (one.valueCode, one.valueString, one.valueInteger, one.valueBoolean)
        values += (one.valueDate, one.valueTime)
        value = next((value for value in values if value is not None), None)
        elements.setdefault(one.url, []).append(value)
    return elements


def _first(values: list[Any] | None) -> Any:
    return values[0] if values else None


def _day(value: Any) -> date | None:
    """STU3 and R4 give a date or an instant, as it was sent."""
    return value.date() if hasattr(value, "date") else value

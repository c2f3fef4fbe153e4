"""The national event: one patient safety event in the terms of the national taxonomy."""

import hashlib
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

Value = str | int | bool | list[str]
Group = dict[str, Value]
Groups = dict[str, Group | list[Group]]

PATIENTS: Final = "PatientInformation"
INCIDENT: Final = "1"
RISK: Final = "2"
OUTCOME: Final = "3"
GOOD_CARE: Final = "4"
# Each grade of harm, and what is added to it to compare the two.
_HARMS: Final = (("PhysicalHarm", 0), ("PsychologicalHarm", 1))
_DAY: Final = len("2026-11-28")

_encoder = msgspec.json.Encoder(order="deterministic")


class NationalEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. ``groups`` holds the taxonomy's groups by name: a dict of element → value, or,
    for a group that repeats (PatientInformation, MedicationDmd), a list of such dicts. An element
    with max > 1 is always a list. Dates and times are text (``YYYY-MM-DD``, ``HH:MM:SS``), and
    everything is plain JSON.

    Canonical, so that equal events are equal bytes: code lists without repeats and in order,
    patients by PatientSequence, text cleaned (``schemas.values.clean_text``), no empty values. (A
    narrative given and empty is ``""`` until validation refuses it.)
    In every version the narrative stands in ``narrative`` (also version 6, which sends it as
    AdverseEventCore.Description). The national ReferenceNumber is ours to give and never content.
    """

    taxonomy_version: str
    event_type: str
    event_date: str | None = None
    narrative: str | None = None
    groups: Groups = {}

    def group(self, name: str) -> Group:
        """A group that occurs once; empty where it is absent."""
        found = self.groups.get(name)
        return found if isinstance(found, dict) else {}

    def repeats(self, name: str) -> list[Group]:
        """A group that repeats; empty where it is absent."""
        found = self.groups.get(name)
        return found if isinstance(found, list) else []

    @property
    def patients(self) -> list[Group]:
        return self.repeats(PATIENTS)

    def text(self, group: str, element: str) -> str | None:
        value = self.group(group).get(element)
        return value if isinstance(value, str) else None

    def codes(self, group: str, element: str) -> list[str]:
        value = self.group(group).get(element)
        if isinstance(value, list):
            return value
        return [value] if isinstance(value, str) else []

    def flag(self, group: str, element: str) -> bool:
        return self.group(group).get(element) is True

    @property
    def occurred_on(self) -> date | None:
        """The day of the event: its date, or the day of recording where it occurred "today"."""
        text = self.event_date
        if text is None and self.text("AdverseEventEstimatedDate", "IncidentOccurredToday") == "y":
            text = self.text("AdverseEventEstimatedDate", "TodaysDate")
        # No date is longer, and what is remembered must not be whatever a sender wrote.
        return _find_day(text) if text and len(text) <= _DAY else None

    @property
    def worst_harm(self) -> int | None:
        """1 fatal … 5 none: the smallest, over all patients, of PhysicalHarm and
        PsychologicalHarm + 1 (there is no fatal psychological grade); None where none is graded."""
        worst: int | None = None
        for patient in self.patients:
            for element, shift in _HARMS:
                grade = patient.get(element)
                if isinstance(grade, str) and grade.isascii() and grade.isdigit():
                    found = int(grade) + shift
                    worst = found if worst is None or found < worst else worst
        return worst

    @property
    def never_event(self) -> bool:
        return self.flag("AdverseEventGovernance", "NeverEvent")

    @property
    def reporter_organisation(self) -> str | None:
        return self.text("PractitionerDetails", "ReporterOrganisation")

    @property
    def occurred_organisations(self) -> list[str]:
        """Where it happened: the organisations given, else the reporter's own."""
        given = self.codes("LocationDetails", "Organisation")
        if given:
            return given
        return [self.reporter_organisation] if self.reporter_organisation else []


@lru_cache(maxsize=2048)  # the days of a feed are few, and several rules ask for that of an event
def _find_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# Made here, not at its first use, which several threads may have at once (``schemas.prepared``).
_decoder = msgspec.json.Decoder(NationalEvent)


def encode_event(event: NationalEvent) -> bytes:
    """Canonical JSON: equal events give equal bytes."""
    return _encoder.encode(event)


def decode_event(payload: bytes | str) -> NationalEvent:
    return _decoder.decode(payload)


def hash_content(payload: bytes) -> bytes:
    """sha256 over :func:`encode_event`, 32 bytes."""
    return hashlib.sha256(payload).digest()


def changed_paths(before: NationalEvent, after: NationalEvent) -> list[str]:
    """The elements whose value differs, such as ``PatientInformation[0].PhysicalHarm``. Names
    only: what stood there is in the two revisions."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def _leaves(event: NationalEvent) -> list[tuple[str, Value | None]]:
    leaves: list[tuple[str, Value | None]] = [
        (name, getattr(event, name))
        for name in ("taxonomy_version", "event_type", "event_date", "narrative")
    ]
    for name, group in event.groups.items():
        if isinstance(group, dict):
            leaves += [(f"{name}.{element}", value) for element, value in group.items()]
        else:
            leaves += [
                (f"{name}[{number}].{element}", value)
                for number, one in enumerate(group)
                for element, value in one.items()
            ]
    return leaves

"""Plain AdverseEvent (``fhir_plain``) → national event, where there is nothing to say about it.

None means that there is: a value given twice, a reference that leads nowhere, two narratives. The
general way then maps it and says so; a property test holds the two ways to the same outcome.
"""

from typing import Any, Final

from msgspec import UNSET

from mappers.fhir_plain import NotPlainError, PlainEvent, PlainGroup, PlainReference
from mappers.fhir_tables import REFERENCE_ELEMENT, REFERENCE_GROUP
from schemas.event import PATIENTS, Group, Groups, NationalEvent
from schemas.record import Mapped
from schemas.taxonomy import NARRATIVE_GROUP
from schemas.values import clean_text

NARRATIVE_ELEMENT: Final = "Description"


def map_plain(event: PlainEvent) -> Mapped | None:
    """The event and its ids, without findings; None where the general way has to map it."""
    try:
        return _map(event)
    except NotPlainError:
        return None


def _map(event: PlainEvent) -> Mapped:
    codings = event.concept.coding
    if len(codings) != 1 or len(event.meta.profile) != 1:
        raise NotPlainError
    event_type = clean_text(codings[0].code)
    if not event_type:
        raise NotPlainError
    groups: Groups = {}
    ids: set[str] = set()
    if event.contained is not UNSET:
        for resource in event.contained:
            if resource.id is not UNSET:
                ids.add(f"#{resource.id.removeprefix('#')}")
            if resource.extension is not UNSET:
                _read_groups(resource.extension, groups)
    if event.extension is not UNSET:
        _read_groups(event.extension, groups)
    _check_references(event, ids)
    narrative = _take_narrative(event, groups)
    reference = _take(groups, REFERENCE_GROUP, REFERENCE_ELEMENT)
    patients = groups.get(PATIENTS)
    if patients is not None and len(patients) > 1:
        groups[PATIENTS] = sorted(patients, key=_sequence_of)  # type: ignore[arg-type]
    national = NationalEvent(
        taxonomy_version=event.taxonomy_version,
        event_type=event_type,
        event_date=None if event.date is UNSET else event.date.isoformat(),
        narrative=narrative,
        groups=groups,
    )
    return Mapped(national, _read_identifier(event), [], reference)


def _read_groups(extensions: list[PlainGroup], groups: Groups) -> None:
    for extension in extensions:
        elements, name = extension.extension, extension.name
        content: Group = {element.name: element.given for element in elements}
        if len(content) < len(elements):
            content = _gather(extension)
        if extension.repeats:
            if content:
                groups.setdefault(name, []).append(content)  # type: ignore[union-attr]
        elif name in groups:
            raise NotPlainError
        elif content:
            groups[name] = content


def _gather(group: PlainGroup) -> Group:
    """The content of a group in which an element occurs several times."""
    content: Any = {}
    for element in group.extension:
        name = element.name
        if name not in content:
            content[name] = element.given
        elif name in group.lists:
            content[name] += element.given
        else:
            raise NotPlainError
    for name in group.code_lists & content.keys():
        codes = sorted(set(content[name]))
        if len(codes) < len(content[name]):
            raise NotPlainError
        content[name] = codes
    return content  # type: ignore[no-any-return]


def _check_references(event: PlainEvent, ids: set[str]) -> None:
    for reference in (event.subject, event.location, event.recorder):
        if reference is not UNSET:
            _check_reference(reference, ids)
    if event.suspect_entity is not UNSET:
        for suspect in event.suspect_entity:
            _check_reference(suspect.instance, ids)


def _check_reference(reference: PlainReference, ids: set[str]) -> None:
    if reference.reference not in ids:
        raise NotPlainError


def _take_narrative(event: PlainEvent, groups: Groups) -> str | None:
    described = None if event.description is UNSET else clean_text(event.description)
    element = _take(groups, NARRATIVE_GROUP, NARRATIVE_ELEMENT)
    if element is None:
        return described
    if described and described != element:
        raise NotPlainError
    return element


def _take(groups: Groups, name: str, element: str) -> str | None:
    """Takes an element out of a group that occurs once, and the group if that empties it."""
    group: Any = groups.get(name)
    if group is None:
        return None
    value: str | None = group.pop(element, None)
    if not group:
        del groups[name]
    return value


def _read_identifier(event: PlainEvent) -> str | None:
    identifier = event.identifier
    if identifier is UNSET:
        return None
    if isinstance(identifier, list):
        if len(identifier) != 1:
            raise NotPlainError
        identifier = identifier[0]
    return clean_text(identifier.value) or None


def _sequence_of(patient: Group) -> float:
    sequence = patient.get("PatientSequence")
    return sequence if type(sequence) is int else float("inf")

"""National event → FHIR AdverseEvent of the event's own taxonomy version.

What is written maps to the equal event again (a property test holds it). The server's own facts,
reference, id and revision, are given by the caller.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

from mappers.fhir_tables import REFERENCE_ELEMENT, REFERENCE_GROUP
from schemas.event import Group, NationalEvent
from schemas.taxonomy import NARRATIVE_GROUP, Taxonomy, get_taxonomy

Json = dict[str, Any]

# Written also where they are empty: a national event always has the first two, and R4 asks for a
# subject (1..1), so an event without patients has a Patient that says nothing.
_ALWAYS: Final = {
    "STU3": frozenset({"Location", "Practitioner"}),
    "R4": frozenset({"Location", "Practitioner", "Patient"}),
}
# Contained resource → its id, and the field of the root that refers to it.
_CONTAINED: Final = {
    "Patient": ("patient1", "subject"),
    "Location": ("location1", "location"),
    "Practitioner": ("practitioner1", "recorder"),
    "Medication": ("medication1", "suspectEntity"),
    "Device": ("device1", "suspectEntity"),
}
# Groups that hold what an event does not have in its groups.
_BESIDE: Final = frozenset({NARRATIVE_GROUP, REFERENCE_GROUP})


def write_fhir(
    event: NationalEvent,
    *,
    reference: str | None = None,
    local_id: str | None = None,
    event_id: str | None = None,
    revision: int | None = None,
    last_updated: str | None = None,
) -> Json:
    """The AdverseEvent as plain JSON. ``reference`` stands where clients look for it: the first
    element of the last extension. ``last_updated`` is a FHIR instant
    (``2026-11-22T09:30:00+00:00``). KeyError for a group, an element or a version that the
    taxonomy does not have."""
    taxonomy = get_taxonomy(event.taxonomy_version)
    resource: Json = {"resourceType": "AdverseEvent"}
    if event_id is not None:
        resource["id"] = event_id
    resource["meta"] = _write_meta(taxonomy, revision, last_updated)
    extensions = _write_extensions(event, taxonomy, reference)
    contained = _write_contained(extensions, _ALWAYS[taxonomy.fhir_release])
    if contained:
        resource["contained"] = contained
    if own := extensions.get("AdverseEvent"):
        resource["extension"] = own
    if local_id is not None:
        resource["identifier"] = {"value": local_id}
    resource |= _write_fields(event, taxonomy)
    for one in contained:
        _refer_to(resource, one)
    return resource


def _write_meta(taxonomy: Taxonomy, revision: int | None, last_updated: str | None) -> Json:
    """In the order of FHIR, which counts in XML."""
    meta: Json = {}
    if revision is not None:
        meta["versionId"] = str(revision)
    if last_updated is not None:
        meta["lastUpdated"] = last_updated
    return meta | {"profile": [taxonomy.profile_url]}


def _write_fields(event: NationalEvent, taxonomy: Taxonomy) -> Json:
    """What STU3 and R4 write in fields of their own."""
    concept = {"coding": [{"code": event.event_type}]}
    if taxonomy.fhir_release == "R4":
        fields: Json = {"actuality": "actual", "event": concept}
    else:
        fields = {"category": "AE", "type": concept}
        if event.narrative is not None:
            fields["description"] = event.narrative
    if event.event_date is not None:
        fields["date"] = event.event_date
    return fields


class _Written(NamedTuple):
    """How a group is written: on which resource, under which address, and the key of the value of
    each element, in their order."""

    name: str
    resource: str
    url: str
    value_keys: dict[str, str]


@lru_cache
def _list_written(version: str) -> dict[str, _Written]:
    """The groups of a version by name; the one with the reference is the last of all."""
    taxonomy = get_taxonomy(version)
    specs = sorted(taxonomy.groups, key=lambda group: group.name == REFERENCE_GROUP)
    return {
        spec.name: _Written(
            spec.name,
            spec.resource,
            taxonomy.url_of(spec),
            {element.name: element.value_key for element in spec.elements},
        )
        for spec in specs
    }


def _write_extensions(
    event: NationalEvent, taxonomy: Taxonomy, reference: str | None
) -> dict[str, list[Json]]:
    """The extensions by the resource that carries them."""
    known = _list_written(taxonomy.version)
    unknown = event.groups.keys() - known.keys()
    if unknown:
        raise KeyError(*sorted(unknown))
    written: dict[str, list[Json]] = {}
    for group in known.values():
        if group.name not in event.groups and group.name not in _BESIDE:
            continue
        for content in _contents_of(event, group.name, reference):
            written.setdefault(group.resource, []).append(
                {"url": group.url, "extension": _write_elements(group, content)}
            )
    return written


def _contents_of(event: NationalEvent, name: str, reference: str | None) -> list[Group]:
    if name == NARRATIVE_GROUP:
        return [] if event.narrative is None else [{"Description": event.narrative}]
    content = event.groups.get(name, {})
    contents = content if isinstance(content, list) else [content]
    if name == REFERENCE_GROUP and reference is not None:
        contents = [{REFERENCE_ELEMENT: reference, **contents[0]}]
    return [one for one in contents if one]


def _write_elements(group: _Written, content: Group) -> list[Json]:
    unknown = content.keys() - group.value_keys.keys()
    if unknown:
        raise KeyError(*sorted(unknown))
    elements: list[Json] = []
    for name, value_key in group.value_keys.items():
        if name not in content:
            continue
        value = content[name]
        if isinstance(value, list):
            elements += [{"url": name, value_key: one} for one in value]
        else:
            elements.append({"url": name, value_key: value})
    return elements


def _write_contained(extensions: dict[str, list[Json]], always: frozenset[str]) -> list[Json]:
    contained = []
    for kind, (own_id, _) in _CONTAINED.items():
        carried = extensions.get(kind)
        if carried:
            contained.append({"resourceType": kind, "id": own_id, "extension": carried})
        elif kind in always:
            contained.append({"resourceType": kind, "id": own_id})
    return contained


def _refer_to(resource: Json, contained: Json) -> None:
    own_id, field = _CONTAINED[contained["resourceType"]]
    target = {"reference": f"#{own_id}"}
    if field == "suspectEntity":
        resource.setdefault(field, []).append({"instance": target})
    else:
        resource[field] = target

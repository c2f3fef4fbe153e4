"""StructureDefinition: the profile of AdverseEvent, and one extension a group of the taxonomy.

Differentials, as FHIR lets a profile be given: what differs from AdverseEvent and from Extension.
"""

from collections.abc import Iterator
from typing import Any, Final

from gateway.fhir.models import Json
from gateway.fhir.taxonomy_codes import make_address, make_head
from schemas.taxonomy import EVENT_TYPES, ElementSpec, GroupSpec, Taxonomy

PROFILE: Final = "patient-safety-adverse-event"
_BASE: Final = "http://hl7.org/fhir/StructureDefinition"
_FHIR_VERSIONS: Final = {"STU3": "3.0.2", "R4": "4.0.1"}
_OBSERVED: Final = "Seen from a client of version 6; it is not in the published text."
_NO_CODES: Final = "No list of its codes is known, so it is bound to none."
_OF_EXTENSION: Final = "Extension.extension"


def make_profile(taxonomy: Taxonomy) -> Json:
    """The profile that ``meta.profile`` of an event names."""
    title = f"Patient safety event, taxonomy version {taxonomy.version}"
    elements = [
        {"id": "AdverseEvent", "path": "AdverseEvent", "short": "A patient safety event"},
        *_make_contained(taxonomy),
        *_make_group_slices(taxonomy),
        *_make_fields(taxonomy),
    ]
    return _make_definition(taxonomy, PROFILE, title, "AdverseEvent", elements)


def make_extension(taxonomy: Taxonomy, group: GroupSpec) -> Json:
    """The extension that carries a group: an extension in it for each element."""
    elements: list[Json] = [
        {
            "id": "Extension",
            "path": "Extension",
            "short": group.name,
            "min": group.min,
            "max": str(group.max),
        },
        _slice_by_address(_OF_EXTENSION),
    ]
    for element in group.elements:
        elements += _make_element(taxonomy, element)
    elements += [
        {
            "id": "Extension.url",
            "path": "Extension.url",
            "fixedUri": taxonomy.url_of(group),
        },
        {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"},
    ]
    definition = _make_definition(taxonomy, group.extension, group.name, "Extension", elements)
    return definition | {"name": group.name} | _make_context(taxonomy, group)


def _make_definition(
    taxonomy: Taxonomy, name: str, title: str, kind: str, elements: list[Json]
) -> Json:
    return make_head(taxonomy, "StructureDefinition", name, title) | {
        "fhirVersion": _FHIR_VERSIONS[taxonomy.fhir_release],
        "kind": "complex-type" if kind == "Extension" else "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": f"{_BASE}/{kind}",
        "derivation": "constraint",
        "differential": {"element": elements},
    }


def _make_context(taxonomy: Taxonomy, group: GroupSpec) -> Json:
    """On which resource the group stands."""
    if taxonomy.fhir_release == "STU3":
        return {"contextType": "resource", "context": [group.resource]}
    return {"context": [{"type": "element", "expression": group.resource}]}


def _make_element(taxonomy: Taxonomy, element: ElementSpec) -> Iterator[Json]:
    own_id = f"{_OF_EXTENSION}:{element.name}"
    yield _without_nothing(
        {
            "id": own_id,
            "path": _OF_EXTENSION,
            "sliceName": element.name,
            "short": element.name,
            "comment": _say_what_is_known(element),
            "min": element.min,
            "max": str(element.max),
        }
    )
    yield {"id": f"{own_id}.extension", "path": f"{_OF_EXTENSION}.extension", "max": "0"}
    yield {"id": f"{own_id}.url", "path": f"{_OF_EXTENSION}.url", "fixedUri": element.name}
    yield _without_nothing(
        {
            "id": f"{own_id}.value[x]",
            "path": f"{_OF_EXTENSION}.value[x]",
            "min": 1,
            "max": "1",
            "type": [{"code": element.type}],
            "binding": _make_binding(taxonomy, element),
        }
    )


def _say_what_is_known(element: ElementSpec) -> str | None:
    if not element.observed_only:
        return None
    is_free = element.type == "code" and element.value_set is None
    return f"{_OBSERVED} {_NO_CODES}" if is_free else _OBSERVED


def _make_binding(taxonomy: Taxonomy, element: ElementSpec) -> Json | None:
    if element.value_set is None:
        return None
    address = make_address(taxonomy, "ValueSet", element.value_set)
    key = "valueSetUri" if taxonomy.fhir_release == "STU3" else "valueSet"
    return {"strength": "required", key: address}


def _make_contained(taxonomy: Taxonomy) -> Iterator[Json]:
    """The resources that carry groups, with the addresses of those groups."""
    path = "AdverseEvent.contained"
    yield {
        "id": path,
        "path": path,
        "slicing": {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"},
    }
    carried: dict[str, list[GroupSpec]] = {}
    for group in taxonomy.groups:
        if group.resource != "AdverseEvent":
            carried.setdefault(group.resource, []).append(group)
    for kind, groups in carried.items():
        yield {
            "id": f"{path}:{kind}",
            "path": path,
            "sliceName": kind,
            "comment": "Carries " + "; ".join(_word_carried(taxonomy, group) for group in groups),
            "min": max(group.min for group in groups),
            "max": "1",
            "type": [{"code": kind}],
        }


def _word_carried(taxonomy: Taxonomy, group: GroupSpec) -> str:
    return f"the extension {taxonomy.url_of(group)}, {group.min} to {group.max} times"


def _make_group_slices(taxonomy: Taxonomy) -> Iterator[Json]:
    path = "AdverseEvent.extension"
    yield _slice_by_address(path)
    for group in taxonomy.groups:
        if group.resource != "AdverseEvent":
            continue
        address: Any = taxonomy.url_of(group)
        yield {
            "id": f"{path}:{group.name}",
            "path": path,
            "sliceName": group.name,
            "min": group.min,
            "max": str(group.max),
            "type": [
                {
                    "code": "Extension",
                    "profile": address if taxonomy.fhir_release == "STU3" else [address],
                }
            ],
        }


def _slice_by_address(path: str) -> Json:
    discriminator = [{"type": "value", "path": "url"}]
    slicing = {"discriminator": discriminator, "rules": "open"}
    return {"id": path, "path": path, "slicing": slicing}


def _make_fields(taxonomy: Taxonomy) -> Iterator[Json]:
    """The fields that are no extensions, in the order of FHIR."""
    types = ", ".join(f"{code} {one.label}" for code, one in EVENT_TYPES.items())
    coded: Json = {"min": 1, "short": "The type of the event", "comment": f"Codes: {types}."}
    yield _field("identifier", short="The sender's own id of the event, always the same for it")
    if taxonomy.fhir_release == "STU3":
        yield _field("category", fixedCode="AE")
        yield _field("type", **coded)
    else:
        yield _field("actuality", fixedCode="actual")
        yield _field("event", **coded)
    yield _field("subject", short="The contained Patient")
    yield _field("date", short="The day of the event, where it is known")
    yield _field("location", short="The contained Location", min=1)
    yield _field("recorder", short="The contained Practitioner", min=1)
    if taxonomy.fhir_release == "STU3":
        yield _field("description", short="The narrative")
    yield _field("suspectEntity", short="The contained Medication and Device")


def _field(name: str, **said: Any) -> Json:
    path = f"AdverseEvent.{name}"
    return {"id": path, "path": path} | said


def _without_nothing(element: Json) -> Json:
    return {key: value for key, value in element.items() if value is not None}

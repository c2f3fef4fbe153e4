"""Reads a taxonomy from its FHIR resources into what our own is kept as. Pure."""

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args

import msgspec

from schemas.errors import GatewayError
from schemas.taxonomy import CodeSystem, ElementSpec, ElementType, GroupSpec, Taxonomy

Json = dict[str, Any]
_SLICE: Final = "Extension.extension:"
_ANY: Final = sys.maxsize
_TYPES: Final = get_args(ElementType)


class UnreadableTaxonomyError(GatewayError):
    """What was fetched is not a taxonomy as we know it. Names the resource."""


def read_taxonomy(
    shipped: Taxonomy, definitions: Iterable[Json], code_systems: Iterable[Json]
) -> Taxonomy:
    """The taxonomy that the resources describe, in the order of what we ship, so that the two can
    be laid beside each other. What only we know of an element (that it was only seen) is kept."""
    found = {
        one.name: one
        for resource in definitions
        if resource.get("type") == "Extension"
        for one in [_read_named(resource, shipped)]
    }
    if not found:
        raise UnreadableTaxonomyError(f"version {shipped.version}: there is not one extension")
    lists = {_without_version(one, shipped.version): _read_codes(one) for one in code_systems}
    return msgspec.structs.replace(
        shipped,
        groups=tuple(_in_order(found, (group.name for group in shipped.groups))),
        code_systems=dict(_items_in_order(lists, shipped.code_systems)),
    )


def _read_named(resource: Json, shipped: Taxonomy) -> GroupSpec:
    try:
        return _read_group(resource, shipped)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise UnreadableTaxonomyError(
            f"StructureDefinition {str(resource.get('id'))[:64]!r} cannot be read"
        ) from None


def _read_group(resource: Json, shipped: Taxonomy) -> GroupSpec:
    elements = {one["id"]: one for one in resource["differential"]["element"]}
    name, root = str(resource["name"]), elements["Extension"]
    known = shipped.by_name.get(name)
    slices = [one.removeprefix(_SLICE) for one in elements if one.startswith(_SLICE)]
    names = [one for one in slices if "." not in one]
    found = {one: _read_element(one, elements, known, shipped.version) for one in names}
    order = [one.name for one in known.elements] if known else names
    return GroupSpec(
        name=name,
        resource=_read_context(resource),
        extension=_without_version(resource, shipped.version),
        min=int(root["min"]),
        max=_read_max(root["max"]),
        elements=tuple(_in_order(found, order)),
    )


def _read_element(
    name: str, elements: dict[str, Json], known: GroupSpec | None, version: str
) -> ElementSpec:
    own, value = elements[f"{_SLICE}{name}"], elements[f"{_SLICE}{name}.value[x]"]
    kind = value["type"][0]["code"]
    if kind not in _TYPES:
        raise ValueError(kind)
    before = known.by_name.get(name) if known else None
    return ElementSpec(
        name=name,
        min=int(own["min"]),
        max=_read_max(own["max"]),
        type=kind,
        value_set=_read_binding(value.get("binding"), version),
        observed_only=before is not None and before.observed_only,
    )


def _read_binding(binding: Json | None, version: str) -> str | None:
    if binding is None:
        return None
    address = binding.get("valueSet") or binding["valueSetUri"]
    name: str = address.partition("|")[0].rpartition("/")[2]
    return name.removesuffix(f"-{version}")


def _read_context(resource: Json) -> str:
    """STU3 names it, R4 says what it is."""
    first = resource["context"][0]
    return str(first["expression"] if isinstance(first, dict) else first)


def _read_max(text: str) -> int:
    return _ANY if text == "*" else int(text)


def _read_codes(resource: Json) -> CodeSystem:
    try:
        codes = {one["code"]: one.get("display", one["code"]) for one in resource["concept"]}
        return CodeSystem(str(resource["title"]), codes)
    except (LookupError, TypeError, AttributeError):
        raise UnreadableTaxonomyError(
            f"CodeSystem {str(resource.get('id'))[:64]!r} cannot be read"
        ) from None


def _without_version(resource: Json, version: str) -> str:
    return str(resource.get("id")).removesuffix(f"-{version}")


def _in_order(found: dict[str, Any], order: Iterable[str]) -> Iterator[Any]:
    """Those that are known in their order, then those that are new."""
    return (one for _, one in _items_in_order(found, order))


def _items_in_order(found: dict[str, Any], order: Iterable[str]) -> Iterator[tuple[str, Any]]:
    known = [name for name in order if name in found]
    yield from ((name, found[name]) for name in [*known, *(x for x in found if x not in known)])

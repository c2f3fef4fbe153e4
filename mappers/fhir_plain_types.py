"""The types of the plain AdverseEvent (``fhir_plain``) of one taxonomy version: one for each group
and each element, known by its address, with the codes that it may have."""

from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from mappers.fhir_plain import (
    Piece,
    PlainConcept,
    PlainElement,
    PlainEntry,
    PlainEvent,
    PlainGroup,
    PlainMeta,
    PlainOneOfSeveral,
    PlainOneText,
    PlainResource,
    PlainTextOfSeveral,
)
from mappers.fhir_tables import find_segment
from schemas.taxonomy import ElementSpec, GroupSpec, Taxonomy, get_taxonomy

# As ``fhir_elements`` has it.
_INTEGER: Final = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_KINDS: Final[dict[str, Any]] = {"integer": _INTEGER, "boolean": bool}
_RESOURCES: Final = ("Patient", "Location", "Practitioner", "Medication", "Device")


def compile_plain(version: str, address: str) -> type[PlainEvent]:
    """The plain AdverseEvent of a version in ``TAXONOMY_VERSIONS`` whose profile and extensions
    stand under ``address`` (``https://…/StructureDefinition/``)."""
    taxonomy = get_taxonomy(version)
    groups: dict[str, list[Any]] = {kind: [] for kind in ("AdverseEvent", *_RESOURCES)}
    for spec in taxonomy.groups:
        url = address + find_segment(taxonomy.url_of(spec))
        groups[spec.resource].append(_compile_group(taxonomy, spec, url))
    profile: Any = Literal[address + find_segment(taxonomy.profile_url)]
    resources: Any = reduce(or_, [_compile_resource(kind, groups[kind]) for kind in _RESOURCES])
    is_stu3 = taxonomy.fhir_release == "STU3"
    claim: Any = Literal["AE"] if is_stu3 else Literal["actual"]
    compiled: type[PlainEvent] = _define(
        "AdverseEvent",
        PlainEvent,
        [
            ("meta", _define("Meta", PlainMeta, [("profile", list[profile])])),
            ("concept", PlainConcept),
            ("contained", list[resources] | UnsetType, UNSET),
            ("extension", _list_of(groups["AdverseEvent"]) | UnsetType, UNSET),
            ("category" if is_stu3 else "actuality", claim | UnsetType, UNSET),
        ],
        names={"concept": "type" if is_stu3 else "event"},
        namespace={"taxonomy_version": version},
    )
    return compiled


def compile_entry(event: type[PlainEvent]) -> type[PlainEntry]:
    """An entry of a Bundle with such an event in it."""
    compiled: type[PlainEntry] = _define("Entry", PlainEntry, [("resource", event)])
    return compiled


def _compile_group(taxonomy: Taxonomy, spec: GroupSpec, url: str) -> Any:
    elements = [_compile_element(taxonomy, element) for element in spec.elements]
    return _define(
        spec.name,
        PlainGroup,
        [("extension", _list_of(elements))],
        tag=("url", url),
        namespace={
            "name": spec.name,
            "repeats": spec.repeats,
            "lists": frozenset(one.name for one in spec.elements if one.many),
            "code_lists": frozenset(
                one.name for one in spec.elements if one.many and one.type == "code"
            ),
        },
    )


def _compile_element(taxonomy: Taxonomy, element: ElementSpec) -> Any:
    codes = taxonomy.codes_of(element)
    kind: Any = Literal[tuple(codes)] if codes else _KINDS.get(element.type, str)
    # A number, or a code of a list, is written in one way only.
    is_text = not codes and element.type not in _KINDS
    base, field = _BASES[is_text, element.many]
    return _define(
        element.name,
        base,
        [(field, kind)],
        names={field: element.value_key},
        tag=("url", element.name),
        namespace={"name": element.name},
    )


# By whether a text has to be cleaned, and whether there may be several.
_BASES: Final[dict[tuple[bool, bool], tuple[type[Struct], str]]] = {
    (False, False): (PlainElement, "given"),
    (False, True): (PlainOneOfSeveral, "value"),
    (True, False): (PlainOneText, "value"),
    (True, True): (PlainTextOfSeveral, "value"),
}


def _compile_resource(kind: str, groups: list[Any]) -> Any:
    extension = _list_of(groups) | UnsetType
    return _define(
        kind, PlainResource, [("extension", extension, UNSET)], tag=("resourceType", kind)
    )


def _list_of(kinds: list[Any]) -> Any:
    """msgspec looks at the tag only where there is a choice: so there always is one."""
    choice: Any = reduce(or_, [*kinds, _Nothing])
    return list[choice]


class _Nothing(Piece, tag_field="url", tag="\0"):
    """What no extension is: its address is none."""


def _define(
    name: str,
    base: type[Struct],
    fields: list[Any],
    *,
    names: dict[str, str] | None = None,
    tag: tuple[str, str] = ("", ""),
    namespace: dict[str, Any] | None = None,
) -> Any:
    """A type with narrower ``fields`` than its base has; ``names``: as they stand in FHIR, where
    that is another; ``tag``: key and value by which such a one is known."""
    return msgspec.defstruct(
        name,
        fields,
        bases=(base,),
        namespace=namespace,
        rename=names,
        tag_field=tag[0] or None,
        tag=tag[1] or None,
        module=__name__,
        gc=False,
        forbid_unknown_fields=True,
        omit_defaults=True,
    )

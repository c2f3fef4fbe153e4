"""The national taxonomy as FHIR: profile, extensions, value sets and code systems of each version.

Ids end in the version, ``agent-type-5``. Versions 4 and 5 are STU3 resources, 6 is R4.
"""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache, partial
from typing import Final

import msgspec

from gateway.fhir.bundles import make_found_set
from gateway.fhir.models import Json, Release
from gateway.fhir.sent import check_sent
from gateway.fhir.taxonomy_codes import make_code_system, make_organisation_codes, make_value_set
from gateway.fhir.taxonomy_profiles import PROFILE, make_extension, make_profile
from schemas.taxonomy import ORGANISATION_CODES, TAXONOMY_VERSIONS, Taxonomy, get_taxonomy

# The system of the tag that says "not all of it is here".
_OBSERVATION_VALUE: Final[dict[Release, str]] = {
    "STU3": "http://hl7.org/fhir/v3/ObservationValue",
    "R4": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
}
# What a list shows of a resource; all of it is the same in STU3 and R4.
_SUMMARY: Final = (
    *("resourceType", "id", "url", "version", "name", "title", "status", "experimental"),
    *("publisher", "fhirVersion", "kind", "abstract", "type", "baseDefinition", "derivation"),
    *("caseSensitive", "valueSet", "content", "count"),
)
Build = Callable[[], Json]


def find_resource(kind: str, resource_id: str) -> bytes | None:
    """A StructureDefinition, ValueSet or CodeSystem by its id, as JSON; None where there is none of
    that kind."""
    if resource_id not in _index(kind):
        return None
    return msgspec.json.encode(_get_checked(kind, resource_id))


@lru_cache(maxsize=64)
def list_resources(
    kind: str, url: str | None = None, version: str | None = None, *, link: str
) -> bytes:
    """A searchset of the resources of a kind: all, those of a taxonomy version, or the one of an
    address (which may name the version behind a bar). By its address a resource is given whole,
    else in summary. ``link`` is the address that was asked for."""
    address, _, named = (url or "").partition("|")
    versions = {version, named} - {None, ""}
    found = []
    for resource_id, (release, _) in _index(kind).items():
        resource = _get_checked(kind, resource_id)
        if versions - {resource["version"]} or (address and resource["url"] != address):
            continue
        shown = resource if address else _summarise(resource, release)
        found.append((resource["url"], shown, release))
    return make_found_set(found, link=link)


def _summarise(resource: Json, release: Release) -> Json:
    summary = {name: resource[name] for name in _SUMMARY if name in resource}
    tag = {"system": _OBSERVATION_VALUE[release], "code": "SUBSETTED"}
    return summary | {"meta": {"tag": [tag]}}


@lru_cache
def _index(kind: str) -> dict[str, tuple[Release, Build]]:
    """Id → release, and what builds the resource; empty for a kind that is not served."""
    make = _KINDS.get(kind)
    if make is None:
        return {}
    return {
        f"{name}-{version}": (taxonomy.fhir_release, build)
        for version in TAXONOMY_VERSIONS
        for taxonomy in [get_taxonomy(version)]
        for name, build in make(taxonomy)
    }


@cache
def _get_checked(kind: str, resource_id: str) -> Json:
    release, build = _index(kind)[resource_id]
    resource = build()
    check_sent(resource, release)
    return resource


def _list_definitions(taxonomy: Taxonomy) -> Iterator[tuple[str, Build]]:
    yield PROFILE, partial(make_profile, taxonomy)
    for group in taxonomy.groups:
        yield group.extension, partial(make_extension, taxonomy, group)


def _list_value_sets(taxonomy: Taxonomy) -> Iterator[tuple[str, Build]]:
    for name, codes in taxonomy.code_systems.items():
        yield name, partial(make_value_set, taxonomy, name, codes)
    yield ORGANISATION_CODES, partial(make_organisation_codes, taxonomy)


def _list_code_systems(taxonomy: Taxonomy) -> Iterator[tuple[str, Build]]:
    for name, codes in taxonomy.code_systems.items():
        yield name, partial(make_code_system, taxonomy, name, codes)


_KINDS: Final = {
    "StructureDefinition": _list_definitions,
    "ValueSet": _list_value_sets,
    "CodeSystem": _list_code_systems,
}

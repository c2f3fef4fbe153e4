"""The national elements as editors show them: names, and what each holds."""

from typing import Final

from schemas.taxonomy import (
    NARRATIVE_GROUP,
    ORGANISATION_CODES,
    TAXONOMY_VERSIONS,
    get_taxonomy,
)

# In characters of what an editor shows over an element.
_MOST_SHOWN: Final = 250


def list_elements() -> list[str]:
    """Of all versions, in the order of the taxonomy. The narrative has a key of its own."""
    found = [
        f"{group.name}.{element.name}"
        for version in reversed(TAXONOMY_VERSIONS)
        for group in get_taxonomy(version).groups
        if group.name != NARRATIVE_GROUP
        for element in group.elements
    ]
    return list(dict.fromkeys(found))


def describe_element(name: str) -> str:
    """``code, several; versions 5, 6; 4 Medications, 3 Devices …``"""
    group, _, element = name.partition(".")
    specs = {
        version: spec
        for version in TAXONOMY_VERSIONS
        if (spec := get_taxonomy(version).find_element(group, element)) is not None
    }
    newest, spec = list(specs.items())[-1]
    kind = "ODS code" if spec.value_set == ORGANISATION_CODES else spec.type
    codes = get_taxonomy(newest).codes_of(spec) or {}
    listed = ", ".join(f"{code} {label}" for code, label in codes.items())
    if len(listed) > _MOST_SHOWN:
        listed = f"{len(codes)} codes"
    versions = f"version{'' if len(specs) == 1 else 's'} {', '.join(specs)}"
    words = [f"{kind}, several" if spec.many else kind, versions, listed]
    return "; ".join(filter(None, words))

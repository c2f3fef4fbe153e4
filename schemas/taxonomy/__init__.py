"""The national taxonomy, versions 4, 5 and 6, as data, and what compiles it."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from schemas.taxonomy.model import (
    NARRATIVE_GROUP,
    ORGANISATION_CODES,
    CodeSystem,
    ElementSpec,
    ElementType,
    GroupSpec,
    Taxonomy,
)

__all__ = [
    "EVENT_TYPES",
    "NARRATIVE_GROUP",
    "ORGANISATION_CODES",
    "TAXONOMY_VERSIONS",
    "CodeSystem",
    "ElementSpec",
    "ElementType",
    "EventType",
    "GroupSpec",
    "Taxonomy",
    "get_taxonomy",
]

TAXONOMY_VERSIONS: Final = ("4", "5", "6")


class EventType(msgspec.Struct, frozen=True):
    """One type of event. Codes 1 and 4 were seen in use; 2 and 3 are inferred."""

    name: str
    label: str


def _read(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()


EVENT_TYPES: Final = msgspec.json.decode(_read("event_types.json"), type=dict[str, EventType])


@lru_cache
def get_taxonomy(version: str) -> Taxonomy:
    """The taxonomy of a version in :data:`TAXONOMY_VERSIONS`; KeyError for any other."""
    if version not in TAXONOMY_VERSIONS:
        raise KeyError(version)
    return msgspec.json.decode(_read(f"version_{version}.json"), type=Taxonomy)

"""The taxonomy compiled for reading and writing FHIR: what each address and element name means.

Tables by version, and what of an AdverseEvent is known but not taken over, with the reason.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from schemas.taxonomy import TAXONOMY_VERSIONS, GroupSpec, get_taxonomy

_KINDS: Final[dict[str, type]] = {"integer": int, "boolean": bool}


class Element(NamedTuple):
    """One element: the key its value has in FHIR, the Python type of it, whether it is a list."""

    name: str
    value_key: str
    kind: type
    many: bool
    is_code: bool


class Group(NamedTuple):
    """One group; ``resource`` is where it belongs."""

    name: str
    resource: str
    repeats: bool
    elements: dict[str, Element]


class Version(NamedTuple):
    """One taxonomy version. ``groups`` by the extension's address and by the last segment of it,
    ``others`` by the last segment with the suffix of another version."""

    version: str
    release: Literal["STU3", "R4"]
    groups: dict[str, Group]
    others: dict[str, Group]
    by_name: dict[str, Group]


# Where real clients put an element that belongs elsewhere: (group, element) → its own group.
MOVED_ELEMENTS: Final = {("AdverseEventAgent", "TodaysDate"): "AdverseEventEstimatedDate"}

# The element that is never content of an event: it is ours to give.
REFERENCE_GROUP: Final = "AdverseEventReferenceMetadata"
REFERENCE_ELEMENT: Final = "ReferenceNumber"

# What the mapping reads of the root; the rest is in IGNORED or a finding.
MAPPED_FIELDS: Final = frozenset(
    {
        "resourceType",
        "meta",
        "contained",
        "extension",
        "identifier",
        "type",
        "event",
        "category",
        "actuality",
        "date",
        "description",
        "subject",
        "location",
        "recorder",
        "suspectEntity",
    }
)

_RESOURCE: Final = {
    "id": "the server's own id of a resource: ours is the reference number",
    "meta": "about the sender's copy of a contained resource",
    "implicitRules": "an address; names no content",
    "language": "of the wording, not of the event",
    "text": "a rendering of the same data for people",
}
# Known and left out on purpose, by where it stands: FHIR element → reason.
IGNORED: Final[Mapping[str, Mapping[str, str]]] = {
    "": {name: reason for name, reason in _RESOURCE.items() if name != "meta"},
    "meta": {
        "versionId": "the server's count of revisions: ours follows from the content",
        "lastUpdated": "when the sender's copy changed",
        "source": "where the sender's copy came from",
        "tag": "labels for the sender's work flow",
        "security": "labels for access at the sender; access here follows from the organisation",
    },
    "contained": _RESOURCE,
    "identifier": {
        "use": "which kind of id it is; there is one local id",
        "type": "which kind of id it is; there is one local id",
        "system": "the registered source is the name space of its ids",
        "period": "when the id was in use",
        "assigner": "the registered source assigns its ids",
    },
    "coding": {
        "system": "the element says which code list it is",
        "version": "the profile says which version it is",
        "display": "the label of the code is in the taxonomy",
        "userSelected": "how the code was chosen",
    },
    "concept": {"text": "the code says it"},
    "reference": {
        "type": "the contained resource says its type",
        "display": "a label of the resource that is referred to",
    },
    "suspectEntity": {"id": "an id inside the document"},
    "element": {"id": "an id inside the document"},
}


def find_segment(url: str) -> str:
    """The last path segment of an address, without a version behind a bar."""
    return url.partition("|")[0].rstrip("/").rpartition("/")[2]


def _compile_group(group: GroupSpec) -> Group:
    elements = {
        element.name: Element(
            element.name,
            element.value_key,
            _KINDS.get(element.type, str),
            element.many,
            element.type == "code",
        )
        for element in group.elements
    }
    return Group(group.name, group.resource, group.repeats, elements)


@lru_cache
def get_version(version: str) -> Version:
    """The tables of a version in ``TAXONOMY_VERSIONS``; KeyError for any other."""
    taxonomy = get_taxonomy(version)
    by_name = {group.name: _compile_group(group) for group in taxonomy.groups}
    own = {url: by_name[spec.name] for url, spec in taxonomy.by_url.items()}
    own |= {find_segment(url): group for url, group in own.items()}
    others = {
        f"{group.extension}-{other}": by_name[group.name]
        for group in taxonomy.groups
        for other in TAXONOMY_VERSIONS
        if other != version
    }
    return Version(version, taxonomy.fhir_release, own, others, by_name)


def find_version(profile: str) -> str | None:
    """The taxonomy version a profile names: ``…/patient-safety-adverse-event-5`` → ``5``."""
    name, dash, version = find_segment(profile).rpartition("-")
    known = dash and name == "patient-safety-adverse-event" and version in TAXONOMY_VERSIONS
    return version if known else None

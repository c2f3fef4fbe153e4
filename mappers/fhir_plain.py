"""The plain AdverseEvent: written as nearly all are, and so read and mapped in half the time.

Every group stands where it belongs and under its full address, every element under its name with
one value of its type and, where it has a code list, of that list; there is nothing that the mapping
would have to say something about. msgspec decodes such a one straight into types that are compiled
of a taxonomy version and of those here (``fhir_plain_types``), so that it is known what every part
of it is and nothing is looked up. Whatever is otherwise does not decode, and is read and mapped the
general way (``fhir_read``), which says what is wrong with it.
"""

import datetime as dt
from typing import Any, ClassVar, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from schemas.values import clean_text

Text = str | UnsetType
# Levels of objects and lists: entry, contained, its extensions, their elements.
DEPTH: Final = 8


class Piece(Struct, forbid_unknown_fields=True, omit_defaults=True, rename="camel", gc=False):
    """Nothing in it can form a cycle, so the garbage collector need not know of it."""


class NotPlainError(Exception):
    """There is something to say about it, or to leave out: the general way does that."""


class PlainElement(Piece):
    """One element: ``name`` is the taxonomy's, ``given`` what its group's content has under it, and
    ``value`` what stood there, where that is not the same."""

    name: ClassVar[str]
    given: Any


class PlainOneText(Piece):
    name: ClassVar[str]
    value: str

    @property
    def given(self) -> str:
        if text := clean_text(self.value):
            return text
        raise NotPlainError


class PlainOneOfSeveral(Piece):
    name: ClassVar[str]
    value: str

    @property
    def given(self) -> list[str]:
        return [self.value]


class PlainTextOfSeveral(PlainOneText):
    @property
    def given(self) -> list[str]:  # type: ignore[override]
        return [super().given]


class PlainGroup(Piece):
    """One group; of its elements, the codes in ``code_lists`` are put in order."""

    name: ClassVar[str]
    repeats: ClassVar[bool]
    lists: ClassVar[frozenset[str]]
    code_lists: ClassVar[frozenset[str]]
    extension: list[PlainElement]


class PlainResource(Piece):
    """One contained resource."""

    id: Text = UNSET
    extension: list[PlainGroup] | UnsetType = UNSET


class PlainMeta(Piece):
    profile: list[str]
    version_id: Text = UNSET
    last_updated: Text = UNSET


class PlainCoding(Piece):
    code: str
    system: Text = UNSET
    version: Text = UNSET
    display: Text = UNSET


class PlainConcept(Piece):
    coding: list[PlainCoding]
    text: Text = UNSET


class PlainIdentifier(Piece):
    value: str
    system: Text = UNSET
    use: Text = UNSET


class PlainReference(Piece):
    reference: str
    type: Text = UNSET
    display: Text = UNSET


class PlainSuspect(Piece):
    instance: PlainReference
    id: Text = UNSET


class PlainEvent(Piece):
    """What STU3 and R4 have in common. A compiled one tells ``taxonomy_version``, and its types of
    the groups and of ``concept``, the event's type."""

    taxonomy_version: ClassVar[str]
    resource_type: Literal["AdverseEvent"]
    meta: PlainMeta
    concept: PlainConcept
    id: Text = UNSET
    contained: list[PlainResource] | UnsetType = UNSET
    extension: list[PlainGroup] | UnsetType = UNSET
    identifier: PlainIdentifier | list[PlainIdentifier] | UnsetType = UNSET
    date: dt.date | UnsetType = UNSET
    description: Text = UNSET
    subject: PlainReference | UnsetType = UNSET
    location: PlainReference | UnsetType = UNSET
    recorder: PlainReference | UnsetType = UNSET
    suspect_entity: list[PlainSuspect] | UnsetType = UNSET


class PlainRequest(Piece):
    method: Literal["POST", "PUT"]
    url: Text = UNSET


class PlainEntry(Piece):
    """An entry of a Bundle."""

    resource: PlainEvent
    full_url: Text = UNSET
    request: PlainRequest | UnsetType = UNSET


def write_general(event: PlainEvent) -> dict[str, Any]:
    """The resource as the general way reads it: plain JSON."""
    written: dict[str, Any] = msgspec.to_builtins(event)
    return written

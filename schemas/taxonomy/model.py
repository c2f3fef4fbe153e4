"""What one version of the national taxonomy says: groups, their elements, and the code lists."""

from functools import cached_property
from typing import Literal

import msgspec

ElementType = Literal["code", "string", "integer", "boolean", "date", "time"]
VALUE_KEYS: dict[ElementType, str] = {
    "code": "valueCode",
    "string": "valueString",
    "integer": "valueInteger",
    "boolean": "valueBoolean",
    "date": "valueDate",
    "time": "valueTime",
}
# The one value set that is not in the taxonomy: the organisation register.
ORGANISATION_CODES = "ods-codes"
# Version 6 sends the narrative as this group's one element, Description; our events hold it as
# ``NationalEvent.narrative`` in every version.
NARRATIVE_GROUP = "AdverseEventCore"


class CodeSystem(msgspec.Struct, frozen=True):
    """One code list: ``codes`` maps code to label."""

    title: str
    codes: dict[str, str]


class ElementSpec(msgspec.Struct, frozen=True, dict=True):
    """One element of a group. ``max`` above 1 makes its value a list. ``observed_only`` marks
    what was seen from a real version 6 client but is not in the published text."""

    name: str
    min: int
    max: int
    type: ElementType
    value_set: str | None = None
    observed_only: bool = False

    @property
    def many(self) -> bool:
        return self.max > 1

    @property
    def value_key(self) -> str:
        """The FHIR key of the value, such as ``valueCode``."""
        return VALUE_KEYS[self.type]


class GroupSpec(msgspec.Struct, frozen=True, dict=True):
    """One extension group, carried on ``resource`` (AdverseEvent, or a contained one)."""

    name: str
    resource: str
    extension: str
    min: int
    max: int
    elements: tuple[ElementSpec, ...]

    @property
    def repeats(self) -> bool:
        return self.max > 1

    @cached_property
    def by_name(self) -> dict[str, ElementSpec]:
        return {element.name: element for element in self.elements}


class Taxonomy(msgspec.Struct, frozen=True, dict=True):
    """One version of the taxonomy, looked up by :func:`schemas.taxonomy.get_taxonomy`."""

    version: str
    fhir_release: Literal["STU3", "R4"]
    profile_url: str
    extension_url: str
    groups: tuple[GroupSpec, ...]
    code_systems: dict[str, CodeSystem]

    @cached_property
    def by_name(self) -> dict[str, GroupSpec]:
        return {group.name: group for group in self.groups}

    @cached_property
    def by_url(self) -> dict[str, GroupSpec]:
        """Groups by the full address of their extension."""
        return {self.url_of(group): group for group in self.groups}

    def url_of(self, group: GroupSpec) -> str:
        return self.extension_url.format(extension=group.extension)

    def find_element(self, group: str, element: str) -> ElementSpec | None:
        spec = self.by_name.get(group)
        return spec.by_name.get(element) if spec else None

    def codes_of(self, element: ElementSpec) -> dict[str, str] | None:
        """Code to label; None where the element has no list in the taxonomy."""
        if element.value_set is None or element.value_set == ORGANISATION_CODES:
            return None
        return self.code_systems[element.value_set].codes

    @cached_property
    def other_texts(self) -> tuple[tuple[str, str, str, frozenset[str]], ...]:
        """(group, element, its …Other text, the codes labelled "Other") for each such pair."""
        pairs = []
        for group in self.groups:
            for element in group.elements:
                other = f"{element.name}Other"
                codes = self.codes_of(element)
                if other in group.by_name and codes is not None:
                    other_codes = frozenset(c for c, label in codes.items() if label == "Other")
                    pairs.append((group.name, element.name, other, other_codes))
        return tuple(pairs)

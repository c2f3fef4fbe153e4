"""Compiles a taxonomy version into a pydantic model of an event's groups: every cardinality,
type and code list of every element, checked in one call."""

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired, Required

import typing_extensions
from annotated_types import Ge, Le, Len
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError

from schemas.taxonomy import NARRATIVE_GROUP, ElementSpec, GroupSpec, Taxonomy, get_taxonomy
from schemas.values import is_date, is_time

MAX_STRING_LENGTH = 1_000_000
_STRICT = ConfigDict(strict=True, extra="forbid")
# A code as FHIR has it. One of a list is such anyway; others would be accepted and could not be
# sent (a test found it, 2026-11-27).
_CODE = r"^\S+(\s\S+)*$"


def _checked(kind: str, is_valid: Callable[[str], bool]) -> AfterValidator:
    def check(value: str) -> str:
        if not is_valid(value):
            raise PydanticCustomError("not_a_" + kind, "not a " + kind)
        return value

    return AfterValidator(check)


_PLAIN: dict[str, Any] = {
    "code": Annotated[StrictStr, Len(1, 100), Field(pattern=_CODE)],
    "string": Annotated[StrictStr, Len(1, MAX_STRING_LENGTH)],
    # FHIR integers are 32 bits wide.
    "integer": Annotated[StrictInt, Ge(-(2**31)), Le(2**31 - 1)],
    "boolean": StrictBool,
    "date": Annotated[StrictStr, _checked("date", is_date)],
    "time": Annotated[StrictStr, _checked("time", is_time)],
}


def _element_type(taxonomy: Taxonomy, element: ElementSpec) -> Any:
    codes = taxonomy.codes_of(element)
    value = Literal[tuple(codes)] if codes else _PLAIN[element.type]
    if element.many:
        value = Annotated[list[value], Len(max(element.min, 1), element.max)]  # type: ignore[valid-type]
    return Required[value] if element.min else NotRequired[value]


def _typed_dict(name: str, fields: dict[str, Any]) -> Any:
    # Not typing.TypedDict: pydantic refuses it below Python 3.12.
    make: Any = typing_extensions.TypedDict
    model = make(name, fields)
    model.__pydantic_config__ = _STRICT
    return model


def _group_type(taxonomy: Taxonomy, group: GroupSpec) -> Any:
    fields = {element.name: _element_type(taxonomy, element) for element in group.elements}
    model: Any = _typed_dict(group.name, fields)
    if group.repeats:
        model = Annotated[list[model], Len(1, group.max)]
    return Required[model] if group.min else NotRequired[model]


@lru_cache
def compile_groups(version: str) -> TypeAdapter[dict[str, Any]]:
    """Checks ``NationalEvent.groups`` of that taxonomy version.

    ``validate_python`` gives the groups back, or raises pydantic's ValidationError with one line
    for each fault: ``missing``, ``extra_forbidden``, ``literal_error``, ``too_short``,
    ``too_long``, ``string_type``, ``int_type``, ``bool_type``, ``not_a_date``, ``not_a_time`` …
    """
    taxonomy = get_taxonomy(version)
    fields = {
        group.name: _group_type(taxonomy, group)
        for group in taxonomy.groups
        if group.name != NARRATIVE_GROUP
    }
    return TypeAdapter(_typed_dict(f"Groups{version}", fields))

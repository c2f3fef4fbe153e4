"""The quick check: a tight model of what we write, made of fhir.resources' own field types.

The models of fhir.resources take milliseconds for an event: each of its hundred small objects goes
through Python several times. But whether a resource is valid follows from its parts: each field by
the type the model gives it, each required field there, no field unknown, one value[x]. So those
same field types are put together anew, of the fields that we write, into one pydantic-core
validator that needs no Python. It is stricter than the models (no nulls, no fields we do not
write), so what it takes they take; a property test holds it to that.
"""

from functools import lru_cache
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
)

import typing_extensions
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from gateway.fhir.models import Json, Release, get_model
from schemas.taxonomy.model import VALUE_KEYS

_FORBID: Final = ConfigDict(extra="forbid")
# The fields that we write, by the model they belong to. One that a release lacks is left out there.
_WRITTEN: Final[dict[str, tuple[str, ...]]] = {
    "AdverseEvent": (
        *("id", "meta", "contained", "extension", "identifier", "category", "type", "actuality"),
        *("event", "date", "description", "subject", "location", "recorder", "suspectEntity"),
    ),
    "Patient": ("id", "extension"),
    "Location": ("id", "extension"),
    "Practitioner": ("id", "extension"),
    "Medication": ("id", "extension"),
    "Device": ("id", "extension"),
    "OperationOutcome": ("extension", "issue"),
    "AdverseEventSuspectEntity": ("instance",),
    "BundleEntry": ("fullUrl", "search", "request", "response"),
    "BundleEntryRequest": ("method", "url"),
    "BundleEntryResponse": ("status", "location", "etag", "lastModified", "outcome"),
    "BundleEntrySearch": ("mode",),
    "CodeableConcept": ("coding", "text"),
    "Coding": ("system", "code", "display"),
    "Identifier": ("value",),
    "Meta": ("versionId", "lastUpdated", "profile"),
    "OperationOutcomeIssue": (
        *("extension", "severity", "code", "details", "diagnostics", "location", "expression"),
    ),
    "Reference": ("reference",),
}
# What stands where any resource may: contained in an event, the outcome of an entry.
_INNER: Final = ("Patient", "Location", "Practitioner", "Medication", "Device", "OperationOutcome")


def is_surely_valid(value: Json, kind: str, release: Release) -> bool:
    """Whether fhir.resources surely takes this plain JSON as a ``kind``. False says nothing: the
    whole check decides."""
    try:
        compile_check(release, kind).validate_python(value)
    except ValidationError:
        return False
    return True


@lru_cache
def compile_check(release: Release, kind: str) -> TypeAdapter[Any]:
    """The validator of a kind that we write; made once."""
    module = "Bundle" if kind == "BundleEntry" else kind
    model = get_model(release, module)
    if kind == "BundleEntry":
        (model,) = _find_classes(model.model_fields["entry"].annotation)
    return TypeAdapter(_Pieces(release).make(model))


class _Pieces:
    """Makes typed dicts of the models of a release."""

    def __init__(self, release: Release) -> None:
        self._release: Release = release

    def make(self, model: type[BaseModel]) -> Any:
        """The fields of a model that we write; a resource says its kind besides."""
        kind = model.__name__
        fields = self._make_fields(model, _WRITTEN[kind])
        if kind == "AdverseEvent" or kind in _INNER:
            fields["resourceType"] = Required[Literal[kind]]
        return _typed_dict(kind, fields)

    def _make_fields(self, model: type[BaseModel], names: tuple[str, ...]) -> dict[str, Any]:
        fields = {}
        for name in names:
            field = model.model_fields.get(name)
            if field is None:
                continue
            extra: Any = field.json_schema_extra or {}
            is_required = field.is_required() or extra.get("element_required")
            value = self._make_type(field.annotation)
            fields[name] = Required[value] if is_required else NotRequired[value]
        return fields

    def _make_type(self, annotation: Any) -> Any:
        """The type of a field without None: the model's own for a plain value."""
        if get_origin(annotation) is list:
            (item,) = get_args(annotation)
            if _find_classes(item) == [get_model(self._release, "Extension")]:
                return self._make_extensions()
            return list[self._make_type(item)]  # type: ignore[misc]
        kinds = [one for one in get_args(annotation) if one is not type(None)]
        if get_origin(annotation) is not Annotated and len(kinds) == 1:
            return self._make_type(kinds[0])
        if not hasattr(annotation, "get_model_klass"):
            return annotation
        model = annotation.get_model_klass()
        return self._make_inner() if model.__name__ == "Resource" else self.make(model)

    def _make_inner(self) -> Any:
        kinds = tuple(self.make(get_model(self._release, kind)) for kind in _INNER)
        return Annotated[Union[kinds], Field(discriminator="resourceType")]  # noqa: UP007

    def _make_extensions(self, *, nested: bool = True) -> Any:
        """Groups of elements, or elements: each has its address and one value, or elements."""
        model = get_model(self._release, "Extension")
        fields = self._make_fields(model, ("url", *VALUE_KEYS.values()))
        if nested:
            fields["extension"] = NotRequired[self._make_extensions(nested=False)]
        extension = _typed_dict("Group" if nested else "Element", fields)
        return Annotated[list[extension], AfterValidator(_check_one_value)]  # type: ignore[valid-type]


def _check_one_value(elements: list[Json]) -> list[Json]:
    if any(len(element) != 2 for element in elements):
        raise PydanticCustomError("one_value", "an extension has an address and one value")
    return elements


def _find_classes(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation speaks of."""
    if hasattr(annotation, "get_model_klass"):
        return [annotation.get_model_klass()]
    return [model for one in get_args(annotation) for model in _find_classes(one)]


def _typed_dict(name: str, fields: dict[str, Any]) -> Any:
    # Not typing.TypedDict: pydantic refuses it below Python 3.12.
    make: Any = typing_extensions.TypedDict
    model = make(name, fields)
    model.__pydantic_config__ = _FORBID
    return model

"""The models of fhir.resources by FHIR release, and the whole check of a resource by them.

Imported when first asked for: that takes a third of a second and more, which no command but those
that send FHIR should wait for.
"""

from functools import lru_cache
from importlib import import_module
from typing import Any, Final, Literal

from pydantic import BaseModel, ValidationError

from schemas.errors import FaultError

Json = dict[str, Any]
Release = Literal["STU3", "R4"]

# R4B differs from R4 in nothing that is sent here; fhir.resources has no R4 of its own.
_PACKAGES: Final[dict[Release, str]] = {"STU3": "STU3", "R4": "R4B"}
# What a model raises: ValidationError is a ValueError; an unknown resourceType is a KeyError.
REFUSALS: Final = (ValueError, LookupError, TypeError, AttributeError)


@lru_cache
def get_model(release: Release, kind: str) -> type[BaseModel]:
    """The model of a resource or a data type, such as ``Bundle`` or ``Extension``; LookupError
    where the release has none."""
    try:
        module = import_module(f"fhir.resources.{_PACKAGES[release]}.{kind.lower()}")
        model: type[BaseModel] = getattr(module, kind)
    except (ImportError, AttributeError):
        raise LookupError(kind) from None
    return model


def check_whole(resource: Json, release: Release) -> None:
    """Checks a resource by the model of its kind; FaultError where that refuses it. The error
    says what kinds of fault there are, and never quotes the resource."""
    try:
        get_model(release, resource["resourceType"]).model_validate(resource)
    except REFUSALS as error:
        raise FaultError(
            f"a resource to be sent is not valid FHIR {release} ({_name_faults(error)});"
            " this is a fault of the gateway"
        ) from None


def _name_faults(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return type(error).__name__
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return ", ".join(sorted({fault["type"] for fault in faults}))

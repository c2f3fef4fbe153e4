"""Instants as parameters of an address."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]", re.ASCII)


def read_instant(value: Any, read: ValidatorFunctionWrapHandler) -> datetime:
    """PydanticCustomError for anything but a day and a time with its zone: a number would be taken
    for seconds since 1970, and near the ends of the calendar an instant has no UTC."""
    if isinstance(value, str) and _DATE.match(value):
        with suppress(ValidationError, OverflowError):
            found: datetime = read(value)
            return found.astimezone(UTC)
    raise PydanticCustomError(
        "instant", "an instant with its zone, as 2026-11-27T09:30:00Z; a + in it is written %2B"
    )


Instant = Annotated[AwareDatetime, WrapValidator(read_instant)]

"""Instants as parameters of an address."""

import re
from typing import Annotated, Final

from pydantic import AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]", re.ASCII)


def check_written_out(value: str) -> str:
    """PydanticCustomError for anything but a day and a time: a number would be taken for seconds
    since 1970."""
    if not _DATE.match(value):
        raise PydanticCustomError("instant", "an instant with its zone, as 2026-11-27T09:30:00Z")
    return value


Instant = Annotated[AwareDatetime, BeforeValidator(check_written_out)]

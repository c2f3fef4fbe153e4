"""In which unit a field tells ages."""

import re
from typing import Final

from gateway.profiles.infer_model import Column

_OLDEST: Final = 125
_UNIT: Final = re.compile(r"(?<![A-Za-z])(days?|weeks?|months?)(?![A-Za-z])", re.IGNORECASE)
_UNITS: Final = {"d": "days", "w": "weeks", "m": "months"}


def find_age_unit(column: Column) -> str | None:
    """As a profile's ``age`` says it; None where the numbers are in the national encoding."""
    field = column.field
    if field.kind in ("date", "short year"):
        return "date_of_birth"
    if field.kind == "age":
        return "text"
    numbers = {int(text): seen for text, seen in column.values.items() if text.isdecimal()}
    total = sum(column.values.values())
    encoded = sum(seen for age, seen in numbers.items() if is_national_age(age))
    beyond = sum(seen for age, seen in numbers.items() if age > _OLDEST)
    if beyond >= 0.3 * total and encoded >= 0.9 * total:
        return None
    if match := _UNIT.search(re.sub(r"[_\W]", " ", field.name)):
        return _UNITS[match[1][0].lower()]
    return "years"


def is_national_age(age: int) -> bool:
    """Days for 1-30, months x 31 up to 11, years x 372."""
    return age > 0 and (age <= 30 or (age % 31 == 0 and age <= 341) or age % 372 == 0)

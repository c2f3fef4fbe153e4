"""Plain values as the national schema writes them: dates, times, text."""

import re
import unicodedata
from datetime import date, time

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{2}:\d{2}:\d{2}(\.\d+)?", re.ASCII)


def is_date(value: str) -> bool:
    """A whole calendar date, ``YYYY-MM-DD``."""
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_time(value: str) -> bool:
    """A time of day, ``HH:MM:SS``, fractions allowed."""
    if not _TIME.fullmatch(value):
        return False
    try:
        time.fromisoformat(value)
    except ValueError:
        return False
    return True


def clean_text(value: str) -> str:
    """The same text however it travelled: NFC, line ends as ``\\n``, no blanks around it."""
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    return value.strip()


def shown(value: object) -> str:
    """A value as a finding may show it: short codes as they are, anything else by its length,
    so that free text (and a person in it) never reaches a receipt or a log."""
    text = value if isinstance(value, str) else str(value)
    if re.fullmatch(r"[A-Za-z0-9._:+/-]{1,24}", text):
        return f"'{text}'"
    return f"({len(text)} characters)"

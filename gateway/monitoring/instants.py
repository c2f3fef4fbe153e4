"""Times as operators read them: London's, short."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

LONDON: Final = ZoneInfo("Europe/London")


def word_instant(instant: datetime | None) -> str:
    """``Fri 27 Nov 07:10``"""
    if instant is None:
        return "never"
    # No %-d: the day without a leading zero is not portable.
    local = instant.astimezone(LONDON)
    return f"{local:%a} {local.day} {local:%b %H:%M}"

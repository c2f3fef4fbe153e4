"""The line of totals that reports put behind their last row: known, told, and not a record."""

import re
from collections.abc import Iterator
from typing import Final

from gateway.adapters.broken import Tell
from gateway.adapters.csv_columns import Columns
from schemas.catalogue import reading
from schemas.record import SourceRecord

_MAX_FILLED: Final = 3
_THINGS: Final = r"(?:records?|rows?|incidents?|events?|entries|cases|reports?)"
# The whole cell, not its beginning: a narrative may well begin with "Total".
_WORDS: Final = re.compile(
    rf"(?:(?:grand|sub)[ -]?)?totals?(?:(?: number)?(?: of)? {_THINGS})?"
    rf"|(?:{_THINGS} )?count(?: of {_THINGS})?"
    rf"|(?:total )?(?:number|no\.?|count) of {_THINGS}"
    rf"|{_THINGS}(?: (?:exported|found|listed|returned|selected|in total))?"
    r"|end(?: of (?:file|report|data|export|extract|records))?"
    r"|[*-]+ ?end(?: of \w+)? ?[*-]+",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"[(]?[0-9][0-9,. ]*[)]?", re.ASCII)
_THINGS_WORD: Final = re.compile(rf"{_THINGS}(?: \w+)?", re.IGNORECASE)


def hold_back_totals(
    records: Iterator[SourceRecord], columns: Columns, tell: Tell
) -> Iterator[SourceRecord]:
    """Everything but a last row that is plainly a line of totals. In doubt it is a record."""
    last: SourceRecord | None = None
    for record in records:
        if last is not None:
            yield last
        last = record
    if last is not None:
        if is_totals(last.content, columns):
            tell(reading.TOTALS_ROW.at(row=last.locator))
        else:
            yield last


def is_totals(content: dict[str, str] | None, columns: Columns) -> bool:
    """A word of totals in the first filled cell, beside it at most two cells and only numbers, and
    no id but that word. Words and number may share a cell: ``Total: 37``, ``37 records``."""
    if not content or len(content) > _MAX_FILLED:
        return False
    (name, first), *others = content.items()
    if columns.id is not None and columns.id in content and columns.id != name:
        return False
    if not all(_NUMBER.fullmatch(cell.strip()) for _, cell in others):
        return False
    number, _, words = first.strip().partition(" ")
    if _NUMBER.fullmatch(number) and _THINGS_WORD.fullmatch(words):
        return not others
    words, _, number = first.strip().rpartition(":")
    words, number = (words, number.strip()) if words else (number, "")
    if number and not _NUMBER.fullmatch(number):
        return False
    words = words.rstrip(" :=0123456789") if not number else words.strip()
    # Alone in its row, a single word is too little: "End" or "Count" may be anybody's id.
    return bool(_WORDS.fullmatch(words)) and bool(
        others or number or " " in words or first != words
    )

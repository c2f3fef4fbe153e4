"""Rows of CSV of which the line alone tells that they are rows: to count them without taking them
apart."""

from collections.abc import Iterable
from typing import Final

_QUOTE: Final = '"'
# Of more, csv.reader has their cells sooner.
_MOST_QUOTES: Final = 40


class PlainRows:
    """``starts``: the first cells of a row that may be the header again."""

    def __init__(self, delimiter: str, starts: Iterable[str]) -> None:
        self._delimiter = delimiter
        self._blanks = f"{delimiter}{_QUOTE} \t\r\n\x1f"
        self._ends = (delimiter, "\n", "\r\n")
        # A quote in a cell is written as two.
        self._starts = tuple(start.partition(_QUOTE)[0] for start in starts)

    def has(self, line: str) -> bool:
        """The line is one row, the whole of it, of cells that are not all blank; and not the
        header. False does not say that it is none."""
        if not line.endswith("\n") or not line.strip(self._blanks):
            return False
        if line.lstrip(_QUOTE).startswith(self._starts):
            return False
        quotes = line.count(_QUOTE)
        return not quotes or (quotes <= _MOST_QUOTES and self._is_well_quoted(line))

    def _is_well_quoted(self, line: str) -> bool:
        """Each quoted cell begins behind a delimiter and ends before one."""
        first, *pieces = line.split(_QUOTE)
        if len(pieces) % 2 or (first and not first.endswith(self._delimiter)):
            return False
        # Every second piece stands outside quotes; one with nothing in it is a quote in a cell.
        between = pieces[1:-1:2]
        return pieces[-1].startswith(self._ends) and all(
            not piece or (piece.startswith(self._delimiter) and piece.endswith(self._delimiter))
            for piece in between
        )

"""The header of a CSV: its delimiter, and the names of its columns, each a name of its own."""

import csv
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.adapters.broken import BrokenFeed, Tell
from gateway.adapters.csv_columns import Columns
from gateway.adapters.csv_lines import Lines, OverlongRecord
from gateway.adapters.limits import Limits
from schemas.catalogue import reading
from schemas.values import storable

DELIMITERS: Final = ",;\t|"
_MARK: Final = "\ufeff"
_MAX_NAMED: Final = 5
_MAX_NAME: Final = 100


class Header(msgspec.Struct, frozen=True):
    """``names``: the keys of a record, one a column. ``row``: the row it stands in, from 1.
    ``starts``: what the first cell of a row must be for it to be the header over again."""

    names: list[str]
    cells: list[str]
    row: int
    starts: frozenset[str]

    def is_repeated_by(self, cells: Sequence[str]) -> bool:
        """Whether a row is the header again, as in exports that were put one behind the other."""
        width = len(self.cells)
        return (
            [cells[0].removeprefix(_MARK), *cells[1:width]] == self.cells
            and not any(cell.strip() for cell in cells[width:])
            and width > 1
        )


def read_header(lines: Lines, rows: Any, columns: Columns, limits: Limits, tell: Tell) -> Header:
    """Takes the rows up to the first that is not blank. BrokenFeed where that is no header, or not
    the one of this profile: another kind of file, or one that lost its own."""
    cells, row = _take_cells(lines, rows)
    if len(cells) > limits.columns:
        raise BrokenFeed(reading.TOO_MANY_COLUMNS.at(columns=len(cells), limit=limits.columns))
    # Findings name the columns: their names must be text, even where a byte was bad.
    names = [
        storable(cell.strip()) or f"column {place}" for place, cell in enumerate(cells, start=1)
    ]
    if missing := [name for name in columns.needed if name not in names]:
        # What stands there instead may be the first row's content: only ours is named.
        raise BrokenFeed(reading.WRONG_HEADER.at(columns=", ".join(missing)))
    names = _tell_apart(names, columns, tell)
    return Header(names, cells, row, frozenset({cells[0], _MARK + cells[0]}))


def _take_cells(lines: Lines, rows: Any) -> tuple[list[str], int]:
    cells: list[str] = []
    row = 0
    while not any(cell.strip() for cell in cells):
        lines.start_record()
        try:
            cells = next(rows)
        except StopIteration:
            raise BrokenFeed(reading.NO_HEADER.at()) from None
        except (csv.Error, OverlongRecord):
            raise BrokenFeed(reading.BAD_HEADER.at()) from None
        row += 1
    if "\x00" in "".join(cells):
        raise BrokenFeed(reading.BAD_HEADER.at())
    while cells and not cells[-1].strip():
        cells.pop()
    return cells, row


def _tell_apart(names: list[str], columns: Columns, tell: Tell) -> list[str]:
    """Each column a name of its own. Which of two of the same name the profile means cannot be
    told; of one that it ignores, both are ignored; any other gets its place into its name."""
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if not repeated:
        return names
    if read := [name for name in repeated if columns.is_read(name)]:
        raise BrokenFeed(reading.REPEATED_COLUMN.at(columns=_word_places(read, names)))
    if columns.needed:
        tell(reading.REPEATED_UNREAD_COLUMN.at(columns=_word_places(repeated, names)))
    else:  # without a profile, a name may be the content of a file that has no header
        tell(reading.REPEATED_UNREAD_COLUMN.at(columns=f"{len(repeated)} names"))
    renamed = set(repeated) - columns.ignored
    taken: set[str] = set()
    apart = []
    for place, name in enumerate(names, start=1):
        apart.append(f"{name} (column {place})" if name in renamed and name in taken else name)
        taken.add(name)
    return apart


def _word_places(repeated: list[str], names: list[str]) -> str:
    """Only asked where the header has what the profile needs: then it is one, and no data."""
    told = []
    for name in repeated[:_MAX_NAMED]:
        numbers = [str(number) for number, one in enumerate(names, start=1) if one == name]
        told.append(f"'{name[:_MAX_NAME]}' (columns {' and '.join(numbers[:_MAX_NAMED])})")
    return ", ".join(told)


def find_delimiter(lines: Lines) -> str:
    """What Excel's ``sep=`` line says, else the one that cuts the header into most cells."""
    first = ""
    try:
        while not first.strip():
            first = next(lines)
    except StopIteration:
        raise BrokenFeed(reading.NO_HEADER.at()) from None
    except OverlongRecord:
        raise BrokenFeed(reading.BAD_HEADER.at()) from None
    said = first.strip('\r\n"').casefold().removeprefix("sep=")
    if len(said) == 1 and not said.isalnum() and first.strip('"').casefold().startswith("sep="):
        lines.start_record()
        return said
    lines.give_again(skip=0)
    return max(DELIMITERS, key=lambda delimiter: _count_cells(first, delimiter))


def _count_cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:
        return 0

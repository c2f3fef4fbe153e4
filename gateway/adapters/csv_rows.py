"""CSV → source records, one a row, memory flat.

Rows are counted as a spreadsheet shows them: the header is row 1, blank rows count, a row with
line breaks in its cells is one row. Any delimiter of comma, semicolon, tab and pipe; Excel's
``sep=`` line is honoured. A row that cannot be read is a record with its findings; its neighbours
go on.
"""

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.csv_encoding import find_encoding
from gateway.adapters.csv_lines import Lines, OverlongRecord
from gateway.adapters.limits import Limits
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.finding import Finding, has_error
from schemas.record import SourceRecord
from schemas.values import is_plain_code, storable

DELIMITERS: Final = ",;\t|"
_WIDE: Final = ("utf-16", "utf-32")
_REPLACED: Final = "\ufffd"
_MAX_NAMED: Final = 5
_MAX_NAME: Final = 100


def read_csv(
    stream: BinaryIO,
    part: Part,
    *,
    limits: Limits,
    needed: Collection[str] = (),
    id_column: str | None = None,
) -> Iterator[SourceRecord]:
    """One record for each row that is not blank: column → cell text, empty cells left out.

    ``limits.record_bytes`` is counted in characters here. BrokenFeed where there is no usable
    header, or one without the ``needed`` columns: another kind of file, or one that lost its own.
    """
    encoding = find_encoding(stream)
    # UTF-8 keeps bad bytes as lone surrogates, which cannot be encoded again: that is how a row
    # with one is found. The wide encodings cannot do that; they put U+FFFD.
    errors = "replace" if encoding.startswith(_WIDE) else "surrogateescape"
    text = io.TextIOWrapper(stream, encoding, errors=errors, newline="")
    # The csv module's own limit on a cell is for the whole process and too low (128 kB).
    csv.field_size_limit(max(csv.field_size_limit(), limits.record_bytes))
    try:
        rows = _Rows(Lines(text, limits.record_bytes), encoding, id_column)
        rows.check_header(needed)
        yield from rows.read(part.first_record)
    finally:
        if not stream.closed:
            text.detach()  # the stream is the caller's to close


class _Rows:
    def __init__(self, lines: Lines, encoding: str, id_column: str | None) -> None:
        self._lines = lines
        self._encoding = encoding
        self._is_wide = encoding.startswith(_WIDE)
        delimiter = _find_delimiter(lines)
        self._reader: Any = csv.reader(lines, delimiter=delimiter, strict=True)
        self._row = 0
        self._names = self._read_header()
        self._id_place = self._names.index(id_column) if id_column in self._names else None

    def read(self, number: int) -> Iterator[SourceRecord]:
        names, lines, width = self._names, self._lines, len(self._names)
        while True:
            lines.start_record()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, OverlongRecord) as error:
                self._row += 1
                yield self._unreadable(number, error)
                number += 1
                continue
            self._row += 1
            joined = "\x1f".join(cells)
            if not joined.strip("\x1f \t"):
                continue  # a blank row, or nothing but delimiters
            findings: list[Finding] = []
            try:
                raw = joined.encode()
            except UnicodeEncodeError:
                raw = joined.encode(errors="surrogatepass")
                findings.append(reading.BAD_BYTES.at(encoding=self._encoding))
            if len(cells) != width or "\x00" in joined or (self._is_wide and _REPLACED in joined):
                findings += self._find_faults(cells, joined)
            is_readable = not findings or not has_error(findings)
            yield SourceRecord(
                number,
                f"row {self._row}",
                {name: cell for name, cell in zip(names, cells, strict=False) if cell}
                if is_readable
                else None,
                sha256(raw).digest(),
                tuple(findings),
                None if is_readable else self._find_id(cells),
            )
            number += 1

    def _find_id(self, cells: list[str]) -> str | None:
        """The sender's id of a row that cannot be read, where it has the form of one. With too many
        cells only the first is sure to be in its column: any other may be a piece of narrative."""
        place = self._id_place
        if place is None or (place and len(cells) > len(self._names)) or place >= len(cells):
            return None
        found = cells[place].strip()
        return found if is_plain_code(found) else None

    def check_header(self, needed: Collection[str]) -> None:
        missing = [name for name in needed if name not in self._names]
        if missing:
            # What stands there instead may be the first row's content: only ours is named.
            raise BrokenFeed(reading.WRONG_HEADER.at(columns=", ".join(missing)))
        if repeated := [name for name, times in Counter(self._names).items() if times > 1]:
            told = ", ".join(_place(name, self._names) for name in repeated[:_MAX_NAMED])
            raise BrokenFeed(reading.REPEATED_COLUMN.at(columns=told))

    def _find_faults(self, cells: list[str], joined: str) -> Iterator[Finding]:
        width = len(self._names)
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            yield reading.TOO_MANY_CELLS.at(cells=len(cells), columns=width)
        elif len(cells) < width:
            yield reading.TOO_FEW_CELLS.at(cells=len(cells), columns=width)
        if "\x00" in joined:
            yield reading.NUL_IN_ROW.at()
        if self._is_wide and _REPLACED in joined:
            yield reading.BAD_BYTES.at(encoding=self._encoding)

    def _unreadable(self, number: int, error: Exception) -> SourceRecord:
        """A row whose quoting makes no sense, or that does not end. Its lines but the first are
        read again as rows of their own."""
        finding = (
            reading.ROW_TOO_LONG.at(limit=self._lines.limit)
            if isinstance(error, OverlongRecord)
            else reading.BAD_QUOTING.at()
        )
        digest = sha256("".join(self._lines.taken).encode(errors="surrogatepass")).digest()
        self._lines.give_again(skip=1)
        return SourceRecord(number, f"row {self._row}", None, digest, (finding,))

    def _read_header(self) -> list[str]:
        cells: list[str] = []
        while not any(cell.strip() for cell in cells):
            self._lines.start_record()
            try:
                cells = next(self._reader)
            except StopIteration:
                raise BrokenFeed(reading.NO_HEADER.at()) from None
            except (csv.Error, OverlongRecord):
                raise BrokenFeed(reading.BAD_HEADER.at()) from None
            self._row += 1
        if "\x00" in "".join(cells):
            raise BrokenFeed(reading.BAD_HEADER.at())
        while cells and not cells[-1].strip():
            cells.pop()
        # Findings name the columns: their names must be text, even where a byte was bad.
        return [
            storable(cell.strip()) or f"column {place}" for place, cell in enumerate(cells, start=1)
        ]


def _place(name: str, names: list[str]) -> str:
    """Only asked where the header has what the profile needs: then it is one, and no data."""
    numbers = [str(number) for number, one in enumerate(names, start=1) if one == name]
    return f"'{name[:_MAX_NAME]}' (columns {' and '.join(numbers[:_MAX_NAMED])})"


def _find_delimiter(lines: Lines) -> str:
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

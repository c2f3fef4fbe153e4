"""CSV → source records, memory flat.

A record is a row, or the rows of the same id where the profile says so (``rows``). Rows are
counted as a spreadsheet shows them: the header is row 1, blank rows count, a row with line breaks
in its cells is one row. Any delimiter of comma, semicolon, tab and pipe; Excel's ``sep=`` line is
honoured. A row that cannot be read is a record with its findings; its neighbours go on.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any, BinaryIO, Final, TextIO

from gateway.adapters.around import Around, find_around
from gateway.adapters.broken import Tell, tell_nobody
from gateway.adapters.csv_columns import Columns, find_columns
from gateway.adapters.csv_encoding import find_encoding, skip_false_mark
from gateway.adapters.csv_groups import join_rows
from gateway.adapters.csv_header import find_delimiter, read_header
from gateway.adapters.csv_lines import Lines, OverlongRecord
from gateway.adapters.csv_plain import PlainRows
from gateway.adapters.csv_totals import hold_back_totals
from gateway.adapters.limits import Limits
from gateway.adapters.poisoned import check_poison, keep_poisoned
from mappers.profile_model import Profile
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.finding import Finding, has_error
from schemas.record import SourceRecord
from schemas.values import is_plain_code

_WIDE: Final = ("utf-16", "utf-32")
_REPLACED: Final = "\ufffd"
_MAX_TOLD: Final = 10
_WHOLE: Final = Around(is_last=True)


def read_csv(
    stream: BinaryIO,
    part: Part,
    profile: Profile | None = None,
    *,
    limits: Limits,
    tell: Tell = tell_nobody,
) -> Iterator[SourceRecord]:
    """The records: column → cell text, empty cells left out (of several rows:
    :mod:`gateway.adapters.csv_groups`). Without a profile, each row that is not blank is one.

    ``limits.record_bytes`` is counted in characters here. BrokenFeed where there is no usable
    header, or one without the columns the profile needs: another kind of file, or one that lost
    its own.
    """
    columns = find_columns(profile)
    around = find_around(part) or _WHOLE
    read = partial(_read_rows, stream, columns, limits, part, around)
    if columns.rows is None:
        return read(tell)
    together = around.is_together
    return join_rows(read, columns.rows, columns, limits, tell, together=together)


def _read_rows(
    stream: BinaryIO, columns: Columns, limits: Limits, part: Part, around: Around, tell: Tell
) -> Iterator[SourceRecord]:
    with open_rows(stream, around.encoding or find_encoding(stream), columns, limits, tell) as rows:
        if around.head:
            rows.row = part.first_line - 1
        records = rows.read(part.first_record)
        yield from hold_back_totals(records, columns, tell) if around.is_last else records


@contextmanager
def open_rows(
    stream: BinaryIO,
    encoding: str,
    columns: Columns,
    limits: Limits,
    tell: Tell,
    *,
    lines: Callable[[TextIO, int], Lines] = Lines,
) -> Iterator["Rows"]:
    """The rows below the header; BrokenFeed where that is none of this profile."""
    stream.seek(0)
    if finding := skip_false_mark(stream, encoding):
        tell(finding)
    # UTF-8 keeps bad bytes as lone surrogates, which cannot be encoded again: that is how a row
    # with one is found. The wide encodings cannot do that; they put U+FFFD.
    errors = "replace" if encoding.startswith(_WIDE) else "surrogateescape"
    text = io.TextIOWrapper(stream, encoding, errors=errors, newline="")
    # The csv module's own limit on a cell is for the whole process and too low (128 kB).
    csv.field_size_limit(max(csv.field_size_limit(), limits.record_bytes))
    try:
        yield Rows(lines(text, limits.record_bytes), encoding, columns, limits, tell)
    finally:
        if not stream.closed:
            text.detach()  # the stream is the caller's to close


class Rows:
    """``row``: the number of the one that was given last, as a spreadsheet shows it. ``lines``:
    what they are made of."""

    def __init__(
        self, lines: Lines, encoding: str, columns: Columns, limits: Limits, tell: Tell
    ) -> None:
        self.lines = lines
        self._delimiter = find_delimiter(lines)
        self._encoding = encoding
        self._columns = columns
        self._limits = limits
        self._tell = tell
        self._is_wide = encoding.startswith(_WIDE)
        self._reader: Any = csv.reader(lines, delimiter=self._delimiter, strict=True)
        self._header = read_header(lines, self._reader, columns, limits, tell)
        self._names = self._header.names
        self.row = self._header.row
        self._id_place = self._names.index(columns.id) if columns.id in self._names else None

    @property
    def names(self) -> list[str]:
        """The columns, as the header has them."""
        return self._names

    def make_plain(self) -> PlainRows:
        """What tells rows that need not be taken apart to be counted."""
        return PlainRows(self._delimiter, self._header.starts)

    def take_apart(self, line: str) -> tuple[list[str], str]:
        """As :meth:`walk` gives it, of a row that is one line."""
        cells: list[str] = next(csv.reader([line], delimiter=self._delimiter, strict=True))
        return cells, "\x1f".join(cells)

    def walk(self) -> Iterator[tuple[list[str], str] | Exception]:
        """Of each row that is a record its cells, also as one text; or why it cannot be read (the
        last: a fault of ours): then its lines but the first are read again as rows of their
        own."""
        lines, starts, repeats = self.lines, self._header.starts, _Repeats()
        while True:
            lines.start_record()
            try:
                cells = next(self._reader)
            except StopIteration:
                repeats.tell(self._tell)
                return
            except Exception as error:
                check_poison(error)
                if not lines.taken:
                    raise  # it would be so for ever
                self.row += 1
                yield error
                lines.give_again(skip=1)
                continue
            self.row += 1
            joined = "\x1f".join(cells)
            if not joined.strip("\x1f \t"):
                continue  # a blank row, or nothing but delimiters
            if cells[0] in starts and self._header.is_repeated_by(cells):
                repeats.add(self.row)
                continue
            yield cells, joined

    def read(self, number: int) -> Iterator[SourceRecord]:
        for found in self.walk():
            if isinstance(found, tuple):
                yield self.make_record(number, *found)
            else:
                yield self._unreadable(number, found)
            number += 1

    def make_record(self, number: int, cells: list[str], joined: str) -> SourceRecord:
        try:
            return self._make_record(number, cells, joined)
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this record alone
            raw = joined.encode(errors="surrogatepass")
            return keep_poisoned(error, number, f"row {self.row}", raw, self._find_id(cells))

    def _make_record(self, number: int, cells: list[str], joined: str) -> SourceRecord:
        names = self._names
        findings: list[Finding] = []
        try:
            raw = joined.encode()
        except UnicodeEncodeError:
            raw = joined.encode(errors="surrogatepass")
            findings.append(reading.BAD_BYTES.at(encoding=self._encoding))
        if (
            len(cells) != len(names)
            or "\x00" in joined
            or len(joined) > self._limits.text_chars
            or (self._is_wide and _REPLACED in joined)
        ):
            findings += self._find_faults(cells, joined)
        is_readable = not findings or not has_error(findings)
        return SourceRecord(
            number,
            f"row {self.row}",
            {name: cell for name, cell in zip(names, cells, strict=False) if cell}
            if is_readable
            else None,
            sha256(raw).digest(),
            tuple(findings),
            None if is_readable else self._find_id(cells),
        )

    def _find_id(self, cells: list[str]) -> str | None:
        """The sender's id of a row that cannot be read, where it has the form of one. With too many
        cells only the first is sure to be in its column: any other may be a piece of narrative."""
        place = self._id_place
        if place is None or (place and len(cells) > len(self._names)) or place >= len(cells):
            return None
        found = cells[place].strip()
        return found if is_plain_code(found) else None

    def _find_faults(self, cells: list[str], joined: str) -> Iterator[Finding]:
        width, most = len(self._names), self._limits.text_chars
        if len(cells) > width and any(cell.strip() for cell in cells[width:]):
            yield reading.TOO_MANY_CELLS.at(cells=len(cells), columns=width)
        elif len(cells) < width:
            yield reading.TOO_FEW_CELLS.at(cells=len(cells), columns=width)
        if "\x00" in joined:
            yield reading.NUL_IN_ROW.at()
        if self._is_wide and _REPLACED in joined:
            yield reading.BAD_BYTES.at(encoding=self._encoding)
        long = next((place for place, cell in enumerate(cells) if len(cell) > most), None)
        if long is not None:
            yield reading.TEXT_TOO_LONG.at(field=self._word_column(long), limit=most)

    def _word_column(self, place: int) -> str:
        """By its number; by its name where that is the profile's own."""
        name = self._names[place] if place < len(self._names) else ""
        is_ours = name and self._columns.is_read(name)
        return f"column {place + 1} ({name})" if is_ours else f"column {place + 1}"

    def _unreadable(self, number: int, error: Exception) -> SourceRecord:
        """A row whose quoting makes no sense, or that does not end; or over which we fail."""
        local_id = self._find_id_of_line(next(iter(self.lines.taken), ""))
        if not isinstance(error, csv.Error | OverlongRecord):
            return keep_poisoned(error, number, f"row {self.row}", local_id=local_id)
        finding = (
            reading.ROW_TOO_LONG.at(limit=self.lines.limit)
            if isinstance(error, OverlongRecord)
            else reading.BAD_QUOTING.at()
        )
        digest = sha256("".join(self.lines.taken).encode(errors="surrogatepass")).digest()
        return SourceRecord(number, f"row {self.row}", None, digest, (finding,), local_id)

    def _find_id_of_line(self, line: str) -> str | None:
        """The id of a row whose quotes cannot be read, where the cells up to it can: of several
        rows of a record this one must not be missed."""
        place = self._id_place
        if self._columns.rows is None or place is None:
            return None
        end = re.escape(self._delimiter)
        cell = re.compile(f'(?:"([^"\r\n]*)"|([^"{end}\r\n]*)){end}')
        cells: list[str] = []
        at = 0
        while len(cells) <= place:
            match = cell.match(line, at)
            if match is None:
                return None
            cells.append(match[1] or match[2] or "")
            at = match.end()
        return self._find_id(cells)


class _Repeats:
    """The rows in which the header stands again; all told in one finding."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._count = 0

    def add(self, row: int) -> None:
        self._count += 1
        if len(self._first) < _MAX_TOLD:
            self._first.append(str(row))

    def tell(self, tell: Tell) -> None:
        if self._count:
            more = self._count - len(self._first)
            rows = ", ".join(self._first) + (f" and {more} more" if more else "")
            tell(reading.HEADER_AGAIN.at(rows=rows))

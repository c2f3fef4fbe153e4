"""Where a CSV may be cut: before any row that begins a record, as its reader takes it apart.

Not where something of one row could depend on rows far away: rows of one record that stand apart,
a header that is repeated, lines that are given again beyond their budget, encodings of two or four
bytes a character. Then the file is one part.
"""

import codecs
from array import array
from collections.abc import Iterator
from typing import BinaryIO, Final, TextIO, cast

import numpy as np

from gateway.adapters.around import MOST_HEAD, Around
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.csv_columns import Columns, find_columns
from gateway.adapters.csv_encoding import find_encoding
from gateway.adapters.csv_groups import find_row_id
from gateway.adapters.csv_lines import Lines
from gateway.adapters.csv_plain import PlainRows
from gateway.adapters.csv_rows import Rows, open_rows
from gateway.adapters.csv_totals import is_totals
from gateway.adapters.indexing import Index, Piece
from gateway.adapters.limits import Limits
from mappers.profile_model import Profile
from schemas.catalogue import reading
from schemas.finding import Finding
from schemas.record import SourceRecord

# Those whose characters give back the very bytes they were read from.
_CUT: Final = ("utf-8", "utf-8-sig", "cp1252")


def index_csv(
    stream: BinaryIO,
    index: Index,
    profile: Profile | None,
    limits: Limits,
    *,
    size: int,
    part_bytes: int,
) -> None:
    columns, encoding = find_columns(profile), find_encoding(stream)

    def place(text: TextIO, limit: int) -> Lines:
        return _PlacedLines(_PlacedText(text, encoding), limit)

    # Of a feed of groups whose header cannot be read nothing else is told.
    told: list[Finding] = []
    tell = told.append if columns.rows else index.tell
    try:
        with open_rows(stream, encoding, columns, limits, tell, lines=place) as rows:
            lines = cast("_PlacedLines", rows.lines)
            terms = {"before": index.before, "size": size, "part_bytes": part_bytes}
            pieces = _Pieces(stream, lines, rows, encoding, **terms)
            if columns.rows is None:
                _walk_rows(rows, columns, index, limits, pieces)
            else:
                _walk_groups(rows, columns, index, limits, pieces, told)
    except BrokenFeed as broken:
        index.stop(broken)
        return
    if pieces.is_sure and reading.HEADER_AGAIN.code not in {one.code for one in index.findings}:
        index.pieces = pieces.close(encoding, is_together=columns.rows is not None)


Spot = tuple[int | None, int]


def _walk_rows(
    rows: Rows, columns: Columns, index: Index, limits: Limits, pieces: "_Pieces"
) -> None:
    """A record a row; the last of them may be one of totals."""
    last: tuple[list[str], str] | Exception | str | None = None
    spot: Spot = (None, 0)
    for found in _scan(rows):
        if last is not None:
            pieces.take(index.count(limits), spot)
        last, spot = found, pieces.spot
    if isinstance(last, str):
        last = rows.take_apart(last)
    if isinstance(last, tuple) and is_totals(rows.make_record(0, *last).content, columns):
        index.tell(reading.TOTALS_ROW.at(row=f"row {spot[1]}"))
    elif last is not None:
        pieces.take(index.count(limits), spot)


def _scan(rows: Rows) -> Iterator[tuple[list[str], str] | Exception | str]:
    """The rows as :meth:`Rows.walk` gives them; but of one that is surely a record its line, not
    taken apart, which is most of the work."""
    walked, plain = rows.walk(), rows.make_plain()
    lines = cast("_PlacedLines", rows.lines)
    found: tuple[list[str], str] | Exception | None = None
    while True:
        # Behind a row that cannot be read, those it took with it are read again first.
        line = None if isinstance(found, Exception) else lines.take_plain(plain)
        if line is not None:
            rows.row += 1
            yield line
        elif (found := next(walked, None)) is not None:
            yield found
        else:
            return


def _walk_groups(
    rows: Rows,
    columns: Columns,
    index: Index,
    limits: Limits,
    pieces: "_Pieces",
    told: list[Finding],
) -> None:
    """A record of all rows of one id, also where they stand in several places."""
    groups = _Groups(columns, index, pieces)
    last: SourceRecord | None = None
    spot: Spot = (None, 0)
    for row in rows.read(0):
        if last is not None:
            groups.take(last, spot)
        last, spot = row, pieces.spot
    for finding in told:
        index.tell(finding)
    if last is not None and is_totals(last.content, columns):
        index.tell(reading.TOTALS_ROW.at(row=last.locator))
    elif last is not None:
        groups.take(last, spot)
    groups.count(limits)


class _Groups:
    def __init__(self, columns: Columns, index: Index, pieces: "_Pieces") -> None:
        self._columns = columns
        self._index = index
        self._pieces = pieces
        self._singles = 0
        self._last: str | None = None
        # The ids, as hashes: one for each run of rows.
        self._runs = array("q")

    def take(self, row: SourceRecord, spot: Spot) -> None:
        row_id = find_row_id(row, self._columns)
        if row_id is None:
            self._singles += 1
        elif row_id == self._last:
            return
        else:
            self._runs.append(hash(row_id))
        self._last = row_id
        self._pieces.take(self._index.before + self._singles + len(self._runs), spot)

    def count(self, limits: Limits) -> None:
        ids = len(np.unique(np.frombuffer(self._runs, dtype=np.int64))) if self._runs else 0
        # An id in two places is a record whose rows no part has together.
        self._pieces.is_sure = self._pieces.is_sure and ids == len(self._runs)
        for _ in range(self._singles + ids):
            self._index.count(limits)


class _PlacedText:
    """Lines of a text, and the byte behind the last one."""

    def __init__(self, text: TextIO, encoding: str) -> None:
        self._text = text
        self._encoding = encoding.removesuffix("-sig")
        # Behind a mark of UTF-8, be it true (the decoder takes it) or false (it is skipped).
        self.place = len(codecs.BOM_UTF8) if encoding == "utf-8-sig" else text.buffer.tell()
        self._seen: str | None = None

    def look(self, limit: int) -> str:
        """The line that is read next."""
        if self._seen is None:
            self._seen = self._text.readline(limit)
        return self._seen

    def readline(self, limit: int) -> str:
        line = self.look(limit)
        self._seen = None
        if line.isascii() or self._encoding == "cp1252":
            self.place += len(line)
        else:
            self.place += len(line.encode(self._encoding, "surrogateescape"))
        return line


class _PlacedLines(Lines):
    """``began``: the byte at which the record under way begins; None while lines are read again.
    ``is_spent``: a part of the file would not read again what the file does, or neither would."""

    def __init__(self, text: _PlacedText, limit: int) -> None:
        super().__init__(cast("TextIO", text), limit)
        self._placed = text
        self.began: int | None = None
        self.is_spent = False
        self.mark()

    def mark(self) -> None:
        """A part begins here: what it may read again grows from here on."""
        self._marked = self._placed.place
        self._again = 0

    @property
    def place(self) -> int:
        return self._placed.place

    @property
    def is_again(self) -> bool:
        """The next line is one that was given before."""
        return bool(self._waiting)

    def start_record(self) -> None:
        super().start_record()
        self.began = None if self._waiting else self._placed.place

    def take_plain(self, plain: PlainRows) -> str | None:
        """The next line where it is a row and a record, and is taken now."""
        if self._waiting:
            return None
        line = self._placed.look(self.limit)
        if len(line) >= self.limit or not plain.has(line):
            return None
        self.began = self._placed.place
        self._budget += len(self._placed.readline(self.limit))
        return line

    def give_again(self, *, skip: int) -> None:
        size = sum(map(len, self.taken[skip:]))
        self._again += size
        # A character takes a byte at least, so that this is less than the part would have.
        left = self.limit + (self._placed.place - self._marked) // 4 - self._again
        self.is_spent = self.is_spent or size > self._budget or left < 0
        super().give_again(skip=skip)


class _Pieces:
    """Takes the records one by one, each as soon as it is read."""

    def __init__(
        self,
        stream: BinaryIO,
        lines: _PlacedLines,
        rows: Rows,
        encoding: str,
        *,
        before: int,
        size: int,
        part_bytes: int,
    ) -> None:
        self._lines = lines
        self._size = size
        self._part_bytes = part_bytes
        self._pieces = [Piece(0, size, before + 1, 1)]
        self._rows = rows
        self._head = b""
        self.is_sure = encoding in _CUT and lines.place <= MOST_HEAD and not lines.is_again
        if self.is_sure:
            place = stream.tell()
            stream.seek(0)
            self._head = stream.read(lines.place)
            stream.seek(place)

    @property
    def spot(self) -> "Spot":
        """Where the row begins that was given last, and its number."""
        return self._lines.began, self._rows.row

    def take(self, number: int, spot: Spot) -> None:
        start, row = spot
        last = self._pieces[-1]
        if start is None or start - last.start < self._part_bytes or number == last.first_record:
            return
        self._pieces[-1] = self._pieces[-1]._replace(end=start)
        self._pieces.append(Piece(start, self._size, number, row))
        self._lines.mark()

    def close(self, encoding: str, *, is_together: bool) -> list[Piece]:
        if len(self._pieces) < 2 or self._lines.is_spent:
            return []
        return list(self._add_around(encoding, is_together=is_together))

    def _add_around(self, encoding: str, *, is_together: bool) -> Iterator[Piece]:
        for place, piece in enumerate(self._pieces, start=1):
            around = Around(
                head=self._head if piece.start else b"",
                encoding=encoding,
                is_last=place == len(self._pieces),
                is_together=is_together,
            )
            yield piece._replace(around=around)

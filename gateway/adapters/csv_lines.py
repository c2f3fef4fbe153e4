"""The lines under a CSV reader: bounded, and given again where a quote was never closed."""

from typing import TextIO


class OverlongRecord(Exception):  # noqa: N818 - a signal to the reader of rows, not an error
    """The record under way is longer than a record may be."""


class Lines:
    """Iterates lines for ``csv.reader``. The lines of the record under way are kept, so that when
    an open quote has swallowed its neighbours, they can be read again without it."""

    def __init__(self, text: TextIO, limit: int) -> None:
        self._text = text
        self.limit = limit
        self._waiting: list[str] = []
        self.taken: list[str] = []
        self._size = 0
        # What may be read a second time grows with what was read: time stays linear.
        self._budget = limit

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if self._waiting:
            line = self._waiting.pop()
        else:
            line = self._text.readline(self.limit)
            self._budget += len(line)
        if not line:
            raise StopIteration
        self.taken.append(line)
        self._size += len(line)
        if self._size >= self.limit:
            self._skip_rest(line)
            raise OverlongRecord
        return line

    def start_record(self) -> None:
        self.taken.clear()
        self._size = 0

    def give_again(self, *, skip: int) -> None:
        """The lines of this record will be read again, without the first ``skip``. Where too much
        was read again already (a file made to hurt), they are lost with the record."""
        again = self.taken[skip:]
        size = sum(map(len, again))
        if size <= self._budget:
            self._budget -= size
            self._waiting += reversed(again)
        self.start_record()

    def _skip_rest(self, line: str) -> None:
        """Of a line longer than a record may be, the rest is passed over piece by piece."""
        if len(line) < self.limit:
            return
        while not line.endswith(("\n", "\r")):
            line = self._text.readline(self.limit)
            if not line:
                return

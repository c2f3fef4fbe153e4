"""Conditions of a profile, compiled: what is asked of the fields of a record.

Case and blanks around a text do not count. A field that is absent has one text, the empty one; a
field with several texts passes ``any`` and ``contains`` if one of them does, and ``none`` if none
of them is listed. The text is taken as a whole: a cell that holds a list is asked by ``contains``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mappers.profile_model import PLACE, ROWS
from mappers.profile_terms import Asked, When


class View:
    """The fields as a condition sees them. Inside an occurrence of a repeated group: its own
    fields (``names``), else those of the record; ``slot`` stands for the n of column names."""

    __slots__ = ("_names", "_own", "_record", "_slot", "_texts")

    def __init__(
        self,
        record: Mapping[str, Any],
        own: Mapping[str, Any] | None = None,
        names: frozenset[str] = frozenset(),
        slot: int = 0,
    ) -> None:
        self._record = record
        self._own = own
        self._names = names
        self._slot = slot
        # Decision tables ask the same fields again and again.
        self._texts: dict[str, list[str]] = {}

    def find_texts(self, name: str) -> list[str]:
        """Folded, without blanks around; never empty."""
        texts = self._texts.get(name)
        if texts is None:
            texts = self._texts[name] = self._read_texts(name)
        return texts

    def _read_texts(self, name: str) -> list[str]:
        if self._slot and PLACE in name:
            name = name.replace(PLACE, str(self._slot))
        cell = self._find(name)
        if isinstance(cell, str):
            return [cell.strip().casefold()]
        cells = cell if isinstance(cell, list) else []
        texts = [one.strip().casefold() for one in cells if isinstance(one, str)]
        return [text for text in texts if text] or [""]

    def _find(self, name: str) -> Any:
        if self._own is not None:
            found = self._own.get(name)
            if found is not None or name in self._names:
                return found
        found = self._record.get(name)
        if ROWS not in self._record:
            return found
        if self._own is not None:
            # What the rows agree on holds for each; of what they do not, each has its own.
            return None if isinstance(found, list) else found
        return self._find_in_rows(name) if found is None else found

    def _find_in_rows(self, name: str) -> list[Any]:
        """From the record as a whole, a column of its rows holds the texts of all of them."""
        rows = self._record[ROWS]
        rows = rows if isinstance(rows, list) else [rows]
        found = [row.get(name) for row in rows if isinstance(row, dict)]
        return [text for cell in found for text in (cell if isinstance(cell, list) else [cell])]


class Test(NamedTuple):
    """What is asked of one field; None where nothing is."""

    field: str
    any: frozenset[str] | None
    none: frozenset[str] | None
    contains: tuple[str, ...] | None
    given: bool | None

    def holds(self, view: View) -> bool:
        texts = view.find_texts(self.field)
        if self.any is not None and self.any.isdisjoint(texts):
            return False
        if self.none is not None and not self.none.isdisjoint(texts):
            return False
        if self.contains is not None and not any(
            part in text for text in texts for part in self.contains
        ):
            return False
        return self.given is None or self.given == (texts != [""])


class Condition(NamedTuple):
    """Alternatives, one of which must hold: all of its tests."""

    alternatives: tuple[tuple[Test, ...], ...]

    def find_reason(self, view: View) -> str | None:
        """The first field of the alternative that holds; None where none does."""
        for tests in self.alternatives:
            for test in tests:
                if not test.holds(view):
                    break
            else:
                return tests[0].field if tests else ""
        return None

    def holds(self, view: View) -> bool:
        return self.find_reason(view) is not None


def make_condition(when: Sequence[When] | None) -> Condition | None:
    if when is None:
        return None
    return Condition(tuple(tuple(_make_test(*one) for one in each.items()) for each in when))


def list_asked(when: Sequence[When] | None) -> set[str]:
    """The fields a condition looks at."""
    return {field for each in when or () for field in each}


def _make_test(field: str, asked: Asked) -> Test:
    return Test(
        field,
        None if asked.any is None else frozenset(map(_fold, asked.any)),
        None if asked.none is None else frozenset(map(_fold, asked.none)),
        None if asked.contains is None else tuple(map(_fold, asked.contains)),
        asked.given,
    )


def _fold(text: str) -> str:
    return text.strip().casefold()

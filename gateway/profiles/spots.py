"""Every filled field of a record, in the order of the file, with its texts and its place."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from mappers.profile_conditions import Condition, View, make_condition
from mappers.profile_model import ROWS, Profile

_ITEM: Final = re.compile(r"\[[0-9]+\]|/[0-9]+")


class Spot(NamedTuple):
    """One field of one record. ``name`` is the same in every record (``patients/patient/sex``),
    ``path`` says which occurrence, as findings do (``patients/patient[2]/sex``). ``field``: its
    name in the repeated group ``at`` which it stands in, ``place`` (from 0) the occurrence there.
    ``is_out``: a condition leaves that occurrence out."""

    name: str
    path: str
    texts: list[str]
    field: str
    at: str = ""
    place: int = 0
    is_out: bool = False

    def is_at(self, source_path: str) -> bool:
        """Whether a finding is about this field, or about one of several texts in it."""
        rest = source_path.removeprefix(self.path)
        return source_path.startswith(self.path) and (not rest or bool(_ITEM.fullmatch(rest)))


class Spots:
    """Lists the fields of the records of one profile."""

    def __init__(self, profile: Profile) -> None:
        self._is_json = profile.format == "json"
        self._groups: dict[str, list[tuple[frozenset[str], Condition | None]]] = {}
        for group in profile.repeated.values():
            at = ROWS if group.rows else group.at
            if at:
                found = self._groups.setdefault(at, [])
                found.append((frozenset(group.elements), make_condition(group.when)))

    def iterate(self, content: dict[str, Any]) -> Iterator[Spot]:
        for name, cell in content.items():
            if name == ROWS:
                yield from self._iterate_rows(content, cell)
            elif name in self._groups and isinstance(cell, list):
                yield from self._iterate_nested(content, name, cell)
            else:
                yield Spot(name, name, _texts(cell), name)

    def _iterate_rows(self, content: dict[str, Any], rows: list[dict[str, Any]]) -> Iterator[Spot]:
        for place, row in enumerate(rows):
            is_out = self._is_out(content, row, ROWS)
            suffix = f"[{place + 1}]" if len(rows) > 1 else ""
            for name, cell in row.items():
                yield Spot(name, f"{name}{suffix}", _texts(cell), name, ROWS, place, is_out)

    def _iterate_nested(
        self, content: dict[str, Any], at: str, occurrences: list[Any]
    ) -> Iterator[Spot]:
        for place, occurrence in enumerate(occurrences):
            start = f"{at}/{place}" if self._is_json else f"{at}[{place + 1}]"
            if not isinstance(occurrence, dict):
                yield Spot(at, start, _texts(occurrence), at)
                continue
            is_out = self._is_out(content, occurrence, at)
            for name, cell in occurrence.items():
                path = join_path(start, name)
                yield Spot(join_path(at, name), path, _texts(cell), name, at, place, is_out)

    def _is_out(self, content: dict[str, Any], own: dict[str, Any], at: str) -> bool:
        groups = self._groups.get(at, [])
        return bool(groups) and not any(
            condition is None or condition.holds(View(content, own, names))
            for names, condition in groups
        )


def join_path(at: str, field: str) -> str:
    """A field's path from the record: a pointer begins with its own slash."""
    return f"{at}{field}" if field.startswith("/") else f"{at}/{field}"


def _texts(cell: Any) -> list[str]:
    given = cell if isinstance(cell, list) else [cell]
    return [one if isinstance(one, str) else "(a group of fields)" for one in given]

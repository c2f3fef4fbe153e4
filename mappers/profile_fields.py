"""The fields of one record → the groups of its event, by a compiled table."""

from typing import Any

from mappers.profile_tables import Aside, Field, Nested, Outside, Place, Table
from mappers.profile_trouble import Spot, Troubles
from mappers.profile_values import Unreadable
from schemas.catalogue import mapping
from schemas.event import Group, Groups, Value


class FieldMapping:
    """Fills ``groups``, and ``repeats`` by group and number, from the content of one record."""

    __slots__ = ("_troubles", "_version", "groups", "repeats")

    def __init__(self, version: str, troubles: Troubles) -> None:
        self._version = version
        self._troubles = troubles
        self.groups: Groups = {}
        self.repeats: dict[str, dict[int, Group]] = {}

    def map_fields(  # noqa: C901 - the hot loop: a call a field would double its cost
        self, content: dict[str, Any], table: Table, inside: int = 0, start: str = ""
    ) -> None:
        """``inside``: the fields are those of that occurrence of a repeated group, whose path in
        the record is ``start``."""
        places = table.places
        for name, cell in content.items():
            place = places.get(name)
            if place is None:
                place = table.find(name)
            if not isinstance(place, Field):
                if not isinstance(place, Aside):
                    self._map_other(start + name, cell, place)
                continue
            _, _, read, split, is_code, slot = place
            try:
                if split is None:
                    value: Any = read(cell)
                elif cell.__class__ is str:
                    value = [one for one in map(read, split(cell)) if one]
                else:
                    value = [one for text in cell for one in map(read, split(text)) if one]
            except (Unreadable, TypeError, AttributeError):
                # The last two: not one text but several, where an XML element is repeated.
                value = self._read_with_care(place, start + name, cell, slot or inside)
            if not value and not isinstance(value, int):  # 0 and False are values
                continue
            target = self._target(place.group, slot or inside)
            if split is not None:
                if place.element in target:
                    value = [*target[place.element], *value]  # type: ignore[misc]
                if is_code and len(value) > 1:
                    value = self._without_repeats(value, place, start + name, slot or inside)
            target[place.element] = value

    def _without_repeats(self, codes: list[str], place: Field, source: str, slot: int) -> list[str]:
        """In order, each once. A code given twice is told, as FHIR mapping does."""
        distinct = sorted(set(codes))
        if len(distinct) < len(codes):
            spot = Spot(place.group, place.element, slot, source)
            self._troubles.add(mapping.REPEATED_VALUE, spot, element=place.element)
        return distinct

    def _target(self, group: str, slot: int) -> Group:
        if slot:
            return self.repeats.setdefault(group, {}).setdefault(slot, {})
        found = self.groups.get(group)
        if found is None:
            found = self.groups[group] = {}
        return found  # type: ignore[return-value] # groups that repeat are filled from repeats

    def _read_with_care(self, place: Field, source: str, cell: Any, slot: int) -> Value | None:
        """Value by value, so that each bad one is a finding and the good ones stay."""
        texts = cell if isinstance(cell, list) else [cell]
        if not all(isinstance(text, str) for text in texts):
            self._troubles.add_unmapped(source)
            texts = [text for text in texts if isinstance(text, str)]
        filled = [text for text in texts if text.strip()]
        if place.split is None:
            if len(filled) > 1:
                name = f"{place.group}.{place.element}"
                spot = Spot(place.group, place.element, slot, source)
                self._troubles.add(
                    mapping.SEVERAL_VALUES, spot, field=source, count=len(filled), element=name
                )
                return None
            pieces = [(source, text) for text in filled]
        else:
            pieces = [
                (f"{source}[{number}]" if len(texts) > 1 else source, piece)
                for number, text in enumerate(texts, start=1)
                for piece in place.split(text)
            ]
        good: list[Any] = []
        for index, (origin, text) in enumerate(pieces):
            try:
                value = place.read(text)
            except Unreadable as problem:
                at = None if place.split is None else index
                spot = Spot(place.group, place.element, slot, origin, at)
                self._troubles.add_unreadable(problem, spot, text)
            else:
                if value is not None and value != "":
                    good.append(value)
        if place.split is None:
            return good[0] if good else None
        return good

    def _map_other(self, source: str, cell: Any, place: Place) -> None:
        if isinstance(cell, str) and not cell.strip():
            return
        if isinstance(place, Nested):
            self._map_nested(source, cell, place)
        elif isinstance(place, Outside) and place.element:
            self._troubles.add_outside(source, place.element, self._version)
        else:
            self._troubles.add_unmapped(source)

    def _map_nested(self, source: str, cell: Any, place: Nested) -> None:
        occurrences = cell if isinstance(cell, list) else [cell]
        for number, occurrence in enumerate(occurrences, start=1):
            start = f"{source}[{number}]"
            if not isinstance(occurrence, dict):
                self._troubles.add_unmapped(start)
                continue
            self.repeats.setdefault(place.group, {}).setdefault(number, {})
            self.map_fields(occurrence, place.table, number, f"{start}/")

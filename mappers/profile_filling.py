"""The groups of one event as they fill, and the careful way of reading a cell: value by value, so
that each bad one is a finding and the good ones stay."""

from typing import Any, NamedTuple

from mappers.profile_places import Field
from mappers.profile_trouble import Slots, Spot, Troubles
from mappers.profile_values import Unreadable
from schemas.catalogue import mapping
from schemas.event import Group, Groups, Value


class Key(NamedTuple):
    """An element of the event; ``slot`` is the number of the occurrence, 0 in a single group."""

    group: str
    element: str
    slot: int = 0

    def spot(self, source: str) -> Spot:
        return Spot(self.group, self.element, self.slot, source)

    def path(self, slots: Slots) -> str:
        return self.spot("").path(slots)


class Filling:
    """``groups`` that occur once, and ``repeats`` by group and number."""

    __slots__ = ("_is_json", "groups", "repeats", "troubles")

    def __init__(self, troubles: Troubles, *, is_json: bool) -> None:
        self.troubles = troubles
        self.groups: Groups = {}
        self.repeats: dict[str, dict[int, Group]] = {}
        self._is_json = is_json

    def target(self, group: str, slot: int) -> Group:
        if slot:
            return self.repeats.setdefault(group, {}).setdefault(slot, {})
        found = self.groups.get(group)
        if found is None:
            found = self.groups[group] = {}
        return found  # type: ignore[return-value] # groups that repeat are filled from repeats

    def find(self, key: Key) -> Value | None:
        if key.slot:
            return self.repeats.get(key.group, {}).get(key.slot, {}).get(key.element)
        found = self.groups.get(key.group)
        return found.get(key.element) if isinstance(found, dict) else None

    def name_item(self, source: str, number: int) -> str:
        """One of several things of a name: ``name[2]``, as a JSON pointer ``/name/1``."""
        if not self._is_json:
            return f"{source}[{number}]"
        # Behind * the places in the lists are not known.
        return source if "/*" in source else f"{source}/{number - 1}"

    def put(self, field: Field, value: Any, source: str, slot: int) -> None:
        """Several values join those that are there; one takes the place."""
        target = self.target(field.group, slot)
        if field.split is not None:
            if field.element in target:
                value = [*target[field.element], *value]  # type: ignore[misc]
            if field.is_code and len(value) > 1:
                value = self.without_repeats(value, field, source, slot)
        target[field.element] = value

    def without_repeats(self, codes: list[str], field: Field, source: str, slot: int) -> list[str]:
        """In order, each once. A code given twice is told, as FHIR mapping does."""
        distinct = sorted(set(codes))
        if len(distinct) < len(codes):
            spot = Spot(field.group, field.element, slot, source)
            self.troubles.add(mapping.REPEATED_VALUE, spot, element=field.element)
        return distinct

    def read(self, field: Field, source: str, texts: list[str], slot: int) -> Value | None:
        """Most cells hold one text, and that can be read."""
        if field.split is None and len(texts) == 1:
            try:
                value = field.read(texts[0])
            except Unreadable:
                pass
            else:
                return None if value == "" else value
        return self.read_with_care(field, source, texts, slot)

    def read_with_care(self, field: Field, source: str, cell: Any, slot: int) -> Value | None:
        texts = cell if isinstance(cell, list) else [cell]
        if not all(isinstance(text, str) for text in texts):
            self.troubles.add_unmapped(source)
            texts = [text for text in texts if isinstance(text, str)]
        pieces = self._split(field, source, texts, slot)
        good: list[Any] = []
        for index, (origin, text) in enumerate(pieces):
            try:
                value = field.read(text)
            except Unreadable as problem:
                at = None if field.split is None else index
                spot = Spot(field.group, field.element, slot, origin, at)
                self.troubles.add_unreadable(problem, spot, text)
            else:
                if value is not None and value != "":
                    good.append(value)
        if field.split is None:
            return good[0] if good else None
        return good

    def _split(
        self, field: Field, source: str, texts: list[str], slot: int
    ) -> list[tuple[str, str]]:
        """(where it stands, text) of each value; none where several stand for one."""
        if field.split is not None:
            return [
                (self.name_item(source, number) if len(texts) > 1 else source, piece)
                for number, text in enumerate(texts, start=1)
                for piece in field.split(text)
            ]
        filled = [text for text in texts if text.strip()]
        if len(filled) > 1:
            name = f"{field.group}.{field.element}"
            spot = Spot(field.group, field.element, slot, source)
            self.troubles.add(
                mapping.SEVERAL_VALUES, spot, field=source, count=len(filled), element=name
            )
            return []
        return [(source, text) for text in filled]

"""The fields of one record → the groups of its event, by a compiled table."""

from typing import Any

from mappers.profile_conditions import View
from mappers.profile_filling import Filling
from mappers.profile_model import ROWS
from mappers.profile_places import Aside, Field, Nested, Outside, Place, Rows, RuleSet, Table
from mappers.profile_rules import RuleMapping
from mappers.profile_trouble import Spot
from mappers.profile_values import Unreadable
from schemas.catalogue import mapping


class FieldMapping:
    """Fills ``filling`` from the content of one record; what is not a plain field is left to
    ``rules``, made when first needed. ``views``: what a condition sees from inside each
    occurrence."""

    __slots__ = ("_event_date", "_record", "_version", "filling", "rules", "views")

    def __init__(
        self, version: str, record: dict[str, Any], event_date: str | None, filling: Filling
    ) -> None:
        self._version = version
        self._record = record
        self._event_date = event_date
        self.filling = filling
        self.rules: RuleMapping | None = None
        self.views: dict[tuple[str, int], View] = {}

    def get_rules(self) -> RuleMapping:
        if self.rules is None:
            self.rules = RuleMapping(self.filling, self._version, self._event_date)
        return self.rules

    def get_view(self, slot: int = 0) -> View:
        """What a condition sees from the record, or from the columns with that number."""
        found = self.views.get(("", slot))
        if found is None:
            found = self.views["", slot] = View(self._record, slot=slot)
        return found

    def map_fields(  # noqa: C901, PLR0912 - the hot loop: a call a field would double its cost
        self,
        content: dict[str, Any],
        table: Table,
        inside: int = 0,
        start: str = "",
        view: View | None = None,
    ) -> None:
        """``inside``: the fields are those of that occurrence of a repeated group, which is at
        ``start`` in the record; ``view`` is what its conditions see."""
        places, filling, groups = table.places, self.filling, self.filling.groups
        for name, cell in content.items():
            place = places.get(name)
            if place is None:
                place = table.find(name)
            if place.__class__ is not Field:
                if not isinstance(place, Aside):
                    self._map_other(_name_source(start, name), cell, place, inside, view)
                continue
            group, element, read, split, is_code, slot = place
            try:
                if split is None:
                    value: Any = read(cell)
                elif cell.__class__ is str:
                    value = [one for one in map(read, split(cell)) if one]
                else:
                    value = [one for text in cell for one in map(read, split(text)) if one]
            except (Unreadable, TypeError, AttributeError):
                # The last two: not one text but several, where an XML element is repeated.
                source = _name_source(start, name)
                value = filling.read_with_care(place, source, cell, slot or inside)
            if not value and not isinstance(value, int):  # 0 and False are values
                continue
            number = slot or inside
            target: Any = filling.target(group, number) if number else groups.get(group)
            if target is None:
                target = groups[group] = {}
            if split is not None:
                if element in target:
                    value = [*target[element], *value]
                if is_code and len(value) > 1:
                    source = _name_source(start, name)
                    value = filling.without_repeats(value, place, source, number)
            target[element] = value

    def _map_other(
        self, source: str, cell: Any, place: Place, inside: int, view: View | None
    ) -> None:
        if isinstance(cell, str) and not cell.strip():
            return
        if isinstance(place, RuleSet):
            view = view or self.get_view(place.slot)
            self.get_rules().follow(place, source, cell, place.slot or inside, view)
        elif isinstance(place, Rows):
            for nested in place.groups:
                self._map_rows(cell, nested)
        elif isinstance(place, Nested):
            self._map_nested(source, cell, place)
        elif isinstance(place, Outside) and place.element:
            self.filling.troubles.add_outside(source, place.element, self._version)
        else:
            self.filling.troubles.add_unmapped(source)

    def _map_nested(self, source: str, cell: Any, place: Nested) -> None:
        occurrences = cell if isinstance(cell, list) else [cell]
        for number, occurrence in enumerate(occurrences, start=1):
            start = self.filling.name_item(source, number)
            if not isinstance(occurrence, dict):
                self.filling.troubles.add_unmapped(start)
                continue
            view = self._make_view(occurrence, place, number)
            if place.when is None or (view and place.when.holds(view)):
                self.filling.repeats.setdefault(place.group, {}).setdefault(number, {})
                # A JSON pointer begins with its own slash.
                inner = start if source.startswith("/") else f"{start}/"
                self.map_fields(occurrence, place.table, number, inner, view)

    def _map_rows(self, rows: Any, place: Nested) -> None:
        """A row in which all fields of the group are empty gives no occurrence."""
        rows = rows if isinstance(rows, list) else [rows]
        for number, row in enumerate(rows, start=1):
            if not isinstance(row, dict):
                self.filling.troubles.add_unmapped(ROWS.strip("\0"))
                continue
            view = self._make_view(row, place, number)
            if place.when is None or (view and place.when.holds(view)):
                start = f"[{number}]" if len(rows) > 1 else ""
                self.map_fields(row, place.table, number, start, view)

    def tell_disagreements(self, table: Table, of_row: frozenset[str]) -> None:
        """Of a record of several rows: the columns of the record, not ``of_row``, in which its
        rows give different values that are all taken over."""
        several = [name for name, cell in self._record.items() if cell.__class__ is list]
        for name in several:
            if name == ROWS or name in of_row:
                continue
            cell = self._record[name]
            way = self._find_united(table.places.get(name) or table.find(name))
            if way is not None:
                spot = Spot(way.group, way.element, way.slot, name)
                self.filling.troubles.add(mapping.ROWS_DISAGREE, spot, field=name, count=len(cell))

    def _find_united(self, place: Place) -> Field | None:
        """Where several values of a field go, if anywhere."""
        ways: list[Field | Outside] = [place] if isinstance(place, Field) else []
        if isinstance(place, RuleSet):
            view = self.get_view(place.slot)
            ways = [
                rule.way for rule in place.rules if all(when.holds(view) for when in rule.whens)
            ]
        fields = (way for way in ways if isinstance(way, Field) and way.split is not None)
        return next(fields, None)

    def _make_view(self, own: dict[str, Any], place: Nested, number: int) -> View | None:
        if not place.is_viewed:
            return None
        view = self.views[place.group, number] = View(self._record, own, place.names)
        return view


def _name_source(start: str, name: str) -> str:
    """``patient[2]/name``, ``/patients/1/name``; a column of the record's second row: name[2]."""
    return name + start if start.startswith("[") else start + name

"""What a compiled profile knows of each field of a feed: where its content goes."""

import re
from collections.abc import Callable
from typing import NamedTuple

from mappers.profile_ages import ReadAge
from mappers.profile_conditions import Condition
from mappers.profile_values import ReadOne

# A feed may invent column names without end; this many are remembered.
_MAX_REMEMBERED = 10_000


class Field(NamedTuple):
    """One field's way into the event. ``split`` is None where the element holds one value;
    ``slot`` is the n of a repeated group's column, 0 for a group that occurs once."""

    group: str
    element: str
    read: ReadOne
    split: Callable[[str], list[str]] | None
    is_code: bool
    slot: int = 0


class Outside(NamedTuple):
    """A field the version has no place for: ``element`` is where another version would put it,
    empty where the profile does not know the field at all."""

    element: str


class Rule(NamedTuple):
    """One rule of a field with more to it than a plain ``Field``. ``whens`` must all hold.
    ``rank``: its place in the profile where several rules fill one single-valued element; they
    are settled when the whole record has been seen. None: it fills the element at once."""

    way: Field | Outside
    whens: tuple[Condition, ...]
    take: Callable[[str], str] | None
    read_age: ReadAge | None
    by_name: bool
    heading: str | None
    is_derived: bool
    rank: int | None


class RuleSet(NamedTuple):
    """A field that does not simply fill one element: each of its rules that holds is followed."""

    rules: tuple[Rule, ...]
    slot: int = 0


class Nested(NamedTuple):
    """A repeated element (XML), item (JSON) or row (CSV): its group, the table of its own fields
    and their ``names``; occurrences for which ``when`` does not hold are left out. ``is_viewed``:
    whether any condition looks at the record from inside an occurrence."""

    group: str
    table: "Table"
    names: frozenset[str]
    when: Condition | None
    is_viewed: bool


class Rows(NamedTuple):
    """The rows of a CSV record: each gives an occurrence to each of the groups."""

    groups: tuple[Nested, ...]


class Aside:
    """A field read elsewhere (the record's head, a condition) or ignored on purpose."""


ASIDE = Aside()
Place = Field | RuleSet | Nested | Rows | Outside | Aside


class Table:
    """Looks fields up; columns with a number in their name are worked out when first met."""

    def __init__(
        self,
        places: dict[str, Place],
        numbered: list[tuple[re.Pattern[str], Place]],
        ignored_below: tuple[str, ...] = (),
    ) -> None:
        self.places = places
        self._numbered = numbered
        self._ignored_below = ignored_below

    def find(self, name: str) -> Place:
        """The slow way, for a name that is not in ``places``; remembered."""
        place = self._work_out(name)
        if len(self.places) < _MAX_REMEMBERED:
            self.places[name] = place
        return place

    def knows(self, name: str) -> bool:
        place = self.places.get(name) or self.find(name)
        return not isinstance(place, Outside) or place.element != ""

    def _work_out(self, name: str) -> Place:
        for pattern, place in self._numbered:
            if match := pattern.fullmatch(name):
                slot = int(match.group(1))
                return place._replace(slot=slot) if isinstance(place, Field | RuleSet) else place
        if name.startswith(self._ignored_below):
            return ASIDE
        return Outside("")

"""Which field of a record gave which value of its event.

Asked of the mapper itself: the record is mapped once more with little else than the field, and
once without it. What a field gives is the difference, whatever its rule does.
"""

import re
from typing import Any, Final

import msgspec

from gateway.profiles.field_uses import Use
from gateway.profiles.spots import Spot
from mappers.profile_conditions import list_asked
from mappers.profile_model import PLACE, Profile
from schemas.event import NationalEvent, Value
from schemas.record import Mapped, Mapper, SourceRecord

_HEADS: Final = ("event_type", "event_date", "narrative", "taxonomy_version")


class Tracing:
    """Traces the records of one profile. A record costs two mappings a field: for looking at some
    records, not for loading them."""

    def __init__(self, profile: Profile, mapper: Mapper) -> None:
        self._mapper = mapper
        self._heads = {rule.field for rule in profile.heads.values()}
        # An occurrence is there or not by fields of its own, or of the record.
        self._asked_of = {group: list_asked(one.when) for group, one in profile.repeated.items()}

    def find_values(
        self, record: SourceRecord, spot: Spot, use: Use, mapped: Mapped
    ) -> dict[str, Value | None]:
        """Target → what the field gave it; None where it gave nothing."""
        found: dict[str, Value | None] = {
            target: _find_head(target, mapped) for target in use.targets if "." not in target
        }
        elements = [target for target in use.targets if "." in target]
        if elements and not spot.is_out:
            keep = self._heads | self._find_asked(spot, use)
            with_it = self._map(record, _reduce(record.content, spot, keep | {spot.field}))
            without = self._map(record, _reduce(record.content, spot, keep - {spot.field}))
            found |= {target: _difference(target, with_it, without) for target in elements}
        return found

    def _find_asked(self, spot: Spot, use: Use) -> set[str]:
        """The fields on which it depends whether this one gives anything."""
        asked = set().union(*(list_asked(rule.when) for rule in use.rules))
        for target in use.targets:
            asked |= self._asked_of.get(target.partition(".")[0], set())
        return {name.replace(PLACE, _find_number(spot, use)) for name in asked}

    def _map(self, record: SourceRecord, content: dict[str, Any]) -> Mapped:
        return self._mapper.map_record(msgspec.structs.replace(record, content=content))


def find_value(event: NationalEvent | None, target: str) -> Value | None:
    """Of a group that repeats, the first occurrence that has the element."""
    if event is None:
        return None
    group, _, element = target.partition(".")
    found = event.groups.get(group, {})
    occurrences = found if isinstance(found, list) else [found]
    return next((one[element] for one in occurrences if element in one), None)


def _find_head(target: str, mapped: Mapped) -> Value | None:
    if target == "local_id":
        return mapped.local_id
    if mapped.event is None or target not in _HEADS:
        return None
    value: str | None = getattr(mapped.event, target)
    return value


def _find_number(spot: Spot, use: Use) -> str:
    """The n in the field's name; empty where there is none."""
    before, found, after = use.name.partition(PLACE)
    number = spot.field.removeprefix(before).removesuffix(after) if found else ""
    return number if re.fullmatch(r"[0-9]+", number) else ""


def _reduce(content: dict[str, Any], spot: Spot, keep: set[str]) -> dict[str, Any]:
    """Only these fields of the record; of a repeated group only this occurrence."""
    reduced = {name: cell for name, cell in content.items() if name in keep}
    if spot.at:
        occurrence = content[spot.at][spot.place]
        reduced[spot.at] = [{name: cell for name, cell in occurrence.items() if name in keep}]
    return reduced


def _difference(target: str, with_it: Mapped, without: Mapped) -> Value | None:
    value = _find_given(target, with_it)
    before = _find_given(target, without)
    # What stood there without it was a constant, and the field took its place.
    if target in without.derived and target not in with_it.derived:
        return value
    if isinstance(value, list) and isinstance(before, list):
        left = [one for one in value if one not in before]
        return left or None
    return value if value != before else None


def _find_given(target: str, mapped: Mapped) -> Value | None:
    names = mapped.organisation_names.get(target)
    return find_value(mapped.event, target) if names is None else list(names)

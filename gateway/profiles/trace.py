"""Which field of a record gave which value of its event.

Asked of the mapper itself: the record is mapped once more with little else than the field, and
once without it. What a field gives is the difference, whatever its rule does.
"""

from typing import Any, Final

import msgspec

from gateway.profiles.field_uses import Spot, Use, asked_by
from mappers.profile_model import ROWS, Profile
from schemas.event import NationalEvent, Value
from schemas.record import Mapped, Mapper, SourceRecord

_HEADS: Final = ("event_type", "event_date", "narrative", "taxonomy_version")


class Tracing:
    """Traces the records of one profile. A record costs two mappings a field: for looking at some
    records, not for loading them."""

    def __init__(self, profile: Profile, mapper: Mapper) -> None:
        self._mapper = mapper
        self._heads = {rule.field for rule in profile.heads.values()}
        self._asked_inside = {
            at: asked_by(group.when)
            for group in profile.repeated.values()
            for at in [ROWS if group.rows else group.at or ""]
        }

    def find_values(
        self, record: SourceRecord, spot: Spot, use: Use, mapped: Mapped
    ) -> dict[str, Value | None]:
        """Target → what the field gave it; None where it gave nothing."""
        found: dict[str, Value | None] = {
            target: self._find_head(target, mapped) for target in use.targets if "." not in target
        }
        elements = [target for target in use.targets if "." in target]
        if elements:
            keep = self._heads | asked_by(*(rule.when for rule in use.rules))
            content: dict[str, Any] = record.content
            with_it = self._map(
                record, _reduce(content, spot, keep | {spot.field}, self._inside(spot))
            )
            without = self._map(
                record, _reduce(content, spot, keep - {spot.field}, self._inside(spot))
            )
            found |= {target: _difference(target, with_it, without) for target in elements}
        return found

    def _inside(self, spot: Spot) -> set[str]:
        return self._asked_inside.get(spot.at, set())

    def _map(self, record: SourceRecord, content: dict[str, Any]) -> Mapped:
        return self._mapper.map_record(msgspec.structs.replace(record, content=content))

    def _find_head(self, target: str, mapped: Mapped) -> Value | None:
        if target == "local_id":
            return mapped.local_id
        if mapped.event is None or target not in _HEADS:
            return None
        value: str | None = getattr(mapped.event, target)
        return value


def find_value(event: NationalEvent | None, target: str) -> Value | None:
    """Of a group that repeats, the first occurrence that has the element."""
    if event is None:
        return None
    group, _, element = target.partition(".")
    found = event.groups.get(group, {})
    occurrences = found if isinstance(found, list) else [found]
    return next((one[element] for one in occurrences if element in one), None)


def _reduce(
    content: dict[str, Any], spot: Spot, keep: set[str], inside: set[str]
) -> dict[str, Any]:
    """Only these fields of the record; of a repeated group only this occurrence."""
    reduced = {name: cell for name, cell in content.items() if name in keep and not spot.at}
    if spot.at:
        reduced = {
            name: cell for name, cell in content.items() if name in keep and name != spot.field
        }
        occurrence = content[spot.at][spot.place]
        reduced[spot.at] = [
            {name: cell for name, cell in occurrence.items() if name in keep | inside}
        ]
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

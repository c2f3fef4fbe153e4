"""What mapping a record met, kept as it comes and made into findings at the end: only then is it
known which place a patient has in the event."""

from collections.abc import Mapping
from typing import NamedTuple

from mappers.profile_values import Unreadable
from schemas.catalogue import mapping
from schemas.finding import Finding, FindingCode, Params, Severity
from schemas.values import shown

_MAX_NAME = 100
_OF_DATES = (mapping.NOT_A_PROFILE_DATE, mapping.NOT_A_PROFILE_TIME, mapping.TWO_DIGIT_YEAR)
# Repeated group → number in the feed → place in the event's list.
Slots = Mapping[str, Mapping[int, int]]


class Spot(NamedTuple):
    """A place in the event and in the record. ``item`` is the place of a value in a list."""

    group: str
    element: str
    slot: int
    source: str
    item: int | None = None

    def path(self, slots: Slots) -> str:
        group = self.group
        if self.slot:
            group += f"[{slots.get(group, {}).get(self.slot, self.slot - 1)}]"
        path = f"{group}.{self.element}" if self.element else group
        return path if self.item is None else f"{path}[{self.item}]"


class Troubles:
    """The findings of one record, before they are worded. ``show_names``: the names of fields
    the profile does not know may be shown (in a CSV file without a header they are data)."""

    def __init__(self, profile: str, *, strict: bool) -> None:
        self._profile = profile
        self._severity: Severity = "error" if strict else "warning"
        self._met: list[tuple[FindingCode, Spot, Severity | None, Params]] = []
        self.show_names = True

    def __len__(self) -> int:
        return len(self._met)

    def add(self, code: FindingCode, spot: Spot, **params: str | int) -> None:
        self._met.append((code, spot, None, params))

    def add_unreadable(self, problem: Unreadable, spot: Spot, text: str) -> None:
        hidden = f"({len(text)} characters)"
        value = shown(text, is_date=problem.code in _OF_DATES) if problem.shows else hidden
        params: Params = {"value": value}
        if problem.accepted:
            params["accepted"] = problem.accepted
        if problem.code is mapping.UNKNOWN_LOCAL_CODE:
            params |= {"field": spot.source, "profile": self._profile}
        self.add(problem.code, spot, **params)

    def add_unmapped(self, source: str) -> None:
        name = source[:_MAX_NAME] if self.show_names else shown(source)
        params: Params = {"field": name, "profile": self._profile}
        spot = Spot("", "", 0, name)
        self._met.append((mapping.UNMAPPED_FIELD, spot, self._severity, params))

    def add_outside(self, source: str, element: str, version: str) -> None:
        """``element`` is the profile's ``Group.Element``, which this version does not have."""
        params: Params = {"element": element, "version": version}
        spot = Spot(element, "", 0, source)
        self._met.append((mapping.NOT_IN_VERSION, spot, self._severity, params))

    def word(self, slots: Slots) -> list[Finding]:
        return [
            code.at(spot.path(slots), spot.source, severity=severity, **params)
            for code, spot, severity, params in self._met
        ]

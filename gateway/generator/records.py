"""The records of a synthetic feed in order: mostly new events, some with a fault, some that were
in the feed before."""

from collections.abc import Iterator

import msgspec

from gateway.generator.draw import Draw
from gateway.generator.events import EventMaker
from gateway.generator.faults import Fault, pick_fault
from schemas.event import NationalEvent

_UPDATES = (
    "Update: the review has been completed and no further problem was found.",
    "Update: the family has been given the findings in writing.",
    "Update: the patient was seen again and has recovered.",
    "Update: statements have been received from all staff on duty.",
    "Update: the action plan was agreed by the governance group.",
)
# Decisions about records are drawn apart from their content, so that asking for errors or
# duplicates leaves every other record as it was.
_PLAN_SEED = 0x5EED


class GeneratedRecord(msgspec.Struct, frozen=True):
    """``original`` is the number of the earlier record that this one repeats, with a change in
    its content where ``changed``."""

    number: int
    local_id: str
    event: NationalEvent
    fault: Fault | None = None
    original: int | None = None
    changed: bool = False


class RecordMaker:
    """Makes the record of any number from 1 on."""

    def __init__(self, maker: EventMaker, *, seed: int, errors: float, duplicates: float) -> None:
        self._maker = maker
        self._seed = seed
        self._plan = Draw(seed ^ _PLAN_SEED << 32)
        self._errors = errors
        self._duplicates = duplicates

    def make_all(self, count: int) -> Iterator[GeneratedRecord]:
        for number in range(1, count + 1):
            yield self.make(number)

    def make(self, number: int) -> GeneratedRecord:
        original = self._find_original(number)
        changed = original is not None and self._plan.chance(0.5)
        update = self._plan.pick(_UPDATES) if changed else ""
        source = original or number
        event = self._maker.make(source)
        fault = self._find_fault(source, event)
        if fault is not None:
            event = fault.change(event, self._plan)
        if changed:
            text = f"{event.narrative or ''} {update}"
            event = msgspec.structs.replace(event, narrative=text.strip())
        local_id = f"SYN-{self._seed}-{source:07d}"
        return GeneratedRecord(number, local_id, event, fault, original, changed)

    def _find_original(self, number: int) -> int | None:
        """Where the record repeats another: the first record of that chain. Leaves the plan at
        this record's draws."""
        if not self._duplicates:
            return None
        target = self._repeated(number)
        first = target
        while first is not None and (earlier := self._repeated(first)) is not None:
            first = earlier
        if first is not None:
            self._plan.restart(number << 1 | 1)
        return first

    def _repeated(self, number: int) -> int | None:
        self._plan.restart(number << 1)
        if number == 1 or not self._plan.chance(self._duplicates):
            return None
        return self._plan.number(1, number - 1)

    def _find_fault(self, number: int, event: NationalEvent) -> Fault | None:
        if not self._errors:
            return None
        self._plan.restart(number << 1 | 1 << 38)
        return pick_fault(event, self._plan) if self._plan.chance(self._errors) else None

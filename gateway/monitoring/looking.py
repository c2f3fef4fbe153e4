"""What a watch looks with."""

from collections.abc import Callable, Mapping
from datetime import date, datetime

import msgspec

from gateway.config import Settings
from gateway.monitoring.instants import LONDON
from schemas.alarm import Alarm, Seen
from store.unit_of_work import UnitOfWork


class Looking(msgspec.Struct, frozen=True):
    """One transaction that reads, and the moment it is judged by; ``open`` are the alarms that are
    not closed, by code and subject."""

    settings: Settings
    work: UnitOfWork
    now: datetime
    open: Mapping[tuple[str, str], Alarm]

    @property
    def today(self) -> date:
        return self.now.astimezone(LONDON).date()


Look = Callable[[Looking], list[Seen]]


class Watch(msgspec.Struct, frozen=True):
    """``look`` gives what is to be seen now of the alarms ``codes``; an alarm of theirs that is
    not seen any more closes."""

    codes: frozenset[str]
    look: Look

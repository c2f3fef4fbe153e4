"""Prune what collectors found: only items that no far end gives again, and of which nothing is owed
to anybody."""

from datetime import datetime

from gateway.bootstrap import Gateway
from gateway.collectors.kinds import KINDS, parse_settings
from gateway.collectors.mesh import MeshSettings
from schemas.collecting import Collector
from schemas.errors import WrongUseError
from store.old_items import OldItem
from store.unit_of_work import UnitOfWork


def count_items(work: UnitOfWork, before: datetime) -> int:
    return work.old_items.count(_find_old(work, before))


def prune_items(gateway: Gateway, before: datetime, limit: int) -> int:
    """A transaction after the other, ``limit`` items in each."""
    with gateway.store.read() as work:
        old = _find_old(work, before)
    total = 0
    place: int | None = 0
    while place is not None:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            pruned, place = work.old_items.prune(old, limit, place)
        total += pruned
    return total


def _find_old(work: UnitOfWork, before: datetime) -> OldItem:
    answering = [one.id for one in work.collectors.find_all() if _is_answering(one)]
    once = [name for name, kind in KINDS.items() if kind.gives_once]
    return OldItem(before, once, answering)


def _is_answering(collector: Collector) -> bool:
    """Where its settings cannot be read, it may be."""
    try:
        settings = parse_settings(collector.kind, collector.settings)
    except WrongUseError:
        return True
    return isinstance(settings, MeshSettings) and settings.receipts is not None

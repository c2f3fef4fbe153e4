"""Collectors in tests: a gateway with a source, a far end that does as it is told, and the state of
the store afterwards."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import Content, Item
from gateway.collectors.kinds import KINDS, Kind
from gateway.collectors.register import add_collector
from gateway.collectors.settings import KindSettings
from gateway.pipeline.collect import run_collector
from schemas.collecting import CollectedItem, Collector
from store.tables import audit, batches
from tests.lib.api import OTHER, SOURCE, register_sources
from tests.lib.databases import read_rows
from tests.lib.line import NOW, open_line

__all__ = ["NOW", "OTHER", "SOURCE"]
FEED = b"synthetic feed\n"
# In texts that may stand nowhere but in the store.
MARK = "Zebrafinch"


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go(self, **how_far: float) -> None:
        self.now += timedelta(**how_far)


class Killed(BaseException):
    """What stands for a kill: nothing between here and the test may catch it."""


@dataclass
class ScriptedFarEnd:
    """Holds ``items`` by name; a callable among them is called in the place of reading. What was
    settled is gone from the list, and stands in ``settled`` with the state it was told."""

    items: dict[str, bytes | Callable[[], bytes]] = field(default_factory=dict)
    settled: list[tuple[str, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    pages: int = 100
    cursors: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    keeps: set[str] = field(default_factory=set)
    on_settle: Callable[[str], None] = lambda _name: None
    on_close: Callable[[str], None] = lambda _name: None

    def find_pages(self) -> Iterator[Sequence[Item]]:
        names = list(self.items)
        for start in range(0, len(names), self.pages):
            yield [
                Item(remote_id=name, name=name, cursor=self.cursors.get(name))
                for name in names[start : start + self.pages]
            ]

    @contextmanager
    def open(self, item: Item) -> Iterator[Content]:
        self.opened.append(item.name)
        held = self.items[item.name]
        stream = io.BytesIO(held if isinstance(held, bytes) else held())
        yield Content(
            stream,
            filename=item.name,
            source_id=self.sources.get(item.name),
            refuse=self.refused.get(item.name),
        )
        self.on_close(item.name)

    def settle(self, item: Item, known: CollectedItem) -> None:
        self.on_settle(item.name)
        self.settled.append((item.name, known.state))
        if item.name not in self.keeps:
            self.items.pop(item.name, None)


@contextmanager
def scripted(far_end: ScriptedFarEnd) -> Iterator[None]:
    """Collectors of the kind ``http`` have this far end."""

    @contextmanager
    def open_scripted(
        _gateway: Gateway, _collector: Collector, _settings: object
    ) -> Iterator[ScriptedFarEnd]:
        yield far_end

    kept = KINDS.get("http")
    KINDS["http"] = Kind(KindSettings, "pull", open_scripted)
    try:
        yield
    finally:
        if kept is None:
            del KINDS["http"]
        else:
            KINDS["http"] = kept


@contextmanager
def open_collecting(
    home: Path, database_url: str = "", **settings: object
) -> Iterator[tuple[Gateway, Clock]]:
    """A gateway with two sources, and its clock."""
    clock = Clock()
    with open_line(home, database_url, **settings) as opened:
        gateway = replace(opened, now=clock)
        register_sources(gateway)
        yield gateway, clock


def add(
    gateway: Gateway,
    kind: str = "http",
    *,
    name: str = "far",
    every: int = 300,
    settings: str = "{}",
    source: str = SOURCE.id,
) -> Collector:
    return add_collector(gateway, name, source_id=source, kind=kind, settings=settings, every=every)


def run(gateway: Gateway, name: str = "far") -> dict[str, int]:
    """What a run did, without what it did nothing of."""
    return {what: count for what, count in run_collector(gateway, name).items() if count}


def read_items(gateway: Gateway, name: str = "far", by: str = "name") -> dict[str, CollectedItem]:
    """By file name; the newest of a name."""
    with gateway.store.read() as work:
        return {getattr(one, by): one for one in reversed(work.collected.find(name))}


def read_collector(gateway: Gateway, name: str = "far") -> Collector:
    with gateway.store.read() as work:
        return work.collectors.get(name)


def list_batches(url: str) -> list[tuple[str, str, str]]:
    """Source, file name and route of each, in order of arrival."""
    rows = sorted(read_rows(url, batches), key=lambda row: row.number)
    return [(row.source_id, row.filename, row.route) for row in rows]


def list_actions(url: str, subject: object) -> list[str]:
    return [row.action for row in read_rows(url, audit) if row.subject == str(subject)]

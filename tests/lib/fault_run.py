"""A child process that takes feeds the whole way and kills itself at a named point:
``python -m tests.lib.fault_run ORDER``, a JSON of :class:`Order`. The hooks are put in here; the
product knows nothing of them. With the point ``none`` it runs to its end, and prints how often each
point was passed."""

import json
import resource
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.finish import finish_batches
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.plan import plan_waiting
from gateway.pipeline.process import process_parts
from gateway.pipeline.receive import receive_feed
from store.batches import Batches
from store.engine import Store
from store.marks import Marks
from store.parts import Parts
from store.raw_files import RawFiles
from store.records import Records
from tests.lib.dying import die, hook_call, hook_commits
from tests.lib.line import NOW, open_line

# Small pieces, so that every step comes several times.
SETTINGS = {"commit_records": 10, "part_bytes": 60_000}
SOURCES = {"fhir.feed": "test-fhir", "xml.feed": "test-xml", "csv.feed": "test-csv"}

# Right after the named call; all but the first and the last stand inside a transaction.
POINTS: dict[str, tuple[Any, str]] = {
    "raw file stored": (RawFiles, "write"),
    "batch added": (Batches, "add"),
    "batch planned": (Batches, "plan"),
    "part claimed": (Parts, "claim"),
    "part advanced, nothing written": (Parts, "advance"),
    "chunk written, not committed": (Records, "load"),
    "batch finished, not committed": (Batches, "finish"),
    "batches marked, not committed": (Marks, "mark_batches"),
    "committed": (Store, "begin"),
}


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """To die when ``point`` is passed for the ``count``-th time; ``file_limit``: the bytes that a
    file may grow to, as on a full disk."""

    home: str
    url: str
    feeds: str
    point: str = "none"
    count: int = 1
    file_limit: int | None = None
    now: datetime = NOW


def run_line(gateway: Gateway, feeds: Path) -> None:
    """Everything there is to do, each step as its own task does it; safe to do again."""
    receive_feeds(gateway, feeds)
    for step in STEPS:
        step(gateway)


def receive_feeds(gateway: Gateway, feeds: Path) -> None:
    for name, source in SOURCES.items():
        with (feeds / name).open("rb") as stream:
            receive_feed(gateway, source, stream, filename=name)


def process_waiting(gateway: Gateway) -> None:
    for item in plan_waiting(gateway):
        process_parts(gateway, item["batch_id"], item["parts"])


STEPS: tuple[Callable[[Gateway], object], ...] = (
    process_waiting,
    finish_batches,
    mark_externally_recorded,
    prepare_messages,
    deliver_messages,
)


def hook_points(passed: Callable[[str], None]) -> None:
    """Calls ``passed`` with the name of each point that is passed."""
    for name, (owner, method) in POINTS.items():
        pass_by = partial(passed, name)
        if name == "committed":
            hook_commits(pass_by)
        else:
            hook_call(owner, method, pass_by)


def main() -> None:
    order = msgspec.json.decode(sys.argv[1], type=Order)
    if order.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_limit, order.file_limit))
    passed: Counter[str] = Counter()

    def pass_by(name: str) -> None:
        passed[name] += 1
        if name == order.point and passed[name] == order.count:
            die()

    hook_points(pass_by)
    with open_line(Path(order.home), order.url, now=order.now, **SETTINGS) as gateway:
        # What opening and migrating committed is no step of the line.
        passed.clear()
        run_line(gateway, Path(order.feeds))
    print(json.dumps(passed))


if __name__ == "__main__":
    main()

"""A child process that is killed while it plans a packed feed, at the step told:
``python -m tests.lib.killed_unpacking HOME URL STEP``. Steps are the times that a file is opened
by the raw store, be it to write what was unpacked or to read it again, and the last commit."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from gateway.pipeline.plan import plan_waiting
from store.batches import Batches
from store.raw_files import RawFiles
from tests.lib.line import open_line


def _die_at(owner: Any, name: str, step: int) -> None:
    """The process is killed right after the call of that number, from 1."""
    kept, calls = getattr(owner, name), 0

    def call(*given: Any, **named: Any) -> Any:
        nonlocal calls
        result = kept(*given, **named)
        calls += 1
        if calls == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, call)


def run(home: Path, url: str, step: int) -> None:
    if step == 0:
        # Planned, and not committed.
        _die_at(Batches, "plan", 1)
    elif step == 1:
        # A file is unpacked and flushed, and not yet in its place.
        _die_at(os, "fsync", 1)
    else:
        _die_at(RawFiles, "write", step - 1)
    with open_line(home, url, part_bytes=60_000) as gateway:
        plan_waiting(gateway)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

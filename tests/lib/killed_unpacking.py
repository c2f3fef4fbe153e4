"""A child process that is killed while it plans a packed feed, at the step told:
``python -m tests.lib.killed_unpacking HOME URL STEP``. Steps are the times that a file is opened
by the raw store, be it to write what was unpacked or to read it again, and the last commit."""

import os
import sys
from pathlib import Path

from gateway.pipeline.plan import plan_waiting
from store.batches import Batches
from store.raw_files import RawFiles
from tests.lib.dying import die_at, hook_call
from tests.lib.line import open_line


def run(home: Path, url: str, step: int) -> None:
    if step == 0:
        # Planned, and not committed.
        hook_call(Batches, "plan", die_at(1))
    elif step == 1:
        # A file is unpacked and flushed, and not yet in its place.
        hook_call(os, "fsync", die_at(1))
    else:
        hook_call(RawFiles, "write", die_at(step - 1))
    with open_line(home, url, part_bytes=60_000) as gateway:
        plan_waiting(gateway)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

"""A child process that replays all that is open, to be killed:
``python -m tests.lib.killed_replay HOME URL``. It prints "ready", then a line a record."""

import sys
from pathlib import Path

from gateway.pipeline.replay import Pace, replay_records
from schemas.quarantine import UnloadedFilter
from tests.lib.line import open_line


def run(home: Path, database_url: str) -> None:
    with open_line(home, database_url) as gateway:
        # One record a transaction, so that a kill has many places to fall.
        pace = Pace(6, gateway.monotonic, lambda _seconds: None)
        print("ready", flush=True)
        for one in replay_records(gateway, UnloadedFilter(), for_real=True, pace=pace):
            print(one.number, one.after, flush=True)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2])

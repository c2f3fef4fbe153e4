"""A child process that prunes, to be killed: ``python -m tests.lib.killed_prune HOME URL NOW``. It
prints "ready" when everything is imported and the work begins."""

import sys
from datetime import datetime
from pathlib import Path

from gateway.pipeline import prune
from tests.lib.line import open_line


def run(home: Path, database_url: str, now: datetime) -> dict[str, int]:
    # Few at a time, so that a kill has many places to fall.
    prune.CHUNK = 2  # type: ignore[misc]
    with open_line(home, database_url, now=now) as gateway:
        print("ready", flush=True)
        return prune.prune_old_data(gateway)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3]))

"""A child process that runs the whole line: ``python -m tests.lib.killed_run HOME URL``. It prints
how often it committed. With ``COMMITS SECONDS`` it dies within the work, so much processor time
after so many commits."""

import sys
from datetime import datetime
from pathlib import Path

from gateway.pipeline.finish import finish_batches
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.plan import plan_waiting
from gateway.pipeline.process import process_parts
from tests.lib.dying import die_after, hook_commits
from tests.lib.line import NOW, open_line

# Small pieces, so that a kill has many places to fall.
SETTINGS = {"commit_records": 10, "part_bytes": 150_000}


def run(home: Path, database_url: str, now: datetime = NOW) -> None:
    with open_line(home, database_url, now=now, **SETTINGS) as gateway:
        for item in plan_waiting(gateway):
            process_parts(gateway, item["batch_id"], item["parts"])
        finish_batches(gateway)
        mark_externally_recorded(gateway)
        prepare_messages(gateway)
        deliver_messages(gateway)


if __name__ == "__main__":
    commits: list[None] = []
    hook_commits(lambda: commits.append(None))
    if sys.argv[3:]:
        hook_commits(die_after(int(sys.argv[3]), float(sys.argv[4])))
    run(Path(sys.argv[1]), sys.argv[2])
    print(len(commits))

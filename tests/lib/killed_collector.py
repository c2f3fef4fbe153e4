"""A child process that runs a collector and dies of it:
``python -m tests.lib.killed_collector HOME DATABASE MINUTES COMMITS SECONDS``. Its clock is so many
minutes on; it dies so much processor time after so many commits."""

import sys
from datetime import timedelta
from pathlib import Path

from gateway.pipeline.collect import run_collector
from tests.lib.dying import die_after, hook_commits
from tests.lib.line import NOW, open_line

NAME = "drop"


def main() -> None:
    home, database, minutes, commits, seconds = sys.argv[1:]
    now = NOW + timedelta(minutes=int(minutes))
    with open_line(Path(home), database, now=now) as gateway:
        hook_commits(die_after(int(commits), float(seconds)))
        run_collector(gateway, NAME)


if __name__ == "__main__":
    main()

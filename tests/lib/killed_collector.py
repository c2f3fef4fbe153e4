"""A child process that runs a collector, to be killed:
``python -m tests.lib.killed_collector HOME MINUTES DATABASE``. Its clock is so many minutes on; it
prints a line for each batch that is in the store."""

import logging
import sys
from datetime import timedelta
from pathlib import Path

from gateway.pipeline.collect import run_collector
from tests.lib.line import NOW, open_line

NAME = "drop"


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(name)s")
    now = NOW + timedelta(minutes=int(sys.argv[2]))
    with open_line(Path(sys.argv[1]), sys.argv[3], now=now) as gateway:
        run_collector(gateway, NAME)


if __name__ == "__main__":
    main()

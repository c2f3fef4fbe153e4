"""What is measured of a piece of work, and running each piece in a process of its own, so that its
peak memory is its own."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

# Of every feed that is generated to be measured on.
SEED = 20261122


class Measured(msgspec.Struct, frozen=True):
    """``seconds`` and ``cpu`` are those of the timed stretches only, ``peak_mib`` is that of the
    whole process. ``server_cpu`` is the database server's, 0 where there is none."""

    events: int
    seconds: float
    cpu: float
    peak_mib: float
    server_cpu: float = 0.0

    @property
    def rate(self) -> float:
        return self.events / self.seconds


class Job(msgspec.Struct, frozen=True):
    """One piece of work for a child: its name in ``tests.benchmarks.child``, the feed and its
    format, a database address and a folder of its own."""

    name: str
    feed: str
    format: str
    url: str
    home: str
    limit: int = 0


class Stopwatch:
    """Adds up wall and CPU seconds over the stretches it runs."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.cpu = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds += time.perf_counter() - wall
        self.cpu += time.process_time() - cpu

    def read(self, events: int) -> Measured:
        return Measured(events, self.seconds, self.cpu, read_peak_memory())


def read_peak_memory(process: int | str = "self") -> float:
    """MiB. From the kernel's high-water mark, which starts anew with a program; ``ru_maxrss`` is
    inherited from the parent on Linux."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"no VmHWM in /proc/{process}/status")


def run_child(job: Job) -> Measured:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.child"],
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Measured)


def take_median(rounds: Sequence[Measured]) -> Measured:
    """Of each quantity on its own."""
    fields = [name for name in Measured.__struct_fields__ if name != "events"]
    medians = {name: statistics.median(getattr(one, name) for one in rounds) for name in fields}
    return Measured(events=rounds[0].events, **medians)


def describe_machine(postgresql: str) -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = Path("/proc/meminfo").read_text().split()[1]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {model}, {len(os.sched_getaffinity(0))} CPUs, "
        f"{int(memory) // 2**20} GiB, Python {platform.python_version()}, PostgreSQL {postgresql}"
    )

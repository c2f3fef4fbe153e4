"""``python -m tests.benchmarks.creates``: single creates over kept connections, as vendors' systems
send them; beside the barest server that could take them.

The two servers take turns on the same PostgreSQL; printed are the medians of the rounds. Fails
where an answer was not as it must be, or a database does not hold exactly what was created.
"""

import argparse
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence

import msgspec

from gateway.generator import write_feed
from tests.benchmarks.create_load import Load, Loaded
from tests.benchmarks.create_servers import BARE, GATEWAY, Served, count_created, open_servers
from tests.benchmarks.databases import Databases, open_databases, read_process_cpu
from tests.benchmarks.measuring import SEED, describe_machine, read_peak_memory

NAME = "single creates"
KEYED = f"{GATEWAY}, Idempotency-Key"
# Label → the server, and whether each request has an Idempotency-Key.
VARIANTS = {BARE: (BARE, False), GATEWAY: (GATEWAY, False), KEYED: (GATEWAY, True)}
GOAL = 1 / 3


class Terms(msgspec.Struct, frozen=True):
    """``requests`` of each run, after ``warm_up`` of each server."""

    requests: int = 400
    warm_up: int = 500
    rounds: int = 3
    connections: tuple[int, ...] = (1, 8, 32)


class Run(msgspec.Struct, frozen=True):
    """Latencies in ms; ``cpu`` and ``database_cpu`` in ms a request."""

    rate: float
    p50: float
    p95: float
    p99: float
    errors: int
    cpu: float
    database_cpu: float


# By variant and connections.
Runs = dict[tuple[str, int], list[Run]]


class Result(msgspec.Struct, frozen=True):
    """``peaks``: MiB, by server."""

    runs: Runs
    peaks: dict[str, float]


class Bench:
    """The servers and the events that are still to be sent."""

    def __init__(self, databases: Databases, servers: dict[str, Served], terms: Terms) -> None:
        self._databases = databases
        self._servers = servers
        self._terms = terms
        self._feed = databases.folder / "creates.ndjson"
        self._next = 0
        runs = terms.rounds * len(terms.connections) * 2
        with self._feed.open("wb") as stream:
            events = terms.warm_up + runs * terms.requests
            write_feed(stream, events=events, format="fhir-5", seed=SEED)

    def measure(self) -> Result:
        created = dict.fromkeys(self._servers, self._terms.warm_up)
        self._warm_up()
        runs: Runs = {(name, n): [] for n in self._terms.connections for name in VARIANTS}
        for number in range(1, self._terms.rounds + 1):
            for (label, connections), measured in runs.items():
                _tell(f"round {number}: {label}, {connections} connections")
                measured.append(self._run(label, connections))
                created[VARIANTS[label][0]] += self._terms.requests
        _tell("")
        check_answers(runs)
        for name, served in self._servers.items():
            check_created(name, created[name], found=count_created(served))
        peaks = {name: read_peak_memory(one.pid) for name, one in self._servers.items()}
        return Result(runs, peaks)

    def _warm_up(self) -> None:
        """Connections opened, statements prepared, code lists compiled."""
        for served in self._servers.values():
            run_load(self._make_load(served, self._terms.warm_up, max(self._terms.connections)))
        self._next += self._terms.warm_up

    def _run(self, label: str, connections: int) -> Run:
        name, keyed = VARIANTS[label]
        served, requests = self._servers[name], self._terms.requests
        load = msgspec.structs.replace(self._make_load(served, requests, connections), keyed=keyed)
        if name == GATEWAY:
            self._next += requests
        cpu, database_cpu = read_process_cpu(served.pid), self._databases.read_cpu()
        loaded = run_load(load)
        return Run(
            rate=requests / loaded.seconds,
            p50=loaded.p50,
            p95=loaded.p95,
            p99=loaded.p99,
            errors=loaded.errors,
            cpu=1000 * (read_process_cpu(served.pid) - cpu) / requests,
            database_cpu=1000 * (self._databases.read_cpu() - database_cpu) / requests,
        )

    def _make_load(self, served: Served, requests: int, connections: int) -> Load:
        return Load(
            feed=str(self._feed),
            first=self._next,
            requests=requests,
            connections=connections,
            port=served.port,
            path=served.path,
            answers=served.answers,
            headers=served.headers,
        )


def check_answers(runs: Runs) -> None:
    errors = sum(run.errors for measured in runs.values() for run in measured)
    if errors:
        raise SystemExit(f"{errors} requests were not answered as they must be")


def check_created(name: str, created: int, *, found: int) -> None:
    if found != created:
        raise SystemExit(f"{name}: {created} created, but {found} in the database")


def run_load(load: Load) -> Loaded:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.create_load"],
        input=msgspec.json.encode(load),
        stdout=subprocess.PIPE,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Loaded)


def measure_creates(databases: Databases, terms: Terms) -> Result:
    with open_servers(databases) as servers:
        return Bench(databases, servers, terms).measure()


def make_report(result: Result, terms: Terms) -> Iterator[str]:
    yield f"{NAME}: {terms.requests:,} requests a run, medians of {terms.rounds} interleaved rounds"
    yield ""
    yield (
        "| connections | server | requests/s | p50 ms | p95 ms | p99 ms | errors"
        " | CPU ms/request | PostgreSQL CPU ms/request |"
    )
    yield "|---:|---|---:|---:|---:|---:|---:|---:|---:|"
    for (label, connections), runs in result.runs.items():
        one = take_median_run(runs)
        yield (
            f"| {connections} | {label} | {one.rate:,.0f} | {one.p50:.1f} | {one.p95:.1f}"
            f" | {one.p99:.1f} | {one.errors} | {one.cpu:.2f} | {one.database_cpu:.2f} |"
        )
    yield ""
    yield "peak MiB: " + ", ".join(f"{name} {peak:.0f}" for name, peak in result.peaks.items())
    for label in (GATEWAY, KEYED):
        for connections in terms.connections:
            yield _word_ratio(result.runs, label, connections)


def take_median_run(runs: Sequence[Run]) -> Run:
    """Of each quantity on its own, but of the errors their sum."""
    names = [name for name in Run.__struct_fields__ if name != "errors"]
    medians = {name: statistics.median(getattr(one, name) for one in runs) for name in names}
    return Run(**medians, errors=sum(one.errors for one in runs))


def _word_ratio(runs: Runs, label: str, connections: int) -> str:
    """Of the same round each: what else the machine did then slowed both."""
    pairs = list(zip(runs[label, connections], runs[BARE, connections], strict=True))
    ratio = statistics.median(one.rate / bare.rate for one, bare in pairs)
    used = statistics.median(
        (one.cpu + one.database_cpu) / max(bare.cpu + bare.database_cpu, 1e-9)
        for one, bare in pairs
    )
    met = "met" if ratio >= GOAL else "MISSED"
    return (
        f"{label} ÷ {BARE}, {connections} connections: {ratio:.2f} (goal ≥ {GOAL:.2f}: {met});"
        f" CPU × {used:.1f}"
    )


def _tell(text: str) -> None:
    print(f"\r{text:<70}", end="" if text else "\r", file=sys.stderr, flush=True)


def main() -> None:
    given = Terms()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.creates", description=__doc__)
    parser.add_argument("--requests", type=int, default=given.requests)
    parser.add_argument("--warm-up", type=int, default=given.warm_up)
    parser.add_argument("--rounds", type=int, default=given.rounds)
    parser.add_argument("--connections", type=int, nargs="+", default=given.connections)
    options = parser.parse_args()
    terms = Terms(options.requests, options.warm_up, options.rounds, tuple(options.connections))
    with open_databases() as databases:
        print(describe_machine(databases.version), file=sys.stderr)
        result = measure_creates(databases, terms)
    print("\n".join(make_report(result, terms)))


if __name__ == "__main__":
    main()

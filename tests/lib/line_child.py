"""A child process that works on the line when it is told to:
``python -m tests.lib.line_child HOME URL VERB WORDS...``. It prints "ready", waits for a line on
its standard input, and prints how it ended: "done", or its error and whether that may pass."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import text

from gateway.bootstrap import Gateway
from gateway.pipeline.finish import finish_batches
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.process import process_parts
from gateway.pipeline.receive import receive_feed
from schemas.batch import Batch
from schemas.errors import GatewayError
from schemas.judged import JudgedRecord
from schemas.receipt import Counts
from store.records import Records
from tests.lib.line import open_line

# Small pieces, so that two at once have many places to meet.
SETTINGS = {"commit_records": 10, "part_bytes": 60_000}


def start_child(home: Path, url: str, verb: str, *words: str) -> "subprocess.Popen[str]":
    """A child that is ready to begin."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.lib.line_child", str(home), url, verb, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def tell_to_begin(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None
    child.stdin.write("go\n")
    child.stdin.flush()


def wait_for(child: "subprocess.Popen[str]") -> str:
    """How it ended."""
    told, _ = child.communicate(timeout=300)
    return told.strip()


def _stop_now(_records: int) -> None:
    """Paused between two chunks, as a worker whose machine stalls."""
    os.kill(os.getpid(), signal.SIGSTOP)


def _stop_inside_a_transaction(silent_for: str) -> None:
    """Paused once, with a chunk written and not committed: it holds locks. PostgreSQL ends the
    session of who is silent for so long; from here on, and not wherever else the machine stalls."""
    kept = Records.load

    def load_and_stop(self: Records, batch: Batch, records: Sequence[JudgedRecord]) -> Counts:
        counts = kept(self, batch, records)
        Records.load = kept  # type: ignore[method-assign]
        if self._connection.dialect.name == "postgresql":
            limit = f"SET LOCAL idle_in_transaction_session_timeout = '{silent_for}'"
            self._connection.execute(text(limit))
        os.kill(os.getpid(), signal.SIGSTOP)
        return counts

    Records.load = load_and_stop  # type: ignore[method-assign]


def _work(gateway: Gateway, verb: str, words: list[str]) -> None:
    if verb in ("receive", "ingest"):
        source, file = words
        with Path(file).open("rb") as stream:
            (receive_feed if verb == "receive" else ingest_feed)(
                gateway, source, stream, filename="feed"
            )
    elif verb.startswith("process"):
        batch_id, parts, *silent_for = words
        progress = _stop_now if verb == "process-and-stop" else None
        if verb == "process-and-stop-inside":
            _stop_inside_a_transaction(*silent_for)
        process_parts(gateway, batch_id, json.loads(parts), progress=progress)
    else:
        finish_batches(gateway)
        mark_externally_recorded(gateway)


def run(home: Path, url: str, verb: str, words: list[str]) -> str:
    with open_line(home, url, **SETTINGS) as gateway:
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            _work(gateway, verb, words)
        except GatewayError as error:
            return f"{type(error).__name__} {error.retryable}"
    return "done"


if __name__ == "__main__":
    print(run(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]), flush=True)

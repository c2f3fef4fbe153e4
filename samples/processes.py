"""Long-running processes of a make target: started with their output in a log, each in a session
of its own, and stopped with everything they started."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 10
KILL_SECONDS = 5
_STEP = 0.2

Process = subprocess.Popen[bytes]


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """In a session of its own, Ctrl-C does not reach it: we stop it, and all that it started."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_for_first(processes: Sequence[Process]) -> Process:
    """The first one that ends, of which none should."""
    while True:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(_STEP)


def stop(processes: Sequence[Process]) -> None:
    """Ends the process groups, all at once: politely, then for good. What dies at its work is taken
    up again by the next start."""
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        left = [one for one in processes if _signal_group(one, sign)]
        ends_at = time.monotonic() + seconds
        while left and time.monotonic() < ends_at:
            time.sleep(_STEP)
            left = [one for one in left if _signal_group(one, 0)]


def _signal_group(process: Process, sign: int) -> bool:
    """Whether anything of the group is left to take the signal; 0 only asks."""
    process.poll()  # else the dead parent itself counts as left
    try:
        os.killpg(process.pid, sign)
    except ProcessLookupError:
        return False
    return True

"""``make serve``: Airflow standalone with the DAGs scheduled, on 127.0.0.1, until Ctrl-C.

``LRMS_HOME`` (default ``var/``) holds everything; ``LRMS_SERVE_PORT`` is the port (default 8080).
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from airflow_home import make_environment

READY_SECONDS = 180
STOP_SECONDS = 10
PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def main() -> int:
    home = Path(os.environ.get("LRMS_HOME", "var")).resolve()
    port = int(os.environ.get("LRMS_SERVE_PORT", "8080"))
    environment = make_environment(home, port=port)
    folder = Path(environment["AIRFLOW_HOME"])
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "standalone.log"
    print(f"Starting Airflow (about 20 seconds; log: {log}) ...", flush=True)
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.default_int_handler)
    # In a session of its own, Ctrl-C does not reach it: we stop it, and all that it started.
    with log.open("ab") as output:
        airflow = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        if not _wait_until_healthy(airflow, port):
            print(f"Airflow did not come up: see {log}", file=sys.stderr)
            return 1
        _print_welcome(home, folder, port)
        return airflow.wait()
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
        return 0
    finally:
        _stop(airflow)


def _wait_until_healthy(airflow: "subprocess.Popen[bytes]", port: int) -> bool:
    ends_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends_at and airflow.poll() is None:
        if _is_healthy(port):
            return True
        time.sleep(0.5)
    return False


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5
        ) as answer:
            health = json.load(answer)
    except (OSError, ValueError):
        return False
    return all(health[part]["status"] == "healthy" for part in PARTS)


def _print_welcome(home: Path, folder: Path, port: int) -> None:
    passwords = folder / "simple_auth_manager_passwords.json.generated"
    user, password = next(iter(json.loads(passwords.read_text()).items()))
    print(
        f"""
Airflow     http://127.0.0.1:{port}   user {user}, password {password}
DAGs        load_feeds (every 5 minutes) → mark_externally_recorded → notify_admin_users
Data        {home}
Mail        {home / "mailbox"}, unless LRMS_SMTP_HOST is set

Send a feed from another terminal:
  lrms-gateway receive FILE --source ID      and it is loaded within 5 minutes
Ctrl-C stops everything.
""",
        flush=True,
    )


def _stop(airflow: "subprocess.Popen[bytes]") -> None:
    """Ends the whole process group: politely, then for good. A task that dies with it is taken up
    again by the next start."""
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
        if not _signal_group(airflow, sign):
            return
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at and _signal_group(airflow, 0):
            time.sleep(0.2)


def _signal_group(airflow: "subprocess.Popen[bytes]", sign: int) -> bool:
    """Whether anything of the group is left to take the signal; 0 only asks."""
    airflow.poll()  # else the dead parent itself counts as left
    try:
        os.killpg(airflow.pid, sign)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())

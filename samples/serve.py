"""``make serve``: Airflow standalone with the DAGs scheduled, and the API for vendors, both on
127.0.0.1, until Ctrl-C.

``LRMS_HOME`` (default ``var/``) holds everything; ``LRMS_SERVE_PORT`` is the port of Airflow
(default 8080), ``LRMS_API_PORT`` that of the API (8000). A home without a source of anybody's
becomes a sandbox: the API has fixed keys, so that there is something to try at once.
"""

import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from airflow_home import make_environment
from processes import Process, start, stop, wait_for_first

from gateway.bootstrap import open_gateway
from gateway.config import read_settings
from gateway.sandbox.fixed import FHIR, KEYS
from gateway.sandbox.restore import is_only_sandbox, prepare_sandbox
from schemas.errors import GatewayError

READY_SECONDS = 600
PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
FEED = "samples/fhir/demo/feed.ndjson"


class Part(NamedTuple):
    """What is served, and how we see that it is up."""

    name: str
    command: list[str]
    log: Path
    is_up: Callable[[], bool]


def main() -> int:
    home = Path(os.environ.get("LRMS_HOME", "var")).resolve()
    port, api_port = (
        int(os.environ.get(name, default))
        for name, default in (("LRMS_SERVE_PORT", "8080"), ("LRMS_API_PORT", "8000"))
    )
    os.environ.setdefault("LRMS_PUBLIC_URL", f"http://127.0.0.1:{api_port}")
    try:
        is_sandbox = choose_sandbox()
    except GatewayError as error:
        print(error, file=sys.stderr)
        return 2
    environment = make_environment(home, port=port) | {"LRMS_SANDBOX": str(is_sandbox)}
    parts = (make_airflow(home, port), make_api(home, api_port))
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, signal.default_int_handler)
    running: list[Process] = []
    try:
        return serve(parts, environment, running, lambda: print_welcome(home, port, is_sandbox))
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
        return 0
    finally:
        # A second Ctrl-C must not leave half of it running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop(running)


def choose_sandbox() -> bool:
    """Whether the home is a sandbox's, or becomes one. Settings that say so decide; else no source
    of anybody else may be there."""
    settings = read_settings()
    with open_gateway(settings, actor="serve") as gateway:
        is_told = "sandbox" in settings.model_fields_set
        is_sandbox = settings.sandbox if is_told else is_only_sandbox(gateway)
        if is_sandbox:
            prepare_sandbox(gateway)
    return is_sandbox


def make_airflow(home: Path, port: int) -> Part:
    address = f"http://127.0.0.1:{port}/api/v2/monitor/health"

    def is_up() -> bool:
        health = ask(address)
        return bool(health) and all(health[part]["status"] == "healthy" for part in PARTS)

    command = [sys.executable, "-m", "airflow", "standalone"]
    return Part("Airflow", command, home / "airflow" / "standalone.log", is_up)


def make_api(home: Path, port: int) -> Part:
    program = Path(sys.executable).with_name("lrms-gateway")
    command = [str(program), "serve", "--port", str(port)]
    address = f"http://127.0.0.1:{port}/health"
    return Part("The API", command, home / "api.log", lambda: bool(ask(address)))


def serve(
    parts: tuple[Part, ...],
    environment: Mapping[str, str],
    running: list[Process],
    welcome: Callable[[], None],
) -> int:
    """Until one of them ends; ``running`` holds what was started, whatever happens."""
    print("Starting Airflow and the API (about 20 seconds); their logs:", flush=True)
    for part in parts:
        running.append(start(part.command, environment, part.log))
        print(f"  {part.log}", flush=True)
    for part, process in zip(parts, running, strict=True):
        if not wait_until_up(part, process):
            print(f"{part.name} did not come up: see {part.log}", file=sys.stderr)
            return 1
    welcome()
    ended = parts[running.index(wait_for_first(running))]
    print(f"{ended.name} ended: see {ended.log}", file=sys.stderr)
    return 1


def wait_until_up(part: Part, process: Process) -> bool:
    ends_at = time.monotonic() + READY_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        if part.is_up():
            return True
        time.sleep(0.5)
    return False


def ask(address: str) -> Any:
    """What this machine answers; None where it does not."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own
            return json.load(answer)
    except (OSError, ValueError):
        return None


def print_welcome(home: Path, port: int, is_sandbox: bool) -> None:
    passwords = home / "airflow" / "simple_auth_manager_passwords.json.generated"
    user, password = next(iter(json.loads(passwords.read_text()).items()))
    api = os.environ["LRMS_PUBLIC_URL"]
    print(
        f"""
API         {api}   for vendors: docs/vendors/getting-started.md
Airflow     http://127.0.0.1:{port}   user {user}, password {password}
DAGs        load_feeds (every 5 minutes) → mark_externally_recorded → notify_admin_users
Data        {home}
Mail        {home / "mailbox"}, unless LRMS_SMTP_HOST is set
"""
    )
    if is_sandbox:
        print("Sandbox     its keys, the same everywhere and good nowhere else:")
        for key in KEYS:
            if key.expires_at is None:
                print(f"            {key.source_id:<15} {key.secret}")
    secret = next(key.secret for key in KEYS if key.source_id == FHIR.id) if is_sandbox else "…"
    how = "" if is_sandbox else "        # a key: lrms-gateway key add SOURCE"
    print(
        f"""
Send a feed from another terminal:
  export LRMS_PUSH_KEY={secret}{how}
  .venv/bin/lrms-gateway push {FEED} --base {api} --wait
Ctrl-C stops everything.
""",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())

"""``lrms-gateway`` in a home of its own, for tests that type its commands."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.cli.failure import tell_failure

Done = subprocess.CompletedProcess[bytes]


class CommandLine:
    """The program, in a process for each command."""

    def __init__(self, home: Path) -> None:
        self._environment = {"LRMS_HOME": str(home), "LRMS_DIGEST_HOUR": "0"}

    def __call__(self, *words: str, stdin: bytes = b"") -> Done:
        return subprocess.run(
            [str(Path(sys.executable).with_name("lrms-gateway")), *words],
            input=stdin,
            capture_output=True,
            env=os.environ | self._environment,
            check=False,
        )

    def json(self, *words: str, stdin: bytes = b"") -> Any:
        return json.loads(self(*words, stdin=stdin).stdout)


class CommandLineHere(CommandLine):
    """The same in this process: a process for each command costs a second to start."""

    def __call__(self, *words: str, stdin: bytes = b"") -> Done:
        code, stdout, stderr, _ = run_here(words, self._environment, stdin=stdin)
        return Done(words, code, stdout, stderr)


def run_here(
    words: tuple[str, ...], environment: Mapping[str, str], *, stdin: bytes = b""
) -> tuple[int, bytes, bytes, bytes]:
    """Exit code, what was printed on standard output and on standard error, and both as a terminal
    shows them. Errors are told as ``gateway.cli.app.main`` tells them."""
    done = CliRunner().invoke(app, words, input=stdin, env=environment)
    code, told = done.exit_code, StringIO()
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        with redirect_stderr(told):
            code = int(tell_failure(done.exception))
    last = told.getvalue().encode()
    return code, done.stdout_bytes, done.stderr_bytes + last, done.output_bytes + last

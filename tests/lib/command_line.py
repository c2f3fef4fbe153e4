"""``lrms-gateway`` in a home of its own, for tests that type its commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


class CommandLine:
    def __init__(self, home: Path) -> None:
        self._environment = os.environ | {"LRMS_HOME": str(home), "LRMS_DIGEST_HOUR": "0"}

    def __call__(self, *words: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [str(Path(sys.executable).with_name("lrms-gateway")), *words],
            input=stdin,
            capture_output=True,
            env=self._environment,
            check=False,
        )

    def json(self, *words: str) -> Any:
        return json.loads(self(*words).stdout)

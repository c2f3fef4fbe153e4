"""``python -m tests.golden.update [PART OF A NAME]``: writes the expected results anew.

Read every change before committing it: a golden result that is wrong is a defect.
"""

import sys
import tempfile
from pathlib import Path

from gateway.pipeline.register import add_organisations
from tests.golden.cases import find_cases, run_case, write_json
from tests.lib.line import open_line, read_register


def main(wanted: str = "") -> None:
    with tempfile.TemporaryDirectory() as home, open_line(Path(home)) as gateway:
        add_organisations(gateway, read_register())
        for case in find_cases():
            if wanted not in case.name:
                continue
            result = run_case(gateway, case)
            _write(case.expected, write_json(result.expected))
            if case.events is not None:
                _write(case.events, b"".join(line + b"\n" for line in result.events))


def _write(path: Path, content: bytes) -> None:
    before = path.read_bytes() if path.exists() else b""
    if content != before:
        path.write_bytes(content)
        print("written" if not before else "CHANGED", path)


if __name__ == "__main__":
    main(*sys.argv[1:2])

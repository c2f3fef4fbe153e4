"""The commands of the pages in docs/vendors, those of each typed in their order in one shell
against a sandbox of its own. ``python -m tests.lib.vendor_page`` writes what they print now into
the pages; READ the difference.

A ``bash`` block is typed as it stands; the block right behind it is what it prints, with ``…`` for
any text, in a line of its own for any lines. Without one it prints nothing. A block behind
``<!-- file: NAME -->`` is saved as that file; one behind ``<!-- not typed -->`` is left alone.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tests.lib.ports import hold_port
from tests.lib.tutorial import Shell, make_checkout

FOLDER = Path("docs/vendors")
PAGES = ("getting-started", "authentication", "sandbox", "conformance")
ADDRESS = "http://127.0.0.1:8000"
NEEDED = ("curl",)
_READY_SECONDS = 180
_BLOCK = re.compile(
    r"(?P<note><!-- (?P<what>file|not typed):? ?(?P<name>\S*) -->\n)?"
    r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$"
    r"(?P<output>\n\n?```(?:text|json|http|csv)\n(?P<shown>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


class Step:
    """A block to be typed, or a file to be saved."""

    def __init__(self, found: re.Match[str]) -> None:
        self.place = found.start()
        self.is_typed = found["kind"] == "bash" and not found["what"]
        self.file = found["name"] if found["what"] == "file" else ""
        self.text = found["text"]
        self.shown = found["shown"] or ""
        self.span = found.span("shown") if found["shown"] is not None else None


def find_steps(page: str) -> list[Step]:
    steps = [Step(found) for found in _BLOCK.finditer(page)]
    return [step for step in steps if step.is_typed or step.file]


@contextmanager
def open_reader(folder: Path) -> Iterator["Reader"]:
    """Somebody who reads the page in a checkout, with ``make serve`` running beside."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    assert not missing, f"the page needs {', '.join(missing)}"
    with serve_sandbox(folder / "var") as address:
        reader = Reader(folder, address)
        try:
            yield reader
        finally:
            reader.close()


class Reader:
    def __init__(self, folder: Path, address: str) -> None:
        self._address = address
        self._shell: Shell = make_checkout(folder)
        # What the reader makes ends with the test.
        self._shell.type(f"export TMPDIR={shlex.quote(str(folder))}")

    def take(self, step: Step) -> str:
        """What is printed, with the address of the page in place of ours."""
        text = step.text.replace(ADDRESS, self._address)
        if step.file:
            here = Path(self._shell.type("pwd").strip())
            (here / step.file).write_text(text, encoding="utf-8")
            return ""
        printed = self._shell.type(text.rstrip("\n"))
        return printed.replace(self._address, ADDRESS)

    def close(self) -> None:
        self._shell.close()


@contextmanager
def serve_sandbox(home: Path) -> Iterator[str]:
    """As the command serves it: a process of its own, at an address of its own."""
    port = hold_port()
    address = f"http://127.0.0.1:{port}"
    program = str(Path(sys.executable).with_name("lrms-gateway"))
    log = home.with_name(f"{home.name}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "serve", "--sandbox", "--port", str(port)],
            env=os.environ | {"LRMS_HOME": str(home), "LRMS_PUBLIC_URL": address},
            stderr=output,
        )
    try:
        _wait_until_up(process, address, log)
        yield address
    finally:
        process.terminate()
        process.wait()


def _wait_until_up(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(requests.RequestException):
            requests.get(f"{address}/health", timeout=60).raise_for_status()
            return
        time.sleep(0.1)
    raise AssertionError(f"the sandbox did not come up: {log.read_text()[-2000:]}")


def rewrite(page: str, reader: Reader) -> str:
    """The page with what its commands print now."""
    written, last = "", 0
    for step in find_steps(page):
        printed = reader.take(step)
        if step.span and "…" not in step.shown:
            start, end = step.span
            text = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
            written, last = written + page[last:start] + text, end
    return written + page[last:]


if __name__ == "__main__":
    for path in [FOLDER / f"{name}.md" for name in sys.argv[1:] or PAGES]:
        with tempfile.TemporaryDirectory() as temporary, open_reader(Path(temporary)) as opened:
            told = rewrite(path.read_text(encoding="utf-8"), opened)
        path.write_text(told, encoding="utf-8")
        sys.stdout.write(f"{path}\n")

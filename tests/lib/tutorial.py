"""The commands of a page, run in their order in one shell. ``python -m tests.lib.tutorial`` writes
what they print now into docs/take-on-a-feed.md; READ the difference.

A block of ``console`` is commands behind ``$`` and what they print; ``…`` stands for any text, in
a line of its own for any lines. Output with one in it is never written anew.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

from tests.lib.command_line import run_here

PAGE = Path("docs/take-on-a-feed.md")
SAMPLES = Path("samples").absolute()
_SHELL_SIGNS = frozenset("|<>;&$*")
_EXPORT = re.compile(r'^declare -x (LRMS_\w+)="(.*)"$', re.MULTILINE)
_BLOCK = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)


class Shell:
    """One shell for the whole page: what it exports and where it goes stays. The gateway's own
    commands run in this process, with the shell's exports: each would take a second to start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        programs = Path(sys.executable).parent
        self._process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
            text=True,
        )

    def run(self, command: str) -> str:
        program, *words = shlex.split(command, comments=True)
        if program != "lrms-gateway" or _SHELL_SIGNS & set(command):
            return self.type(command)
        exported = dict(_EXPORT.findall(self.type("export -p")))
        with chdir(self._folder):
            return run_here(tuple(words), exported)[3].decode()

    def type(self, command: str) -> str:
        """What the shell prints of it, both streams."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{command}\necho '<end>'\n")
        self._process.stdin.flush()
        lines = []
        for line in self._process.stdout:
            if line.endswith("<end>\n"):
                lines.append(line.removesuffix("<end>\n"))
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell ended at {command!r}")

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def cut_into_commands(block: str) -> list[tuple[str, str]]:
    """(command, what the page shows of its output)."""
    found: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line.removeprefix("$ ").rstrip("\n"), ""))
        else:
            command, shown = found.pop()
            found.append((command, shown + line))
    return found


def make_pattern(shown: str) -> str:
    pattern = ""
    for line in shown.splitlines():
        if line.strip() == "…":
            pattern += r"(?:.*\n)*?"
        else:
            pieces = [re.escape(piece) for piece in line.rstrip().split("…")]
            pattern += ".*?".join(pieces) + r"[ ]*\n"
    return pattern


def find_blocks(text: str) -> list[str]:
    return _BLOCK.findall(text)


def make_checkout(folder: Path) -> Shell:
    """A shell where the samples are, as in the checkout; its home is the page's to name."""
    (folder / "samples").symlink_to(SAMPLES)
    return Shell(folder)


def rewrite(text: str, shell: Shell) -> str:
    """The page with what its commands print now."""
    return _BLOCK.sub(lambda block: _rewrite_block(block[0], shell), text)


def _rewrite_block(block: str, shell: Shell) -> str:
    written = ""
    for command, shown in cut_into_commands(block):
        printed = "".join(f"{line.rstrip()}\n" for line in shell.run(command).splitlines())
        written += f"$ {command}\n{shown if '…' in shown else printed}"
    return written


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        open_shell = make_checkout(Path(folder))
        page = rewrite(PAGE.read_text(encoding="utf-8"), open_shell)
        open_shell.close()
    PAGE.write_text(page, encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")

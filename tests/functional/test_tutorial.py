"""The tutorial is true: its commands, run in their order in a home of their own, print what the
page shows.

A block of ``console`` is commands behind ``$`` and what they print; ``…`` stands for any text, in
a line of its own for any lines. A block of ``yaml`` under "finished" is the finished profile.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from samples.makers.take_on import FILE, write_feed

PAGE = Path("docs/take-on-a-feed.md")
TEXT = PAGE.read_text(encoding="utf-8")
SAMPLES = Path("samples").absolute()
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


class Shell:
    """One shell for the whole page: what it exports and where it goes stays."""

    def __init__(self, folder: Path) -> None:
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


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "samples").symlink_to(SAMPLES)
    shell = Shell(folder)
    yield shell
    shell.close()


def test_the_page_has_the_whole_way():
    commands = " ".join(command for block in BLOCKS for command, _ in cut_into_commands(block))
    for step in ("infer", "check", "preview", "coverage", "test"):
        assert f"profile {step}" in commands
    assert "source add" in commands
    assert "lrms-gateway ingest" in commands


def test_every_command_prints_what_the_page_shows(shell):
    for block in BLOCKS:
        for command, shown in cut_into_commands(block):
            printed = shell.run(command)
            assert re.fullmatch(make_pattern(shown), printed), (
                f"$ {command}\n--- the page shows\n{shown}--- it prints\n{printed}"
            )


def test_the_finished_profile_of_the_page_is_the_sample():
    (shown,) = re.findall(r"<!-- finished -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert shown == Path("samples/take-on/profile.yaml").read_text(encoding="utf-8")


def test_the_feed_is_what_its_maker_writes():
    assert FILE.read_bytes() == write_feed()


def test_every_link_of_the_page_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target

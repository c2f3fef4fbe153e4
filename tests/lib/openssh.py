"""The OpenSSH server of the tests: the one that is installed, or Debian's package fetched and
unpacked as an ordinary user. A machine that has neither fails the tests; it does not skip them."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_INSTALLED = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/usr/lib/ssh"))
_ROUNDS = 4


class Program(NamedTuple):
    """``libraries`` are those it was fetched with. Since OpenSSH 9.8 it runs ``helpers``, by
    paths that are compiled in."""

    path: Path
    libraries: str
    helpers: dict[str, Path]

    def make_environment(self) -> dict[str, str]:
        # sshd wants to know by which whole path it was started, and nothing else.
        return {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": self.libraries}


def find_sshd(folder: Path) -> Program:
    """The server's program; fetched ones are unpacked into ``folder``, which the user that runs
    it must be able to read."""
    if installed := shutil.which("sshd", path=_INSTALLED):
        return Program(Path(installed), "", {})
    with _open_cache() as cache:
        _fetch(cache, {"openssh-server"})
        program = _unpack(cache, folder)
        for _ in range(_ROUNDS):
            if not _find_missing(program):
                return program
            _fetch(cache, _find_dependencies(cache))
            program = _unpack(cache, folder)
    raise AssertionError(f"sshd cannot run here: {_find_missing(program)}")


@contextmanager
def _open_cache() -> Iterator[Path]:
    """Packages stay beside the virtual environment; the workers of a run fetch them once."""
    cache = Path(sys.prefix) / "test-packages"
    try:
        cache.mkdir(exist_ok=True)
    except OSError:
        cache = Path(tempfile.gettempdir()) / f"lrms-test-packages-{os.getuid()}"
        cache.mkdir(exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield cache


def _fetch(cache: Path, names: set[str]) -> None:
    """By the machine's own package lists, or where they are missing or too old, by ours."""
    wanted = sorted(name for name in names if not list(cache.glob(f"{name}_*.deb")))
    if wanted and _download(cache, wanted).returncode:
        _use_own_lists(cache)
        done = _download(cache, wanted)
        assert done.returncode == 0, done.stderr


def _download(cache: Path, names: list[str]) -> subprocess.CompletedProcess[str]:
    command = ["apt-get", *_options(cache), "-qq", "download", *names]
    return subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)


def _use_own_lists(cache: Path) -> None:
    (cache / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    update = ["apt-get", *_options(cache), "-qq", "update"]
    subprocess.run(update, capture_output=True, check=True)


def _options(cache: Path) -> list[str]:
    (cache / "apt" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::Cache={cache / 'apt'}"]
    if (cache / "lists").exists():
        options += ["-o", f"Dir::State::lists={cache / 'lists'}"]
    return options


def _find_dependencies(cache: Path) -> set[str]:
    """The libraries that the packages so far ask for, but the C library: another one than the
    machine's would not start."""
    names = [path.name.partition("_")[0] for path in cache.glob("*.deb")]
    command = ["apt-cache", *_options(cache), "depends", "--important", *names]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {line.rpartition(" ")[2] for line in told.splitlines() if "Depends:" in line}
    return {name for name in found if name.startswith("lib") and not name.startswith("libc6")}


def _unpack(cache: Path, folder: Path) -> Program:
    for package in cache.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    helpers = {"SshdSessionPath": "sshd-session", "SshdAuthPath": "sshd-auth"}
    found = {option: folder / "usr/lib/openssh" / name for option, name in helpers.items()}
    libraries = {str(path.parent) for path in folder.rglob("*.so.*")}
    return Program(
        folder / "usr/sbin/sshd",
        os.pathsep.join(sorted(libraries)),
        {option: path for option, path in found.items() if path.exists()},
    )


def _find_missing(program: Program) -> list[str]:
    environment, command = program.make_environment(), ["ldd", program.path]
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return [line.strip() for line in told.stdout.splitlines() if "not found" in line]

"""The files of a watched folder: which are ready, and how one is taken out of its sender's reach.

A file is taken by renaming it (its marker first) into a folder of its own,
``.taken/<collector>/<taking>/``. A rename is done by one of many, so no file is received twice;
what the sender writes next under the same name is another file; and what a killed run left there is
found by the next.
"""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, NamedTuple

from gateway.collectors.far_end import CollectError
from store.disk import sync_folder

DONE: Final = "done"
REFUSED: Final = "refused"
_TAKEN: Final = ".taken"
MARKERS: Final = (".done", ".ctl")
# As programs name what they have not finished writing.
_UNFINISHED: Final = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".writing")
# An empty file without a marker may be a name that is to be filled; so much later it is not.
_EMPTY_SECONDS: Final = 3600.0


class Taking(NamedTuple):
    """One file taken, with its marker where it has one: names within ``folder``."""

    folder: Path
    data: str
    marker: str | None


class Found(NamedTuple):
    name: str
    marker: str | None
    mtime_ns: int


def check_folders(folder: Path, collector_id: str) -> Path:
    """Where files are taken to; the folders beside are made. CollectError where the folder is not
    there, or somebody put a link in the place of one of ours."""
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise CollectError("missing")
        taken = folder / _TAKEN / collector_id
        for path in (folder / DONE, folder / REFUSED, folder / _TAKEN, taken):
            path.mkdir(exist_ok=True)
            if not stat.S_ISDIR(path.lstat().st_mode):
                raise CollectError("denied")
    except FileNotFoundError:
        raise CollectError("missing") from None
    except (PermissionError, FileExistsError):
        raise CollectError("denied") from None
    except OSError:
        raise CollectError("unreachable") from None
    return taken


def find_taken(taken: Path, folder: Path) -> Iterator[Taking]:
    """What a run took and did not finish with, the oldest first; what it had only half taken is
    completed or put back."""
    for place in sorted(taken.iterdir(), key=_age):
        if place.is_symlink() or not place.is_dir():
            continue
        names = sorted(entry.name for entry in place.iterdir())
        markers = [name for name in names if _is_marker(name)]
        marker = markers[0] if markers and len(names) <= 2 else None
        data = [name for name in names if name != marker]
        if len(data) == 1:
            yield Taking(place, data[0], marker)
        elif marker is not None and not data:
            completed = _complete(place, folder, marker)
            if completed is not None:
                yield completed
        elif not names:
            with suppress(OSError):
                place.rmdir()


def find_ready(
    entries: Sequence["os.DirEntry[str]"], *, marker: str, names: str, now: float, seconds: float
) -> Iterator[Found]:
    """The files that are ready, each with its marker. ``marker``: the suffix that says so; empty:
    a file is ready once it has been left alone for ``seconds`` before ``now``."""
    wanted = [one for one in entries if _is_wanted(one.name, names)]
    if marker:
        yield from _find_marked(wanted, entries, marker)
        return
    for entry in wanted:
        found = _stat(entry)
        if found is None or stat.S_ISDIR(found.st_mode):
            continue
        if not stat.S_ISREG(found.st_mode) or is_still(found, now, seconds):
            yield Found(entry.name, None, found.st_mtime_ns)


def is_still(found: os.stat_result, now: float, seconds: float) -> bool:
    """Nobody wrote to it for so long. The time of change counts too: a copy that keeps the time of
    writing sets that at its beginning, and it may lie in the future."""
    newest = max((at for at in (found.st_mtime, found.st_ctime) if at <= now), default=now)
    return now - newest >= (seconds if found.st_size else max(seconds, _EMPTY_SECONDS))


def read_clock(taken: Path) -> float:
    """Now, by the clock that stamps the files: a file server has its own."""
    with tempfile.NamedTemporaryFile(dir=taken, prefix=".clock") as probe:
        probe.write(b"\n")
        probe.flush()
        return os.fstat(probe.fileno()).st_mtime


def take(folder: Path, place: Path, found: Found) -> Taking | None:
    """None where another took it, or it is not there any more."""
    place.mkdir()
    try:
        if found.marker is not None:
            (folder / found.marker).rename(place / found.marker)
        try:
            (folder / found.name).rename(place / found.name)
        except OSError:
            if found.marker is not None:
                put_beside(place / found.marker, folder / found.marker)
            raise
        sync_folder(place)
    except OSError:
        # Gone, or held open by its writer where the file system minds that.
        with suppress(OSError):
            place.rmdir()
        return None
    return Taking(place, found.name, found.marker)


def put_beside(path: Path, target: Path) -> None:
    """Move it there, unless something of that name is there already: then it stays."""
    try:
        # Unlike a rename, a link never takes the place of a file that is there.
        os.link(path, target, follow_symlinks=False)
        path.unlink()
    except (FileExistsError, FileNotFoundError):
        return
    except OSError:
        # A file system without links.
        if not os.path.lexists(target):
            path.rename(target)


def find_data(marker: str, names: Sequence[str]) -> list[str]:
    """The files a marker may stand for: ``X.csv`` for ``X.csv.done``, else all of the stem X for
    ``X.done``, whatever the case."""
    stem = marker[: marker.rindex(".")]
    if stem in names:
        return [stem]
    others = [name for name in names if not _is_marker(name)]
    exact = [name for name in others if name.lower() == stem.lower()]
    return exact or [name for name in others if _get_stem(name).lower() == stem.lower()]


def _find_marked(
    wanted: Sequence["os.DirEntry[str]"], entries: Sequence["os.DirEntry[str]"], marker: str
) -> Iterator[Found]:
    names = [entry.name for entry in wanted if not entry.is_dir(follow_symlinks=False)]
    for entry in entries:
        if not entry.name.lower().endswith(marker) or entry.is_dir(follow_symlinks=False):
            continue
        data = find_data(entry.name, names)
        found = _stat(entry)
        if found is None or not data:
            continue
        yield Found(data[0] if len(data) == 1 else "", entry.name, found.st_mtime_ns)


def _complete(place: Path, folder: Path, marker: str) -> Taking | None:
    with os.scandir(folder) as entries:
        names = [one.name for one in entries if not one.is_dir(follow_symlinks=False)]
    data = find_data(marker, names)
    if len(data) == 1:
        with suppress(OSError):
            (folder / data[0]).rename(place / data[0])
            return Taking(place, data[0], marker)
    put_beside(place / marker, folder / marker)
    return None


def _is_wanted(name: str, names: str) -> bool:
    lowered = name.lower()
    if lowered.startswith(".") or lowered.endswith(_UNFINISHED) or _is_marker(lowered):
        return False
    return fnmatchcase(lowered, names.lower())


def _is_marker(name: str) -> bool:
    return name.lower().endswith(MARKERS)


def _get_stem(name: str) -> str:
    return name[: name.rindex(".")] if "." in name else name


def _stat(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _age(path: Path) -> tuple[int, str]:
    try:
        return path.lstat().st_mtime_ns, path.name
    except OSError:
        return 0, path.name

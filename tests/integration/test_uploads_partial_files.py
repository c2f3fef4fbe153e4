"""Partial files: what was acknowledged is there, once, whatever was cut, killed or sent twice."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas.errors import UnavailableError, UnknownError, WrongUseError
from store.partial_files import BusyError, OffsetError, PartialFiles, TooLongError

ID = "0123456789abcdef0123456789abcdef"
LENGTH = 1_000


@pytest.fixture
def files(tmp_path: Path) -> PartialFiles:
    made = PartialFiles(tmp_path)
    made.create(ID)
    return made


def read(folder: Path) -> bytes:
    return (folder / f"{ID}.part").read_bytes()


def test_bytes_are_added_where_it_stands(files: PartialFiles, tmp_path: Path) -> None:
    assert files.find_offset(ID) == 0
    assert files.append(ID, 0, [b"one ", b"two "], length=LENGTH) == 8
    assert files.append(ID, 8, [b"three"], length=LENGTH) == 13
    assert files.append(ID, 13, [], length=LENGTH) == 13
    assert PartialFiles(tmp_path).find_offset(ID) == 13
    assert read(tmp_path) == b"one two three"


@pytest.mark.parametrize("offset", [0, 2, 4, 10**12])
def test_bytes_for_elsewhere_are_refused(files: PartialFiles, tmp_path: Path, offset: int) -> None:
    files.append(ID, 0, [b"abc"], length=LENGTH)
    with pytest.raises(OffsetError) as refused:
        files.append(ID, offset, [b"x"], length=LENGTH)
    assert refused.value.offset == 3
    assert read(tmp_path) == b"abc"


def test_more_than_its_length_is_refused_whole(files: PartialFiles) -> None:
    with pytest.raises(TooLongError):
        files.append(ID, 0, [b"x" * LENGTH, b"y"], length=LENGTH)
    assert files.find_offset(ID) == 0
    assert files.append(ID, 0, [b"z" * LENGTH], length=LENGTH) == LENGTH
    assert files.get_path(ID, LENGTH).read_bytes() == b"z" * LENGTH


def test_one_that_is_not_whole_is_not_given(files: PartialFiles) -> None:
    files.append(ID, 0, [b"abc"], length=LENGTH)
    with pytest.raises(WrongUseError, match="not whole"):
        files.get_path(ID, LENGTH)


def test_of_many_at_once_one_is_taken(files: PartialFiles, tmp_path: Path) -> None:
    together = Barrier(8)

    def append(number: int) -> int:
        together.wait()
        try:
            files.append(ID, 0, [bytes([number]) * 50_000, bytes([number])], length=10**6)
        except (BusyError, OffsetError):
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(append, range(8))) == 1
    assert len(read(tmp_path)) == 50_001
    assert len(set(read(tmp_path))) == 1


def test_a_lock_shuts_out_everybody(files: PartialFiles) -> None:
    with files.lock(ID), pytest.raises(BusyError):
        files.append(ID, 0, [b"x"], length=LENGTH)
    assert files.append(ID, 0, [b"x"], length=LENGTH) == 1


def test_whoever_waits_for_one_that_is_removed_is_told(
    files: PartialFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, sleep = Event(), time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (waits.set(), sleep(seconds)))

    def wait() -> None:
        with files.lock(ID, seconds=60):
            pass

    with ThreadPoolExecutor(1) as pool:
        with files.lock(ID):
            waiting = pool.submit(wait)
            assert waits.wait(60)
            files.remove(ID)
        assert isinstance(waiting.exception(), UnknownError)
    with pytest.raises(UnknownError):
        files.find_offset(ID)
    files.remove(ID)


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 32, "", f"{ID}\n", "..", ID[:-1]])
def test_what_is_no_id(files: PartialFiles, name: str) -> None:
    for refused in (
        lambda: files.find_offset(name),
        lambda: files.create(name),
        lambda: files.remove(name),
        lambda: files.append(name, 0, [b"x"], length=LENGTH),
    ):
        with pytest.raises(UnknownError):
            refused()


def test_an_id_is_given_once(files: PartialFiles) -> None:
    with pytest.raises(UnavailableError, match="17"):
        files.create(ID)


def test_full_disk_takes_nothing(
    files: PartialFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, calls = os.write, 0

    def fail(descriptor: int, block: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(28, "No space left on device")
        return kept(descriptor, block)

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(UnavailableError, match="28"):
        files.append(ID, 0, [b"lost", b"lost"], length=LENGTH)
    monkeypatch.undo()
    assert files.find_offset(ID) == 0
    assert files.append(ID, 0, [b"whole"], length=LENGTH) == 5
    assert files.get_path(ID, 5).read_bytes() == b"whole"


def test_offset_is_told_only_after_the_disk_has_the_bytes(
    files: PartialFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    sync, write = os.fsync, os.pwrite
    monkeypatch.setattr(os, "fsync", lambda fd: (told.append(_name(fd)), sync(fd))[1])
    monkeypatch.setattr(
        os, "pwrite", lambda fd, line, at: (told.append("line"), write(fd, line, at))[1]
    )
    files.append(ID, 0, [b"abc"], length=LENGTH)
    assert told == [".part", "line", ".offsets"]


def _name(descriptor: int) -> str:
    return Path(f"/proc/self/fd/{descriptor}").readlink().suffix


class Uploading(RuleBasedStateMachine):
    """Against a plain string of bytes. A kill may leave any bytes behind what is safe, and the
    first bytes of a line."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = next(_folders)
        self.files = PartialFiles(self.folder)
        self.files.create(ID)
        self.safe = b""

    @rule(blocks=st.lists(st.binary(max_size=40), max_size=4))
    def append(self, blocks: list[bytes]) -> None:
        sent = b"".join(blocks)
        try:
            assert self.files.append(ID, len(self.safe), blocks, length=LENGTH) == len(
                self.safe + sent
            )
            self.safe += sent
        except TooLongError:
            assert len(self.safe + sent) > LENGTH

    @rule(offset=st.integers(0, LENGTH), block=st.binary(min_size=1, max_size=40))
    def append_elsewhere(self, offset: int, block: bytes) -> None:
        if offset != len(self.safe):
            with pytest.raises(OffsetError):
                self.files.append(ID, offset, [block], length=LENGTH)

    @rule(rest=st.binary(max_size=60), line=st.integers(0, 19))
    def be_killed(self, rest: bytes, line: int) -> None:
        with (self.folder / f"{ID}.part").open("r+b") as part:
            part.seek(len(self.safe))
            part.write(rest[: LENGTH - len(self.safe)])
        with (self.folder / f"{ID}.offsets").open("ab") as lines:
            lines.write((b"%019d\n" % (len(self.safe) + len(rest)))[:line])
        self.files = PartialFiles(self.folder)

    @precondition(lambda self: len(self.safe) == LENGTH)
    @rule()
    def take(self) -> None:
        assert self.files.get_path(ID, LENGTH).read_bytes() == self.safe

    @invariant()
    def stands_where_it_should(self) -> None:
        assert self.files.find_offset(ID) == len(self.safe)
        assert read(self.folder)[: len(self.safe)] == self.safe


_folders: Iterator[Path]


def test_any_order_of_pieces_cuts_and_kills(tmp_path: Path) -> None:
    global _folders  # noqa: PLW0603 - hypothesis makes the machines itself
    _folders = (make_folder(tmp_path, number) for number in range(10**6))
    Uploading.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
    Uploading.TestCase().runTest()


def make_folder(parent: Path, number: int) -> Path:
    folder = parent / f"{number}"
    folder.mkdir()
    return folder

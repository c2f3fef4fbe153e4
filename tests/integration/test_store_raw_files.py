"""Raw files: write-once, whole or not at all."""

import hashlib
import io
import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.batch import Part
from schemas.errors import UnavailableError, UnknownError
from store.raw_files import DamagedError, RawFiles

CONTENT = b"synthetic feed\n" * 200_000


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


SHA256 = sha256(CONTENT)


def list_files(folder: Path) -> list[Path]:
    return [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]


def test_bytes_come_back_from_under_their_hash(tmp_path: Path) -> None:
    files = RawFiles(tmp_path / "raw")
    stored = files.write(io.BytesIO(CONTENT))
    assert (stored.sha256, stored.size) == (SHA256, len(CONTENT))
    assert list_files(tmp_path / "raw") == [Path(SHA256[:2], SHA256[2:4], SHA256)]
    with files.open(SHA256) as stream:
        assert stream.read() == CONTENT
    with files.open_verified(SHA256) as stream:
        assert stream.read() == CONTENT


class InPieces(io.RawIOBase):
    """Gives what it holds in pieces of these sizes, as a connection does."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self._content = io.BytesIO(content)
        self._sizes = iter(sizes)

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, next(self._sizes, size)))


def test_a_stream_that_comes_in_pieces_of_any_size_is_hashed_in_its_order(tmp_path: Path) -> None:
    content = os.urandom(5 << 20)
    stream = InPieces(content, [1 << 20, 3, 1 << 20, 1 << 20, 70_000, 1, 1 << 20])
    stored = RawFiles(tmp_path / "raw").write(stream)
    assert (stored.sha256, stored.size) == (sha256(content), len(content))


def test_file_is_read_only_and_never_written_again(tmp_path: Path) -> None:
    files = RawFiles(tmp_path)
    files.write(io.BytesIO(CONTENT))
    path = tmp_path / SHA256[:2] / SHA256[2:4] / SHA256
    before = path.stat()
    assert stat.S_IMODE(before.st_mode) == 0o444
    files.write(io.BytesIO(CONTENT))
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_same_bytes_at_once(tmp_path: Path) -> None:
    files = RawFiles(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda _: files.write(io.BytesIO(CONTENT)), range(8)))
    assert {one.sha256 for one in stored} == {SHA256}
    assert len(list_files(tmp_path)) == 1


def test_writing_that_stops_half_way_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise ConnectionResetError
            return super().read(size)

    with pytest.raises(UnavailableError):
        RawFiles(tmp_path).write(Breaking(CONTENT))
    assert list_files(tmp_path) == []


def test_full_disk_is_worth_a_retry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(UnavailableError, match="28"):
        RawFiles(tmp_path).write(io.BytesIO(CONTENT))
    monkeypatch.undo()
    assert list_files(tmp_path) == []


def path_of(folder: Path) -> Path:
    return folder / SHA256[:2] / SHA256[2:4] / SHA256


def damage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(CONTENT[:-1] + b"!")


def test_damage_is_found_and_mended_by_the_same_bytes(tmp_path: Path) -> None:
    files = RawFiles(tmp_path)
    files.write(io.BytesIO(CONTENT))
    damage(path_of(tmp_path))
    with pytest.raises(DamagedError), files.open_verified(SHA256):
        pass
    files.write(io.BytesIO(CONTENT))
    with files.open_verified(SHA256) as stream:
        assert stream.read() == CONTENT
    assert list_files(tmp_path) == [path_of(Path())]
    assert stat.S_IMODE(path_of(tmp_path).stat().st_mode) == 0o444


def test_a_part_is_verified_apart_from_the_others(tmp_path: Path) -> None:
    files = RawFiles(tmp_path)
    files.write(io.BytesIO(CONTENT))
    damage(path_of(tmp_path))
    half = len(CONTENT) // 2
    first, last = CONTENT[:half], CONTENT[half:]
    sound = Part(batch_number=1, number=0, start=0, end=half, sha256=sha256(first))
    with files.open_verified(SHA256, sound) as stream:
        assert stream.read(half) == first
    damaged = Part(batch_number=1, number=1, start=half, end=len(CONTENT), sha256=sha256(last))
    with pytest.raises(DamagedError), files.open_verified(SHA256, damaged):
        pass


def test_what_killed_processes_left_is_swept_a_day_later(tmp_path: Path) -> None:
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    for name, hours in (("old", 25), ("under way", 1)):
        (incoming / name).write_bytes(b"half a fee")
        then = time.time() - hours * 3600
        os.utime(incoming / name, (then, then))
    RawFiles(tmp_path).write(io.BytesIO(CONTENT))
    assert [path.name for path in incoming.iterdir()] == ["under way"]


def test_what_is_gone(tmp_path: Path) -> None:
    with pytest.raises(DamagedError):
        RawFiles(tmp_path).open("0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 64, ""])
def test_what_is_no_sha256(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownError):
        RawFiles(tmp_path).open(name)

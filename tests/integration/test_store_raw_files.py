"""Raw files: write-once, whole or not at all."""

import hashlib
import io
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from schemas.errors import UnavailableError, UnknownError
from store.raw_files import DamagedError, RawFiles

CONTENT = b"synthetic feed\n" * 200_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def list_files(folder: Path) -> list[Path]:
    return [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]


def test_bytes_come_back_from_under_their_hash(tmp_path: Path) -> None:
    files = RawFiles(tmp_path / "raw")
    stored = files.write(io.BytesIO(CONTENT))
    assert (stored.sha256, stored.size) == (SHA256, len(CONTENT))
    assert list_files(tmp_path / "raw") == [Path(SHA256[:2], SHA256[2:4], SHA256)]
    with files.open(SHA256) as stream:
        assert stream.read() == CONTENT
    assert files.verify(SHA256) == stored


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


def test_damage_is_found(tmp_path: Path) -> None:
    files = RawFiles(tmp_path)
    files.write(io.BytesIO(CONTENT))
    path = tmp_path / SHA256[:2] / SHA256[2:4] / SHA256
    path.chmod(0o644)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DamagedError):
        files.verify(SHA256)


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", "A" * 64, ""])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownError):
        RawFiles(tmp_path).open(name)

"""A folder at an SFTP server. Its files are taken out of it only once they are received; until then
nothing there is changed."""

import errno
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from fnmatch import fnmatchcase
from typing import Final, TypeVar

import msgspec
import paramiko

from gateway.collectors.far_end import CollectError, Content, Item, ItemError, RefusedError
from gateway.collectors.folder_files import find_data
from gateway.collectors.sftp import SftpSettings
from gateway.collectors.sftp_client import Client, encode_name
from gateway.collectors.sftp_reading import Look, Reading, look_at
from gateway.collectors.sftp_session import CutError, Session
from schemas.collecting import CollectedItem

_T = TypeVar("_T")
_PAGE: Final = 100
_MARKER: Final = ".done"
# As programs name what they have not finished sending.
_UNFINISHED: Final = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".writing")


class RemoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the folder that may be a feed. ``marker``: the name of what says that it is
    ready; ``name`` is empty where it does not say which file is."""

    name: str
    look: Look
    is_plain: bool = True
    marker: str | None = None


class SftpFolder:
    def __init__(
        self,
        session: Session,
        settings: SftpSettings,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session, self._settings = session, settings
        self._monotonic, self._sleep = monotonic, sleep
        self._found: dict[str, RemoteFile] = {}

    def find_pages(self) -> Iterator[Sequence[Item]]:
        """The oldest first: in that order their sender finished them."""
        ready = sorted(self._find_ready(), key=lambda one: (one.look[1], one.name))
        for start in range(0, len(ready), _PAGE):
            page = ready[start : start + _PAGE]
            self._found = {self._join(one.name or one.marker or ""): one for one in page}
            yield [
                Item(
                    remote_id=remote_id,
                    version="{}-{}".format(*one.look),
                    name=one.name or one.marker or "",
                    size=one.look[0] if one.is_plain else None,
                )
                for remote_id, one in self._found.items()
            ]

    def open(self, item: Item) -> AbstractContextManager[Content]:
        return self._open(item)

    @contextmanager
    def _open(self, item: Item) -> Iterator[Content]:
        file = self._found[item.remote_id]
        if not file.name:
            raise RefusedError("ambiguous")
        if "/" in file.name:
            raise RefusedError("bad-name")
        if not file.is_plain:
            # A link may lead out of the folder, or round in it.
            raise RefusedError("not-a-file")
        reading = Reading(self._session, item.remote_id, file.look, monotonic=self._monotonic)
        with closing(reading):
            yield Content(reading, filename=file.name)

    def settle(self, item: Item, known: CollectedItem) -> None:
        file = self._found[item.remote_id]
        if self._settings.after == "leave" or (known.state == "refused" and not file.name):
            return
        try:
            self._twice(lambda client: self._put_away(client, item.remote_id, file, known))
        except (CutError, OSError):
            raise ItemError("settle-failed") from None

    def _find_ready(self) -> list[RemoteFile]:
        first = self._list()
        if self._settings.ready == "done":
            return _find_marked(first)
        found = {one.name: one for one in first if not _is_marker(one.name)}
        if not found:
            return []
        self._sleep(self._settings.still_seconds)
        return [one for one in self._list() if found.get(one.name) == one]

    def _list(self) -> list[RemoteFile]:
        """What is wanted of the folder, and the markers in it."""
        folder = encode_name(self._settings.folder)
        try:
            # Its stub says text alone; it takes both.
            listed = self._twice(lambda client: client.listdir_attr(folder))  # type: ignore[arg-type]
        except CutError as error:
            raise CollectError(error.reason) from None
        except OSError as error:
            reasons = {errno.ENOENT: "missing", errno.EACCES: "denied"}
            raise CollectError(reasons.get(error.errno or 0, "bad-answer")) from None
        return [
            RemoteFile(
                name=one.filename, look=look_at(one), is_plain=_get_kind(one) == stat.S_IFREG
            )
            for one in listed
            if _get_kind(one) != stat.S_IFDIR and self._is_wanted(one.filename)
        ]

    def _is_wanted(self, name: str) -> bool:
        lowered = name.lower()
        if lowered.startswith(".") or lowered.endswith(_UNFINISHED):
            return False
        return _is_marker(name) or fnmatchcase(lowered, self._settings.names.lower())

    def _twice(self, work: Callable[[Client], _T]) -> _T:
        """Once more on another connection where the first broke off."""
        with suppress(CutError), self._session.use() as client:
            return work(client)
        with self._session.use() as client:
            return work(client)

    def _put_away(self, client: Client, path: str, file: RemoteFile, known: CollectedItem) -> None:
        if self._settings.after == "delete":
            # What is refused is deleted by nobody.
            if known.state != "refused":
                self._drop_marker(client, file)
                _delete(client, path, file.look)
            return
        folder = self._settings.refused if known.state == "refused" else self._settings.archive
        self._drop_marker(client, file)
        self._move(client, path, file, self._join(folder), known)

    def _drop_marker(self, client: Client, file: RemoteFile) -> None:
        """Before its file: a marker that is left alone would say that the next file of that name
        is ready, whatever came of it."""
        if file.marker is not None:
            with suppress(FileNotFoundError):
                client.remove(encode_name(self._join(file.marker)))

    def _move(
        self, client: Client, path: str, file: RemoteFile, folder: str, known: CollectedItem
    ) -> None:
        if _find_look(client, path) != file.look:
            return
        with suppress(OSError):
            client.mkdir(encode_name(folder))
        target = _rename(client, path, _name_targets(folder, file.name, known))
        if _find_look(client, target) != file.look:
            # Another file took its name in this moment: it is not received, so it goes back.
            _rename(client, target, (path, self._join(f"{known.id}-{file.name}")))

    def _join(self, name: str) -> str:
        if name.startswith("/"):
            return name
        folder = self._settings.folder.rstrip("/")
        return name if folder == "." else f"{folder}/{name}"


def _find_marked(listed: Sequence[RemoteFile]) -> list[RemoteFile]:
    files = {one.name: one for one in listed}
    names = [name for name in files if not _is_marker(name)]
    found = []
    for name in filter(_is_marker, files):
        data = find_data(name, names)
        if len(data) == 1:
            found.append(msgspec.structs.replace(files[data[0]], marker=name))
        elif data:
            found.append(RemoteFile(name="", look=files[name].look, marker=name))
    return found


def _is_marker(name: str) -> bool:
    return name.lower().endswith(_MARKER)


def _get_kind(attributes: paramiko.SFTPAttributes) -> int:
    # A server need not say what it is; then it is taken for a file, and opening it will tell.
    return stat.S_IFMT(attributes.st_mode) if attributes.st_mode else stat.S_IFREG


def _find_look(client: Client, path: str) -> Look | None:
    try:
        return look_at(client.lstat(encode_name(path)))
    except FileNotFoundError:
        return None


def _delete(client: Client, path: str, look: Look) -> None:
    # What has another look is another file, that is not received yet.
    if _find_look(client, path) == look:
        client.remove(encode_name(path))


def _name_targets(folder: str, name: str, known: CollectedItem) -> tuple[str, str]:
    batch = known.batch_id or known.id
    return f"{folder}/{batch}-{name}", f"{folder}/{batch}-{known.id}-{name}"


def _rename(client: Client, path: str, targets: tuple[str, str]) -> str:
    """The first of the targets that is free; a rename takes the place of no file."""
    first, second = targets
    try:
        client.rename(encode_name(path), encode_name(first))
    except OSError:
        client.rename(encode_name(path), encode_name(second))
        return second
    return first

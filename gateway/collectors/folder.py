"""A watched folder: files that a local system drops there, by marker or once they are left alone.

Received files go to ``done/`` (or are deleted), refused ones to ``refused/`` with a text that says
why.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from pydantic import AfterValidator, Field

from gateway.bootstrap import Gateway
from gateway.collectors import folder_files
from gateway.collectors.checksum import Checksum, ChecksummedStream
from gateway.collectors.control_file import MOST_BYTES, ControlFile, parse_control_file
from gateway.collectors.far_end import CollectError, Content, FarEnd, Item, ItemError, RefusedError
from gateway.collectors.folder_ends import Ends, has_grown
from gateway.collectors.folder_files import Found, Taking
from gateway.collectors.senders import Sender, find_source
from gateway.collectors.settings import KindSettings
from schemas.collecting import CollectedItem, Collector
from store.raw_files import Readable

_PAGE: Final = 100


def _check_absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("an absolute path")
    return path


class FolderSettings(KindSettings):
    """``ready``: ``done`` and ``ctl``: once ``X.done`` or ``X.ctl`` lies beside X; ``still``: once
    nobody wrote to it for ``still_seconds``. ``names``: only files whose names look so, as in
    ``*.csv``. ``senders``: whose a file is by its control file; none: the collector's source's."""

    folder: Annotated[Path, AfterValidator(_check_absolute)]
    ready: Literal["still", "done", "ctl"] = "still"
    still_seconds: float = Field(60, ge=0, le=86_400)
    names: str = Field("*", min_length=1)
    after: Literal["move", "delete"] = "move"
    senders: tuple[Sender, ...] = ()


class _FileContent(Content):
    """The file as it is while it is read; changed by then, it is not whole."""

    def __init__(
        self, stream: Readable, descriptor: int, checksum: Checksum, **rest: object
    ) -> None:
        super().__init__(ChecksummedStream(stream, checksum), **rest)  # type: ignore[arg-type]
        self._descriptor = descriptor
        self._before = os.fstat(descriptor)
        self._checksum = checksum

    def check_whole(self) -> None:
        after = os.fstat(self._descriptor)
        before = self._before
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise ItemError("changed")
        if not self._checksum.fits():
            raise RefusedError("checksum")


class _Folder:
    def __init__(self, gateway: Gateway, collector: Collector, settings: FolderSettings) -> None:
        self._gateway = gateway
        self._collector = collector
        self._settings = settings
        self._folder = settings.folder
        self._taken = folder_files.check_folders(settings.folder, collector.id)
        self._ends = Ends(settings.folder, self._taken, deletes=settings.after == "delete")
        self._takings: dict[str, Taking] = {}

    def find_pages(self) -> Iterator[Sequence[Item]]:
        """What an earlier run left taken first, then what is ready, the oldest first."""
        try:
            yield from self._page(folder_files.find_taken(self._taken, self._folder))
            yield from self._page(self._take_ready())
        except PermissionError:
            raise CollectError("denied") from None
        except OSError:
            raise CollectError("unreachable") from None

    def _page(self, takings: Iterator[Taking | Item]) -> Iterator[list[Item]]:
        while page := [self._make_item(one) for one in islice(takings, _PAGE)]:
            yield page

    def _take_ready(self) -> Iterator[Taking | Item]:
        for found in sorted(self._find_ready(), key=lambda one: (one.mtime_ns, one.name)):
            if not found.name:
                # Left where it is: which file is meant, only its sender knows.
                yield Item(remote_id=f"{found.marker}", version=f"{found.mtime_ns}")
                continue
            taking = folder_files.take(self._folder, self._make_place(), found)
            if taking is not None:
                yield taking

    def _find_ready(self) -> list[Found]:
        now = folder_files.read_clock(self._taken)
        with os.scandir(self._folder) as entries:
            listed = list(entries)
        ready = self._settings.ready
        return list(
            folder_files.find_ready(
                listed,
                marker="" if ready == "still" else f".{ready}",
                names=self._settings.names,
                now=now,
                seconds=self._settings.still_seconds,
            )
        )

    def _make_item(self, one: Taking | Item) -> Item:
        if isinstance(one, Item):
            return one
        item = Item(remote_id=f"{one.folder.name}/{one.data}", name=one.data)
        self._takings[item.remote_id] = one
        return item

    def open(self, item: Item) -> AbstractContextManager[Content]:
        return self._open(item)

    @contextmanager
    def _open(self, item: Item) -> Iterator[Content]:
        taking = self._takings.get(item.remote_id)
        if taking is None:
            raise ItemError("ambiguous")
        control = self._read_control(taking)
        refuse, source_id, headers = None, None, None
        if control is not None:
            headers = msgspec.json.encode(control.fields).decode()
            if not control.is_report:
                source_id, refuse = self._find_source(control)
        descriptor = _open_file(taking.folder / taking.data)
        with os.fdopen(descriptor, "rb", buffering=0) as stream:
            yield _FileContent(
                stream,
                descriptor,
                Checksum(control.get("DataChecksum") if control else None),
                filename=taking.data,
                source_id=source_id,
                headers=headers,
                refuse=refuse,
                note=control is not None and control.is_report,
            )

    def _read_control(self, taking: Taking) -> ControlFile | None:
        if self._settings.ready != "ctl":
            return None
        if taking.marker is None:
            raise RefusedError("bad-control-file")
        try:
            descriptor = _open_file(taking.folder / taking.marker)
        except RefusedError:
            raise RefusedError("bad-control-file") from None
        with os.fdopen(descriptor, "rb") as stream:
            control = parse_control_file(stream.read(MOST_BYTES + 1))
        control.check()
        return control

    def _find_source(self, control: ControlFile) -> tuple[str | None, str | None]:
        refuse = "encrypted" if control.is_encrypted else None
        if not self._settings.senders:
            return None, refuse
        source_id, unknown = find_source(
            self._settings.senders, control.get("From_DTS"), control.get("WorkflowId")
        )
        return source_id, unknown or refuse

    def settle(self, item: Item, known: CollectedItem) -> None:
        taking = self._takings[item.remote_id]
        try:
            if has_grown(taking, known):
                # Its writer had not finished: all of it is another item, of the next run.
                taking.folder.rename(self._make_place())
            else:
                self._ends.put(taking, known)
        except OSError:
            raise ItemError("settle-failed") from None

    def _make_place(self) -> Path:
        return self._taken / self._gateway.random_bytes(8).hex()


def _open_file(path: Path) -> int:
    """A plain file and nothing else: no link is followed, no device waited for."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise ItemError("vanished") from None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO, errno.EOPNOTSUPP}:
            raise RefusedError("not-a-file") from None
        raise ItemError("denied") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RefusedError("not-a-file")
    return descriptor


@contextmanager
def open_folder(
    gateway: Gateway, collector: Collector, settings: FolderSettings
) -> Iterator[FarEnd]:
    yield _Folder(gateway, collector, settings)

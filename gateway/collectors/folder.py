"""A watched folder. STUB of the frame: to be replaced within the hour."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import Content, FarEnd, Item
from gateway.collectors.settings import KindSettings
from schemas.collecting import CollectedItem, Collector


class FolderSettings(KindSettings):
    folder: Path


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_pages(self) -> Iterator[Sequence[Item]]:
        yield [Item(remote_id=path.name, name=path.name) for path in self._folder.iterdir()]

    def open(self, item: Item) -> AbstractContextManager[Content]:
        return self._open(item)

    @contextmanager
    def _open(self, item: Item) -> Iterator[Content]:
        with (self._folder / item.name).open("rb") as stream:
            yield Content(stream, filename=item.name)

    def settle(self, item: Item, known: CollectedItem) -> None:
        (self._folder / item.name).unlink(missing_ok=True)


@contextmanager
def open_folder(
    gateway: Gateway, collector: Collector, settings: FolderSettings
) -> Iterator[FarEnd]:
    yield _Folder(settings.folder)

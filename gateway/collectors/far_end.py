"""What a kind of collector gives the frame: a far end, that lists items, opens one, and is told
what became of it. And the ways in which it may fail."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from schemas.collecting import REASONS, CollectedItem
from schemas.errors import GatewayError
from store.collected import Seen
from store.raw_files import Readable


class CollectError(GatewayError):
    """The far end fails as a whole: the run stops. ``reason``: one of REASONS; nothing else is
    told, as what far ends say may hold anything. ``retry_after``: in how many seconds it wants to
    be asked again, if it says so. Not retryable: when it is due again stands in the store."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(f"{reason}: {REASONS[reason]}")
        self.reason = reason
        self.retry_after = retry_after


class ItemError(CollectError):
    """This item failed, and is tried again in the next run; the others go on."""


class RefusedError(CollectError):
    """This item can be no feed. Where its bytes were all read by then, they are kept."""


class Item(Seen, frozen=True, kw_only=True):
    """An item that is ready. ``cursor``: where the next run is to begin once this item is
    received."""

    cursor: str | None = None


class Content:
    """An opened item. ``refuse``: its bytes are kept, but it is refused for this reason.
    ``note``: it is no feed and nothing of it is kept but its headers. ``source_id``: whose it is,
    if not the collector's own source's. ``headers``: JSON of what came beside the bytes."""

    def __init__(
        self,
        stream: Readable,
        *,
        filename: str,
        source_id: str | None = None,
        headers: str | None = None,
        refuse: str | None = None,
        note: bool = False,
    ) -> None:
        self.stream = stream
        self.filename = filename
        self.source_id = source_id
        self.headers = headers
        self.refuse = refuse
        self.note = note

    def check_whole(self) -> None:
        """Called once all was read. RefusedError (its bytes are kept all the same) or ItemError
        where what came is not what was sent."""


class FarEnd(Protocol):
    def find_pages(self) -> Iterator[Sequence[Item]]:
        """All items that are ready, page by page; asked for the next one once the page is
        collected. CollectError where it cannot be listed."""
        ...

    def open(self, item: Item) -> AbstractContextManager[Content]:
        """ItemError, RefusedError or CollectError; reading the stream may raise them too, and any
        OSError counts as an ItemError."""
        ...

    def settle(self, item: Item, known: CollectedItem) -> None:
        """Tell the far end that the item is received, refused or noted (``known.state``):
        acknowledge, move, delete, or leave it there on purpose. Told twice it must do no harm, and
        nothing where the item is gone already. ItemError where it could not be told."""
        ...

"""Pulls from an API, page by page. Each page is an item, known by its bytes; the cursor moves
behind it once it is received."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import msgspec

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError, Content, Item
from gateway.collectors.http import HttpSettings
from gateway.collectors.http_asking import Answer, AskedError, Asker
from gateway.collectors.http_cursor import (
    complete,
    find_begun,
    go_on,
    make_parameters,
    parse_cursor,
    write_cursor,
)
from gateway.collectors.http_pages import Said, read_said
from schemas.collecting import CollectedItem, Collector

# Up to this size it is looked whether JSON holds any record at all.
_SMALL: Final = 64 * 1024
# So often the same page may come in one run, behind different addresses.
_MOST_REPEATS: Final = 3
_LOST: Final = frozenset({400, 404, 410, 422})
_ENDINGS: Final = {"ndjson": ".ndjson", "json": ".json", "xml": ".xml", "csv": ".csv"}
_EMPTY: Final = "empty"


class _Page(msgspec.Struct, frozen=True):
    answer: Answer
    said: Said


class HttpPull:
    def __init__(
        self, gateway: Gateway, collector: Collector, settings: HttpSettings, asker: Asker
    ) -> None:
        self._gateway, self._settings, self._asker = gateway, settings, asker
        self._collector_id = collector.id
        self._cursor = parse_cursor(collector.cursor)
        self._mark: str | None = None
        self._seen: dict[str, int] = {}
        self._opened: dict[str, tuple[BinaryIO, str]] = {}

    def find_pages(self) -> Iterator[Sequence[Item]]:
        """An item a page. Nothing where the API says that there is nothing new (304)."""
        address, is_resumed = self._find_start()
        for number in range(1, self._settings.max_pages + 1):
            with self._gateway.partial.open_spool() as spool:
                try:
                    page = self._ask(address, spool)
                except AskedError as error:
                    if not is_resumed or error.status not in _LOST:
                        raise
                    # The page where the last run stopped is not kept any longer.
                    self._cursor = msgspec.structs.replace(self._cursor, next=None, begun=None)
                    address, is_resumed = self._make_address(), False
                    page = self._ask(address, spool)
                if page.answer.status == 304:
                    return
                yield [self._make_item(page, spool, number)]
            is_resumed = False
            if page.said.following is None:
                return
            address = page.said.following

    def open(self, item: Item) -> AbstractContextManager[Content]:
        return self._open(item)

    @contextmanager
    def _open(self, item: Item) -> Iterator[Content]:
        spool, filename = self._opened[item.version]
        spool.seek(0)
        yield Content(spool, filename=filename, note=item.remote_id == _EMPTY)

    def settle(self, item: Item, known: CollectedItem) -> None:
        """An API is told nothing: what is received is known by where the next run begins."""

    def _find_start(self) -> tuple[str, bool]:
        following = self._cursor.next
        if following is None:
            return self._make_address(), False
        return urljoin(self._settings.url, following), True

    def _make_address(self) -> str:
        parts = urlsplit(self._settings.url)
        own = {**self._settings.query, **make_parameters(self._settings, self._cursor)}
        kept = [one for one in parse_qsl(parts.query, keep_blank_values=True) if one[0] not in own]
        added = [
            (name, one)
            for name, value in own.items()
            for one in ([value] if isinstance(value, str) else value)
        ]
        return parts._replace(query=urlencode([*kept, *added])).geturl()

    def _ask(self, address: str, spool: BinaryIO) -> _Page:
        # Of the first page it says nothing about those behind it.
        etag = None if self._settings.pages else self._cursor.etag
        answer = self._asker.ask(address, spool, etag=etag)
        if answer.status == 304:
            return _Page(answer, Said())
        said = self._read_said(answer, spool)
        self._check_repeats(answer, said)
        return _Page(answer, said)

    def _read_said(self, answer: Answer, spool: BinaryIO) -> Said:
        if not answer.size:
            return Said(is_empty=True)
        body = self._read_body(answer, spool)
        return read_said(self._settings, answer.address, answer.headers, body)

    def _read_body(self, answer: Answer, spool: BinaryIO) -> bytes | None:
        if not (self._settings.reads_json or (answer.size <= _SMALL and _is_json(answer.headers))):
            return None
        spool.seek(0)
        return spool.read()

    def _check_repeats(self, answer: Answer, said: Said) -> None:
        """CollectError where the API leads round in a circle."""
        following = said.following
        if following is None:
            return
        if following == answer.address:
            raise CollectError("bad-answer")
        count = self._seen[answer.sha256] = self._seen.get(answer.sha256, 0) + 1
        if count > _MOST_REPEATS:
            raise CollectError("bad-answer")

    def _make_item(self, page: _Page, spool: BinaryIO, number: int) -> Item:
        answer, said = page.answer, page.said
        begun = self._cursor.begun or find_begun(answer.dated, self._gateway.now())
        self._mark = said.mark or self._mark
        if said.following is not None:
            self._cursor = go_on(self._cursor, _make_relative(said.following), begun)
        else:
            etag = answer.headers.get("ETag")
            self._cursor = complete(self._cursor, begun, mark=self._mark, etag=etag)
        name = f"{self._collector_id}-{begun:%Y%m%dT%H%M%SZ}-{number}{_find_ending(answer.headers)}"
        self._opened = {"" if said.is_empty else answer.sha256: (spool, name)}
        cursor = write_cursor(self._cursor)
        if said.is_empty:
            # One item for all of them: that nothing was there is no history.
            return Item(remote_id=_EMPTY, name=_EMPTY, cursor=cursor)
        return Item(
            remote_id=urlsplit(answer.address).path,
            version=answer.sha256,
            name=name,
            size=answer.size,
            cursor=cursor,
        )


def _is_json(headers: Mapping[str, str]) -> bool:
    return headers.get("Content-Type", "").partition(";")[0].strip().lower().endswith("json")


def _find_ending(headers: Mapping[str, str]) -> str:
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return next((ending for name, ending in _ENDINGS.items() if kind.endswith(name)), "")


def _make_relative(address: str) -> str:
    return urlsplit(address)._replace(scheme="", netloc="").geturl()

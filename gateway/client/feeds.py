"""Feeds: files of many records, sent whole, followed until they are finished, and corrected."""

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.parse import quote, urlsplit

import requests

from gateway.client.bodies import check_kind, read_as, read_json
from gateway.client.calls import Answer, Call, Stretch
from gateway.client.errors import BadAnswerError, ClientError, NotFinishedError
from gateway.client.feed_answers import Feed, Record, read_corrected
from gateway.client.paging import read_pages
from gateway.client.sending import Sender
from gateway.client.silence import make_unreachable
from gateway.client.uploads import Upload

FEEDS = "/feeds"
ReceiptForm = Literal["json", "csv", "ndjson", "fhir"]
_RECEIPT_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "ndjson": "application/fhir+ndjson",
    "fhir": "application/fhir+json",
}
_BLOCK_BYTES = 64 * 1024
# Where the gateway does not say when to ask again; and however soon or late it says.
_POLL_SECONDS, _SOONEST, _LATEST = 2.0, 0.2, 60.0


class FeedCalls:
    """The calls about feeds."""

    _sender: Sender
    _chunk_bytes: int
    _upload_over_bytes: int

    def send_feed(
        self,
        feed: str | Path | BinaryIO,
        *,
        filename: str | None = None,
        dry_run: bool = False,
        upload_id: str | None = None,
    ) -> Feed:
        """Sends a feed: a path, or a stream that can be wound, from where it stands. One of more
        than 100 MB goes in pieces that survive a cut of the line; ``upload_id`` (of an
        UploadCutError) goes on with one that broke off. The same bytes sent again are the same
        feed. ``dry_run``: say what loading it would do, and load nothing until ``promote``."""
        if isinstance(feed, str | Path):
            with Path(feed).open("rb") as stream:
                name = filename or Path(feed).name
                return self._send_stream(stream, name, dry_run=dry_run, upload_id=upload_id)
        return self._send_stream(feed, filename or "", dry_run=dry_run, upload_id=upload_id)

    def _send_stream(
        self, stream: BinaryIO, name: str, *, dry_run: bool, upload_id: str | None
    ) -> Feed:
        length = _measure(stream)
        if upload_id is not None or length > self._upload_over_bytes:
            upload = Upload(self._sender, stream, length, chunk_bytes=self._chunk_bytes)
            answer = upload.run(filename=name, dry_run=dry_run, upload_id=upload_id)
            return self._find_uploaded(_read_feed_id(answer), name, dry_run=dry_run)
        query = {"filename": name, "dry-run": "true" if dry_run else ""}
        call = Call(
            "POST",
            FEEDS,
            query={key: value for key, value in query.items() if value},
            headers={"Content-Type": "application/octet-stream"},
            body=Stretch(stream, stream.tell(), length).rewind,
        )
        answer = self._sender.send(call)
        return _read_feed(answer)

    def _find_uploaded(self, feed_id: str, name: str, *, dry_run: bool) -> Feed:
        # It has arrived, whether or not it can be looked at: that needs another scope.
        try:
            return self.feed(feed_id)
        except ClientError:
            state = "waiting" if dry_run else "received"
            return Feed(id=feed_id, state=state, dry_run=dry_run, filename=name)

    def feed(self, feed_id: str) -> Feed:
        """How the feed stands now."""
        return _read_feed(self._sender.send(Call("GET", _path_of(feed_id))))

    def wait_for(self, feed_id: str, *, timeout: float = 3600) -> Feed:
        """Waits until the feed is finished, held or (a dry run) checked, asking as often as the
        gateway says. NotFinishedError after ``timeout`` seconds."""
        clock = self._sender.clock
        end = clock.now() + timeout
        while True:
            answer = self._sender.send(Call("GET", _path_of(feed_id)))
            feed = _read_feed(answer)
            if answer.response.status_code != 202:
                return feed
            asked = answer.told.retry_after
            pause = min(max(_POLL_SECONDS if asked is None else asked, _SOONEST), _LATEST)
            if clock.now() + pause > end:
                raise NotFinishedError(f"the feed is {feed.state} still", answer.told, feed_id)
            clock.sleep(pause)

    def receipt(self, feed_id: str, form: ReceiptForm = "json") -> Generator[bytes]:
        """The receipt of a finished feed in pieces, as it comes: JSON, CSV for a spreadsheet,
        NDJSON of OperationOutcomes, or a FHIR batch-response; in feed order.
        NotFinishedError before that."""
        headers = {"Accept": _RECEIPT_TYPES[form]}
        path = f"{_path_of(feed_id)}/receipt"
        answer = self._sender.send(
            Call("GET", path, {"format": form}, headers=headers, is_streamed=True)
        )
        with answer.response as response:
            if response.status_code == 202:
                raise NotFinishedError("there is no receipt yet", answer.told, feed_id)
            check_kind(response, _RECEIPT_TYPES[form], answer.told)
            try:
                yield from response.iter_content(_BLOCK_BYTES)
            except requests.RequestException as error:
                raise make_unreachable(error, answer.told) from None

    def promote(self, feed_id: str) -> Feed:
        """Makes a dry run a real run, without sending it again."""
        return _read_feed(self._sender.send(Call("POST", f"{_path_of(feed_id)}/promote")))

    def feeds(
        self,
        *,
        state: str | None = None,
        verdict: str | None = None,
        route: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 100,
    ) -> Iterator[Feed]:
        """Your feeds, the newest first, as many pages as you take; single events that were sent
        are among them. ``since`` and ``until`` are of arrival."""
        query = _make_query(
            state=state, verdict=verdict, route=route, since=since, until=until, limit=page_size
        )
        return read_pages(self._sender, FEEDS, query, "feeds", Feed)

    def rejected(
        self,
        *,
        feed_id: str | None = None,
        code: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        corrected: bool | None = None,
        page_size: int = 100,
    ) -> Iterator[Record]:
        """Your rejected records, with what is wrong. ``corrected``: only those that were, or were
        not, corrected since."""
        query = _make_query(
            feed=feed_id, code=code, since=since, until=until, corrected=corrected, limit=page_size
        )
        return read_pages(self._sender, "/rejected", query, "records", Record)

    def record(self, feed_id: str, number: int) -> Record:
        """One record of a feed, with its findings."""
        answer = self._sender.send(Call("GET", _record_path(feed_id, number)))
        return read_as(Record, read_json(answer.response, answer.told), answer.told)

    def content(self, feed_id: str, number: int) -> bytes:
        """One record as you sent it."""
        return self._sender.send(
            Call("GET", f"{_record_path(feed_id, number)}/content")
        ).response.content

    def correct(self, feed_id: str, number: int, body: bytes) -> Record:
        """Sends the corrected record in the place of a rejected one: whole, in the format of the
        feed (CSV: with its header). The answer is the new record, loaded; RejectedError where it
        is not right yet, ConflictError where there is nothing to correct any more. What was sent
        first is kept, and the two are linked."""
        headers = {"Content-Type": "application/octet-stream"}
        call = Call("PUT", _record_path(feed_id, number), headers=headers, body=body)
        return read_corrected(self._sender.send(call))


def _measure(stream: BinaryIO) -> int:
    """The bytes from where the stream stands to its end."""
    if not stream.seekable():
        raise ValueError("the feed must be a file, or a stream that can be wound back")
    start = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(start)
    return end - start


def _make_query(**given: object) -> dict[str, str]:
    return {name: _word(value) for name, value in given.items() if value is not None}


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.isoformat()
    return str(value)


def _path_of(feed_id: str) -> str:
    if not feed_id:
        raise ValueError("a feed's id is needed")
    return f"{FEEDS}/{quote(feed_id, safe='')}"


def _record_path(feed_id: str, number: int) -> str:
    return f"{_path_of(feed_id)}/records/{number}"


def _read_feed(answer: Answer) -> Feed:
    return read_as(Feed, read_json(answer.response, answer.told), answer.told)


def _read_feed_id(answer: Answer) -> str:
    feed_id = urlsplit(answer.response.headers["Content-Location"]).path.rpartition("/")[2]
    if not feed_id:
        raise BadAnswerError("a feed without an id", answer.told)
    return feed_id

"""Edit a record that was not loaded, and send it again in its place: an operator's correction, on
the same way as a vendor's. The original stays; what differs, who did it and why is kept with it."""

import csv
import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import msgspec

from gateway.adapters.broken import BrokenFeed, tell_nobody
from gateway.adapters.csv_columns import find_columns
from gateway.adapters.csv_encoding import find_encoding
from gateway.adapters.csv_rows import open_rows
from gateway.bootstrap import Gateway
from gateway.pipeline.correct import CorrectionRefusedError, Note, correct_record
from gateway.pipeline.feeds import make_feed_terms
from gateway.pipeline.process import open_part
from gateway.pipeline.read import FeedReading
from gateway.pipeline.read_again import find_record
from gateway.pipeline.unpack import open_contents
from schemas.batch import Batch
from schemas.errors import UnknownError, WrongUseError
from schemas.record import SourceRecord
from schemas.values import storable
from store.raw_files import DamagedError, RawFiles

log = logging.getLogger(__name__)


class Change(msgspec.Struct, frozen=True):
    """One field that differs; None where it is not there. Content: for the store alone."""

    field: str
    before: str | None
    after: str | None


def edit_record(
    gateway: Gateway, batch_id: str, number: int, corrected: BinaryIO, *, reason: str
) -> Batch:
    """The finished batch of the correction, whatever became of it: one record, whole, in the
    format of the feed. Errors as :func:`gateway.pipeline.correct.correct_record`."""
    told = storable(reason.strip())
    if not told:
        raise WrongUseError("an edit needs a reason: whoever reads of it will ask")
    with gateway.store.read() as work:
        batch = work.batches.get(batch_id)
    changes = list_changes(_find_content(gateway, batch, number), _read(gateway, batch, corrected))
    diff = storable(msgspec.json.encode(changes).decode())
    corrected.seek(0)
    done = correct_record(
        gateway, batch.source_id, batch_id, number, corrected, note=Note(told, diff)
    )
    log.info("batch %s record %d edited: %d fields differ", batch_id, number, len(changes))
    return done


def write_row(gateway: Gateway, batch: Batch, number: int, fields: Mapping[str, str]) -> bytes:
    """The record of a CSV feed with these cells in the place of its own, under its own header.
    WrongUseError where it is no such record, or has no such column."""
    record = find_record(gateway, batch, number)
    content: Any = record.content if record is not None else None
    if batch.shape != "csv" or not _is_row(content):
        raise WrongUseError(
            f"record {number} of {batch.id} is no single row of CSV that can be read: correct it"
            " in a file (--file)"
        )
    header = _read_header(gateway, batch, number)
    if unknown := sorted(set(fields) - set(header)):
        raise WrongUseError(f"the feed has no column {', '.join(unknown)}")
    cells: dict[str, str] = {**content, **fields}
    out = io.StringIO()
    csv.writer(out).writerows([header, [cells.get(name, "") for name in header]])
    return out.getvalue().encode()


def list_changes(before: Any, after: Any) -> list[Change]:
    """The fields that differ, by their paths."""
    old, new = dict(_walk(before)), dict(_walk(after))
    paths = dict.fromkeys([*old, *new])
    return [
        Change(path, old.get(path), new.get(path))
        for path in paths
        if old.get(path) != new.get(path)
    ]


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _walk(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _walk(inner, f"{path}/{place}")
    elif value is not None:
        yield path, value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _is_row(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(cell, str) for cell in content.values())


def _find_content(gateway: Gateway, batch: Batch, number: int) -> Any:
    """None where the original cannot be read: then all of the correction is what differs."""
    try:
        record = find_record(gateway, batch, number)
    except DamagedError:
        return None
    return None if record is None else record.content


def _read(gateway: Gateway, batch: Batch, corrected: BinaryIO) -> Any:
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    with TemporaryDirectory(prefix="lrms-edit-") as folder:
        feed = open_contents(terms, corrected, RawFiles(Path(folder)))
        records: list[SourceRecord] = list(FeedReading(feed)) if feed.contents else []
    if len(records) != 1:
        raise CorrectionRefusedError(
            f"a correction is one record, whole, in the format of the feed; found {len(records)}"
        )
    return records[0].content


def _read_header(gateway: Gateway, batch: Batch, number: int) -> list[str]:
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
        parts = work.parts.find(batch.number)
    own = [part for part in parts if part.first_record <= number][-1]
    # The file begins with it, however many parts it was cut into.
    part = next(one for one in parts if (one.content, one.member) == (own.content, own.member))
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    columns = find_columns(terms.profile)
    try:
        with open_part(gateway, batch, part, terms) as stream:
            encoding = find_encoding(stream)
            with open_rows(stream, encoding, columns, terms.limits, tell_nobody) as rows:
                return list(rows.names)
    except BrokenFeed:
        raise UnknownError(f"the header of {batch.id} cannot be read") from None

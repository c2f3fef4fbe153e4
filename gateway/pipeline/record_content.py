"""A record as it was sent, read again from the bytes that are kept."""

import csv
import io
from collections.abc import Iterable
from typing import Any, BinaryIO, Final

import msgspec

from gateway.adapters.broken import BrokenFeed, tell_nobody
from gateway.adapters.json_lines import iterate_lines
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import FeedTerms, make_feed_terms
from gateway.pipeline.process import open_part
from gateway.pipeline.read import read_part
from schemas.batch import Batch, Part, Shape
from schemas.errors import UnknownError
from schemas.retention import Pruning

_FHIR: Final = "application/fhir+json"
_JSON: Final = "application/json"
_CSV: Final = "text/csv; charset=utf-8"
_LINES: Final[dict[Shape, str]] = {"fhir-ndjson": _FHIR, "ndjson": _JSON}


class Content(msgspec.Struct, frozen=True):
    content: bytes
    media_type: str


def find_content(gateway: Gateway, batch: Batch, number: int) -> Content:
    """Record ``number`` of a batch: a line of NDJSON and a single request to the byte; a resource
    of FHIR as JSON; a row of CSV with its header; of anything else the fields, as they were read.
    UnknownError where it cannot be told from what is around it."""
    with gateway.store.read() as work:
        body = work.singles.find_body(batch.number)
        if body is not None and number == 1:
            return Content(body, _FHIR)
        _check_kept(batch, work.retention.find_prunings(batch.number))
        parts = work.parts.find(batch.number)
        source = work.sources.get(batch.source_id)
    earlier = [part for part in parts if part.first_record <= number]
    if not earlier:
        raise UnknownError(f"record {number} of {batch.id} was not loaded, so it cannot be shown")
    part = earlier[-1]
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    shape = part.shape or batch.shape
    with open_part(gateway, batch, part, terms) as stream:
        found = _find(stream, shape, part, terms, number) if shape else None
    if found is None:
        raise UnknownError(
            f"record {number} of {batch.id} cannot be told from what is around it: look into the"
            " feed itself, where its locator says"
        )
    return found


def _check_kept(batch: Batch, prunings: Iterable[Pruning]) -> None:
    for one in prunings:
        if one.what == "bytes":
            raise UnknownError(
                f"the bytes of {batch.id} were deleted on {one.at:%Y-%m-%d}, as they had been kept"
                " long enough: what was loaded of them stays"
            )


def _find(
    stream: BinaryIO, shape: Shape, part: Part, terms: FeedTerms, number: int
) -> Content | None:
    if shape in _LINES:
        for line, _, raw, *_ in iterate_lines(stream, part, terms.limits.record_bytes):
            if line == number:
                return None if raw is None else Content(raw, _LINES[shape])
        return None
    try:
        for record in read_part(stream, shape, part, terms, tell_nobody):
            if record.number == number:
                return None if record.content is None else _write(record.content, shape)
    except BrokenFeed:
        return None
    return None


def _write(content: Any, shape: Shape) -> Content:
    if shape == "csv" and all(type(cell) is str for cell in content.values()):
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerows([content.keys(), content.values()])
        return Content(out.getvalue().encode("utf-8", "replace"), _CSV)
    media_type = _FHIR if shape.startswith("fhir") else _JSON
    return Content(msgspec.json.encode(content, enc_hook=str), media_type)

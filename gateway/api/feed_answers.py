"""What the API says of feeds: their status, and receipts in four forms."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any, Final, Literal

from fastapi import Request

from gateway.fhir.bundles import write_batch_response
from gateway.fhir.outcomes import make_outcome_lines
from gateway.receipts.build import ReceiptStream
from gateway.receipts.write import write_csv, write_json
from schemas.batch import Batch
from schemas.receipt import Counts
from schemas.trial import Trial

Json = dict[str, Any]
ReceiptForm = Literal["json", "csv", "ndjson", "fhir"]
MEDIA_TYPES: Final[dict[ReceiptForm, str]] = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/fhir+ndjson",
    "fhir": "application/fhir+json",
}
_PIECE: Final = 64 * 1024
_SAID: Final = {
    "received": "It waits to be loaded.",
    "planned": "It is being loaded.",
    "held": "It waits for a decision, as its receipt says.",
    "finished": "It is loaded, as its receipt says.",
}
_NOTHING: Final = "It is rejected: nothing of it is loaded, as its receipt says."


def show_batch(batch: Batch, counts: Counts | None = None) -> Json:
    """As ``GET /feeds/{id}`` shows it. ``counts``: those so far, while it is being loaded."""
    return {
        "id": batch.id,
        "dry_run": False,
        "state": batch.state,
        "says": _NOTHING if batch.verdict == "rejected" else _SAID[batch.state],
        "verdict": batch.verdict,
        "filename": batch.filename,
        "route": batch.route,
        "size": batch.size,
        "sha256": batch.sha256,
        "profile": batch.profile,
        "profile_version": batch.profile_version,
        "received_at": _instant(batch.received_at),
        "finished_at": _instant(batch.finished_at),
        "counts": _show_counts(counts or batch.counts),
        "links": _link(batch.id),
    }


def show_trial(trial: Trial) -> Json:
    is_failed = trial.state == "checked" and not trial.receipt
    said = {
        "waiting": "It waits to be checked.",
        "checked": "It is checked, as its receipt says; nothing of it is loaded.",
    }[trial.state]
    return {
        "id": trial.id,
        "dry_run": True,
        "state": "failed" if is_failed else trial.state,
        "says": "It could not be checked, by a fault of the gateway." if is_failed else said,
        "verdict": None,
        "filename": trial.filename,
        "route": trial.route,
        "size": trial.size,
        "sha256": trial.sha256,
        "profile": None,
        "profile_version": None,
        "received_at": _instant(trial.received_at),
        "finished_at": _instant(trial.finished_at),
        "counts": None,
        "links": {
            "self": f"/feeds/{trial.id}",
            "receipt": f"/feeds/{trial.id}/receipt",
            "promote": f"/feeds/{trial.id}/promote",
        },
    }


def begin_receipt(
    opened: AbstractContextManager[ReceiptStream], form: ReceiptForm, *, is_fhir: bool, base: str
) -> Iterator[bytes]:
    """The same, with its first piece at hand: what goes wrong until then can be answered, while
    later the connection is all that can be cut."""
    pieces = write_receipt(opened, form, is_fhir=is_fhir, base=base)
    return chain([next(pieces)], pieces)


def write_receipt(
    opened: AbstractContextManager[ReceiptStream], form: ReceiptForm, *, is_fhir: bool, base: str
) -> Iterator[bytes]:
    """The receipt in pieces of some size, in feed order; memory stays flat. ``base``: of the FHIR
    routes."""
    writers: dict[ReceiptForm, Callable[[ReceiptStream], Iterator[bytes]]] = {
        "json": lambda receipt: map(str.encode, write_json(receipt)),
        "csv": lambda receipt: map(str.encode, write_csv(receipt)),
        "ndjson": lambda receipt: make_outcome_lines(
            receipt.records, is_fhir=is_fhir, batch_findings=receipt.head.findings
        ),
        "fhir": lambda receipt: write_batch_response(
            receipt.records,
            batch_id=receipt.head.batch_id,
            base=base,
            is_fhir=is_fhir,
            batch_findings=receipt.head.findings,
        ),
    }
    with opened as receipt:
        piece = bytearray()
        for told in writers[form](receipt):
            piece += told
            if len(piece) >= _PIECE:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)


def link_next(request: Request, **place: str) -> str:
    """The page behind that place. Without scheme and host, as every link here: behind a proxy
    these are not those the caller knows."""
    url = request.url.include_query_params(**place)
    return f"{url.path}?{url.query}"


def _link(feed_id: str) -> Json:
    return {
        "self": f"/feeds/{feed_id}",
        "receipt": f"/feeds/{feed_id}/receipt",
        "rejected": f"/rejected?feed={feed_id}",
    }


def _show_counts(counts: Counts) -> Json:
    return {name: getattr(counts, name) for name in Counts.__struct_fields__}


def _instant(value: Any) -> str | None:
    return None if value is None else value.isoformat(timespec="seconds")

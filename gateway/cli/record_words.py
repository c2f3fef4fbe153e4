"""Records that were not loaded, as the command line shows them."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.pipeline.replay import Replayed
from gateway.receipts.build import word_finding
from schemas.quarantine import UnloadedRecord

Json = dict[str, Any]


def show_record(record: UnloadedRecord) -> Json:
    line = record.line
    return {
        "batch": record.batch.id,
        "number": line.number,
        "source": record.batch.source_id,
        "route": record.batch.route,
        "received_at": record.batch.received_at,
        "locator": line.locator,
        "local_id": line.local_id,
        "disposition": line.disposition,
        "settled": record.is_settled,
        "reference": line.reference,
        "revision": line.revision,
        "findings": [msgspec.to_builtins(word_finding(one)) for one in line.findings],
        "faults": list(record.fault_ids),
        "corrections": [msgspec.to_builtins(one) for one in record.corrections],
        "replays": [msgspec.to_builtins(one) for one in record.replays],
    }


def word_record(record: UnloadedRecord) -> list[str]:
    line = record.line
    return [
        record.batch.id,
        str(line.number),
        record.batch.source_id,
        record.batch.received_at.isoformat(timespec="seconds"),
        line.disposition,
        "settled" if record.is_settled else "open",
        line.local_id or "",
        _list_codes([one.code for one in line.findings], record.fault_ids),
    ]


def show_replayed(done: Sequence[Replayed], *, for_real: bool) -> Json:
    counts = Counter(one.after or "not tried" for one in done)
    return {
        "for_real": for_real,
        "counts": dict(counts),
        "changed": sum(one.is_changed for one in done),
        "records": [msgspec.to_builtins(one) for one in done],
    }


def word_replayed(one: Replayed) -> list[str]:
    told = one.why or _list_codes([finding.code for finding in one.findings])
    is_loaded = one.reference is not None
    return [
        one.batch_id,
        str(one.number),
        one.local_id or "",
        one.before,
        one.after or "not tried",
        f"{one.reference} revision {one.revision}" if is_loaded else "",
        told,
    ]


def _list_codes(codes: Sequence[str], fault_ids: Sequence[str] = ()) -> str:
    return ", ".join([*dict.fromkeys(codes), *fault_ids])

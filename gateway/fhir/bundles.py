"""Bundles: the history of an event, what a search found, and the answer to a batch as a stream.

The Bundle itself is R4 (STU3 has it alike); each resource in it is checked by its own release, as
an event may have been sent as version 5 first and as version 6 later.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from gateway.fhir.models import Json, Release
from gateway.fhir.outcomes import make_batch_outcome, make_record_outcome
from gateway.fhir.sent import check_entry, check_sent, encode_sent, get_release
from schemas.receipt import ReceiptFinding, ReceiptRecord
from schemas.statuses import Disposition

_CREATED: Final = "201 Created"
_OK: Final = "200 OK"
_REFUSED: Final = "422 Unprocessable Entity"
_STATUSES: Final[dict[Disposition, str]] = {
    "created": _CREATED,
    "revised": _OK,
    "unchanged": _OK,
    "rejected": _REFUSED,
    # Ours to load.
    "quarantined": "202 Accepted",
}


def make_history(versions: Sequence[Json], *, base: str, link: str) -> bytes:
    """The revisions of one event, newest first, each an AdverseEvent with ``id``,
    ``meta.versionId`` and ``meta.lastUpdated``. ``base`` is the address of the FHIR routes
    (``…/adverse-event/fhir``), ``link`` the address that was asked for."""
    entries = []
    for version in versions:
        meta, address = version["meta"], f"AdverseEvent/{version['id']}"
        is_first = meta["versionId"] == "1"
        request = {"method": "POST", "url": "AdverseEvent"}
        entry = {
            "fullUrl": f"{base}/{address}",
            "request": request if is_first else {"method": "PUT", "url": address},
            "response": {
                "status": _CREATED if is_first else _OK,
                "etag": f'W/"{meta["versionId"]}"',
                "lastModified": meta["lastUpdated"],
            },
        }
        entries.append(_fill(entry, version, get_release(version)))
    return _make_bundle("history", entries, link)


def make_searchset(events: Sequence[Json], *, base: str, link: str) -> bytes:
    """The AdverseEvents that a search found."""
    found = [(f"{base}/AdverseEvent/{event['id']}", event, get_release(event)) for event in events]
    return make_found_set(found, link=link)


def make_found_set(found: Iterable[tuple[str, Json, Release]], *, link: str) -> bytes:
    """The same for any resources, each with its full address and its release."""
    entries = [
        _fill({"fullUrl": address, "search": {"mode": "match"}}, resource, release)
        for address, resource, release in found
    ]
    return _make_bundle("searchset", entries, link)


def write_batch_response(
    records: Iterable[ReceiptRecord],
    *,
    batch_id: str,
    base: str,
    is_fhir: bool,
    batch_findings: Sequence[ReceiptFinding] = (),
) -> Iterator[bytes]:
    """A receipt as a ``batch-response``, piece by piece: an entry a record, in feed order, and
    after them one for the feed as a whole, where there are findings on it. ``base`` as in
    :func:`make_history`. Memory stays flat whatever the number of records."""
    frame = {"resourceType": "Bundle", "id": batch_id, "type": "batch-response"}
    yield encode_sent(frame, "R4")[:-1]
    # FHIR has no empty lists: the entries begin with the first.
    before, after = b',"entry":[\n', b"}\n"
    for response in _make_responses(records, batch_findings, base=base, is_fhir=is_fhir):
        entry = {"response": response}
        check_entry(entry, "R4")
        yield before + msgspec.json.encode(entry)
        before, after = b",\n", b"]}\n"
    yield after


def _make_responses(
    records: Iterable[ReceiptRecord],
    batch_findings: Sequence[ReceiptFinding],
    *,
    base: str,
    is_fhir: bool,
) -> Iterator[Json]:
    for record in records:
        response: Json = {"status": _STATUSES[record.disposition]}
        if record.reference is not None and record.revision is not None:
            address = f"{base}/AdverseEvent/{record.reference}/_history/{record.revision}"
            response |= {"location": address, "etag": f'W/"{record.revision}"'}
        yield response | {"outcome": make_record_outcome(record, is_fhir=is_fhir)}
    if batch_findings:
        is_broken = any(finding.severity == "error" for finding in batch_findings)
        outcome = make_batch_outcome(batch_findings, is_fhir=is_fhir)
        yield {"status": _REFUSED if is_broken else _OK, "outcome": outcome}


def _fill(entry: Json, resource: Json, release: Release) -> Json:
    check_entry(entry, "R4")
    check_sent(resource, release)
    return entry | {"resource": resource}


def _make_bundle(kind: str, entries: list[Json], link: str) -> bytes:
    """Around entries that were checked."""
    frame: Json = {
        "resourceType": "Bundle",
        "type": kind,
        "total": len(entries),
        "link": [{"relation": "self", "url": link}],
    }
    check_sent(frame, "R4")
    return msgspec.json.encode(frame | {"entry": entries} if entries else frame)

"""Writes receipts: JSON for machines, CSV for spreadsheets, text for people. All stream."""

import csv
import io
from collections.abc import Iterator

import msgspec

from gateway.receipts.build import ReceiptStream
from schemas.receipt import ReceiptFinding, ReceiptRecord
from schemas.values import plain

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
CSV_COLUMNS = (
    "number", "locator", "local_id", "disposition", "reference", "revision",
    "code", "severity", "path", "source_path", "message", "fix",
)  # fmt: skip


def write_json(receipt: ReceiptStream) -> Iterator[str]:
    """The machine form, as docs/receipt.schema.json describes it; one record a line."""
    head = msgspec.to_builtins(receipt.head)
    head.pop("records")
    yield msgspec.json.encode(head).decode()[:-1] + ',"records":['
    separator = "\n"
    for record in receipt.records:
        yield separator + msgspec.json.encode(record).decode()
        separator = ",\n"
    yield "]}\n"


def write_csv(receipt: ReceiptStream) -> Iterator[str]:
    """One line a finding, and one for a record without any. Cells that a spreadsheet would take
    for a formula begin with an apostrophe."""
    yield _line(CSV_COLUMNS)
    for finding in receipt.head.findings:
        yield _line(("", "batch", "", "", "", "", *_finding_cells(finding)))
    for record in receipt.records:
        cells = [_finding_cells(finding) for finding in record.findings] or [("",) * 6]
        for one in cells:
            yield _line((*_record_cells(record), *one))


def _record_cells(record: ReceiptRecord) -> tuple[object, ...]:
    return (
        record.number,
        record.locator,
        record.local_id,
        record.disposition,
        record.reference,
        record.revision,
    )


def _finding_cells(finding: ReceiptFinding) -> tuple[str, ...]:
    return (
        finding.code,
        finding.severity,
        finding.path,
        finding.source_path,
        finding.message,
        finding.fix,
    )


def _line(cells: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if cell is None else _harmless(str(cell)) for cell in cells])
    return out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{plain(cell)}" if cell.startswith(_FORMULA_STARTS) else plain(cell)


def write_text(receipt: ReceiptStream) -> Iterator[str]:
    """The form for people: the head, then every record that needs attention."""
    head = receipt.head
    counts = head.counts
    yield f"Receipt {head.batch_id}   source {head.source}   received {head.received_at}\n"
    yield f"sha256  {head.sha256}\n"
    if head.profile:
        yield f"Profile {plain(f'{head.profile} {head.profile_version}')}\n"
    kept = f", {counts.quarantined} quarantined" if counts.quarantined else ""
    would = " would be loaded so" if head.verdict == "held" else ""
    yield (
        f"Verdict {head.verdict.replace('_', ' ')}: {counts.records} records{would}:"
        f" {counts.created} created, {counts.revised} revised, {counts.unchanged} unchanged,"
        f" {counts.rejected} rejected{kept}\n"
    )
    yield f"Next    {head.next_action}\n"
    for finding in head.findings:
        yield "\nThe feed as a whole\n"
        yield _text_of(finding)
    for record in receipt.records:
        if not record.findings:
            continue
        name = f" id {plain(record.local_id)}" if record.local_id else ""
        told = f" as {record.reference}" if record.reference else ""
        place = plain(record.locator)
        yield f"\nRecord {record.number} ({place}){name}: {record.disposition}{told}\n"
        for finding in record.findings:
            yield _text_of(finding)


def _text_of(finding: ReceiptFinding) -> str:
    where = finding.source_path or finding.path
    place = f" {plain(where)}:" if where else ""
    return (
        f"  {finding.severity:<11} {finding.code}{place} {plain(finding.message)}\n"
        f"              to do: {plain(finding.fix)}\n"
    )


WRITERS = {"json": write_json, "csv": write_csv, "text": write_text}

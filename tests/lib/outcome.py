"""Everything that came of some feeds, as plain data: what is stored, the receipts as they are given
out, the alerts, the mail."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from gateway.bootstrap import Gateway
from gateway.receipts.read import open_receipt
from gateway.receipts.write import write_json
from store import tables
from tests.lib.databases import read_rows
from tests.lib.snapshot import find_differences, read_snapshot

# Of a receipt: when and on which way the bytes came.
_WHEN_AND_HOW = {"received_at", "finished_at", "route"}


def read_outcome(gateway: Gateway, url: str, *, audit: bool = True) -> dict[str, Any]:
    """``audit=False`` where how it came about is another story, as with other chunks."""
    found = read_snapshot(url)
    if not audit:
        del found["audit"]
    with gateway.store.read() as work:
        ids = [batch.id for batch in work.batches.find_all()]
    found["receipts"] = Counter()
    for batch_id in ids:
        with open_receipt(gateway, batch_id) as receipt:
            told = json.loads("".join(write_json(receipt)))
        found["receipts"][
            json.dumps({name: told[name] for name in told.keys() - _WHEN_AND_HOW})
        ] += 1
    return found


def read_mail(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "mailbox").glob("*.eml"))


def assert_undisturbed(found: dict[str, Any], expected: dict[str, Any], url: str) -> None:
    """The store as an undisturbed run leaves it, the receipts complete, every alert once."""
    differences = find_differences(expected, found)
    assert not differences, "\n".join(differences)
    alerts = read_rows(url, tables.alerts)
    keys = Counter((row.event_id, row.organisation, row.kind) for row in alerts)
    assert set(keys.values()) <= {1}
    lines = Counter(row.batch_number for row in read_rows(url, tables.receipt_lines))
    for batch in read_rows(url, tables.batches):
        assert batch.state == "finished"
        assert lines[batch.number] == batch.records > 0

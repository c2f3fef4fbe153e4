"""Everything a store says about events, as plain data: to compare two stores.

Left out: when things happened and how often they were tried (attempts, tokens), which differ
between a run that was killed and one that was not.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, select

from store import tables
from tests.lib.audit import spread_entries
from tests.lib.databases import make_engine

_COMPARED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (tables.batches, ("id", "state", "verdict", "records", "created", "revised", "rejected")),
    (tables.parts, ("batch_number", "number", "state", "records_done")),
    (tables.events, ("id", "reference", "identity", "revision", "content_hash", "year")),
    (tables.event_search, ("event_id", "place", "organisation", "occurred_on", "worst_harm")),
    (tables.revisions, ("event_id", "number", "record_number", "content_hash", "changes")),
    (tables.patients, ("event_id", "sequence", "physical_harm", "age_days")),
    (tables.receipt_lines, ("batch_number", "number", "disposition", "event_id", "revision")),
    (tables.findings, ("batch_number", "record_number", "ordinal", "code", "params")),
    (tables.marks, ("event_id", "source_id", "recorded_by", "recorded_elsewhere")),
    (tables.alerts, ("event_id", "organisation", "kind", "reason")),
    (tables.messages, ("id", "kind", "recipient", "subject", "body", "state")),
    (tables.message_alerts, ("message_id", "event_id", "organisation", "kind")),
)
# Claiming and trying again are state changes of their own, one audit entry each.
_REPEATED_ACTIONS = ("part.claimed", "message.claimed", "message.failed")


def read_snapshot(database_url: str) -> dict[str, Any]:
    engine = make_engine(database_url)
    try:
        with engine.connect() as connection:
            found: dict[str, Any] = {
                table.name: Counter(_read_rows(connection, table, names))
                for table, names in _COMPARED
            }
            found["audit"] = Counter(
                (action, subject)
                for action, subject in spread_entries(connection.execute(select(tables.audit)))
                if action not in _REPEATED_ACTIONS
            )
    finally:
        engine.dispose()
    return found


def _read_rows(
    connection: Connection, table: Table, names: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    """The rows, with a batch's id (of its source and bytes) for its number, which two that came at
    once are given in either order."""
    numbered = connection.execute(select(tables.batches.c.number, tables.batches.c.id))
    ids = {row.number: row.id for row in numbered}
    for row in connection.execute(select(*(table.c[name] for name in names))):
        yield tuple(
            ids[value] if name == "batch_number" else value
            for name, value in zip(names, row, strict=True)
        )


def find_differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """A line for each table that differs; empty where the stores say the same."""
    return [
        f"{name}: {sum((one[name] - other[name]).values())} rows only in the first,"
        f" {sum((other[name] - one[name]).values())} only in the second"
        for name in one
        if one[name] != other[name]
    ]

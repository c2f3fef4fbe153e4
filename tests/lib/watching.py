"""Batches of weeks, put into a store as if they had come: for what a watch sees of them."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import insert

from gateway.bootstrap import Gateway
from store.tables import batches
from tests.lib.databases import make_engine

Came = tuple[str, datetime, int, int]


def put_batches(gateway: Gateway, came: Iterable[Came], *, state: str = "finished") -> list[str]:
    """Each is a source, when, how many records and how many of them were rejected; gives their
    ids."""
    rows = [_make_row(one, state) for one in came]
    engine = make_engine(gateway.settings.database)
    with engine.begin() as connection:
        for start in range(0, len(rows), 1_000):
            connection.execute(insert(batches), rows[start : start + 1_000])
    engine.dispose()
    return [row["id"] for row in rows]


def _make_row(came: Came, state: str) -> dict[str, object]:
    source, at, records, rejected = came
    sha256 = hashlib.sha256(f"{source} {at}".encode()).hexdigest()
    is_over = state == "finished"
    return {
        "id": f"b-{sha256[:12]}",
        "source_id": source,
        "sha256": sha256,
        "size": 1,
        "filename": "feed",
        "route": "file",
        "received_at": at,
        "state": state,
        "verdict": "accepted" if is_over else None,
        "records": records,
        "created": records - rejected,
        "rejected": rejected,
        "finished_at": at if is_over else None,
        "marked_at": at if is_over else None,
    }

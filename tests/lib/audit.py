"""The audit log read event by event."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Row

from store.tables import audit
from tests.lib.databases import read_rows


def spread_entries(rows: Iterable[Row[Any]]) -> Iterator[tuple[str, str]]:
    """Action and subject of each entry; an entry that names many events as one for each of them,
    as requests have them."""
    for row in rows:
        if row.action == "events.created":
            for reference in json.loads(row.details)["events"]:
                yield "event.created", reference
        elif row.action == "events.revised":
            for reference, _ in json.loads(row.details)["events"]:
                yield "event.revised", reference
        else:
            yield row.action, row.subject


def read_entries(url: str) -> list[tuple[str, str]]:
    return list(spread_entries(read_rows(url, audit)))


def read_actions(url: str) -> list[str]:
    return [action for action, _ in read_entries(url)]

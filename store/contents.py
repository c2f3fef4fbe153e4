"""The current content of every event, streamed: for whoever looks through all that is stored."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from store.audit import Audit
from store.tables import IS_CURRENT, IS_SEARCHED, event_search, events, revisions

_FETCHED = 1_000


class StoredContent(NamedTuple):
    """``payload``: canonical JSON of the event; ``recorded_at``: of its current revision."""

    source_id: str
    payload: str
    recorded_at: datetime


class Contents:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def read(
        self, versions: Collection[str], first: int, end: int, source_id: str | None = None
    ) -> Iterator[StoredContent]:
        """Of the events of these taxonomy versions with numbers from ``first`` to before ``end``,
        in no order; memory stays flat. To be used up within the unit of work."""
        searched = event_search.c
        query = (
            select(searched.source_id, revisions.c.payload, revisions.c.recorded_at)
            .join_from(event_search, events, IS_SEARCHED)
            .join(revisions, IS_CURRENT)
            .where(
                searched.place == 1,
                searched.taxonomy_version.in_(versions),
                searched.event_id >= first,
                searched.event_id < end,
            )
        )
        if source_id is not None:
            query = query.where(searched.source_id == source_id)
        rows = self._connection.execute(query, execution_options={"yield_per": _FETCHED})
        for row in rows:
            yield StoredContent(*row)

    def count(self, version: str, source_id: str | None = None) -> int:
        """Events of this taxonomy version."""
        searched = event_search.c
        query = select(func.count()).where(
            searched.place == 1, searched.taxonomy_version == version
        )
        if source_id is not None:
            query = query.where(searched.source_id == source_id)
        return int(self._connection.execute(query).scalar_one())

"""Grants: which organisation lets a source submit for it, from when to when, and who said so."""

from datetime import date, datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import UnknownError, WrongUseError
from schemas.submission import Grant
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import grants


class Grants:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def give(self, source_id: str, grant: Grant) -> None:
        """Give a grant, or give it anew in place of what was there."""
        insert = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        fresh = {
            "starts_on": grant.starts_on,
            "ends_on": grant.ends_on,
            "given_by": grant.given_by,
            "given_at": self._now,
        }
        self._connection.execute(
            insert(grants)
            .values(source_id=source_id, organisation=grant.organisation, **fresh)
            .on_conflict_do_update(index_elements=["source_id", "organisation"], set_=fresh)
        )
        details = {
            "organisation": grant.organisation,
            "starts_on": grant.starts_on,
            "ends_on": grant.ends_on,
            "given_by": grant.given_by,
        }
        self._audit.add("grant.given", source_id, details)

    def end(self, source_id: str, organisation: str, *, on: date, by: str) -> None:
        """It holds on ``on`` for the last time. UnknownError where there is no such grant,
        WrongUseError where it ends before that already."""
        matches = (grants.c.source_id == source_id) & (grants.c.organisation == organisation)
        found = self._connection.execute(
            select(grants.c.ends_on).where(matches).with_for_update()
        ).one_or_none()
        if found is None:
            raise UnknownError(f"{organisation} has not granted anything to {source_id}")
        if found.ends_on is not None and found.ends_on < on:
            raise WrongUseError(
                f"the grant of {organisation} ends on {found.ends_on} already: to have it hold"
                " longer, give it again"
            )
        self._connection.execute(update(grants).where(matches).values(ends_on=on))
        details = {"organisation": organisation, "ends_on": on, "ended_by": by}
        self._audit.add("grant.ended", source_id, details)


def find_grants(connection: Connection, source_id: str | None = None) -> dict[str, list[Grant]]:
    """By source, each in order of organisation; of one source, or of all."""
    query = select(grants).order_by(grants.c.source_id, grants.c.organisation)
    if source_id is not None:
        query = query.where(grants.c.source_id == source_id)
    found: dict[str, list[Grant]] = {}
    for row in connection.execute(query):
        grant = Grant(row.organisation, row.starts_on, row.ends_on, row.given_by, row.given_at)
        found.setdefault(row.source_id, []).append(grant)
    return found

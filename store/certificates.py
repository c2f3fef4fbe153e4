"""Client certificates of sources, by the sha256 of their DER: one that has any must present one."""

from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import UnknownError, WrongUseError
from schemas.identity import Certificate
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import source_certificates


class Certificates:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, source_id: str, sha256: str) -> None:
        """WrongUseError where the source has it already."""
        insert = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        added = self._connection.execute(
            insert(source_certificates)
            .values(source_id=source_id, sha256=sha256, added_at=self._now)
            .on_conflict_do_nothing()
            .returning(source_certificates.c.sha256)
        ).one_or_none()
        if added is None:
            raise WrongUseError(f"the source {source_id} has this certificate already")
        self._audit.add("certificate.added", source_id, {"sha256": sha256})

    def remove(self, source_id: str, sha256: str) -> None:
        """UnknownError where the source does not have it."""
        removed = self._connection.execute(
            delete(source_certificates)
            .where(
                source_certificates.c.source_id == source_id,
                source_certificates.c.sha256 == sha256,
            )
            .returning(source_certificates.c.sha256)
        ).one_or_none()
        if removed is None:
            raise UnknownError(f"the source {source_id} has no such certificate")
        self._audit.add("certificate.removed", source_id, {"sha256": sha256})

    def find_all(self, source_id: str | None = None) -> list[Certificate]:
        """Of one source, or of all."""
        table = source_certificates
        query = select(table.c.source_id, table.c.sha256, table.c.added_at)
        if source_id is not None:
            query = query.where(table.c.source_id == source_id)
        rows = self._connection.execute(query.order_by(table.c.source_id, table.c.sha256))
        return [Certificate(*row) for row in rows]


def find_thumbprints(connection: Connection, source_id: str) -> frozenset[str]:
    query = select(source_certificates.c.sha256).where(source_certificates.c.source_id == source_id)
    return frozenset(connection.execute(query).scalars())

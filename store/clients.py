"""OAuth 2 clients: the public keys of the sources that sign, and the scopes they may ask for."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import UnknownError
from schemas.identity import SCOPES, Client
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import access_tokens, source_clients


class Clients:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def put(self, client: Client, kids: Collection[str]) -> None:
        """Register a client, or replace what was registered. ``kids`` are for the audit log."""
        insert = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        fresh = {
            "jwks": client.jwks,
            "jwks_url": client.jwks_url,
            "scopes": join_scopes(client.scopes),
            "updated_at": self._now,
        }
        self._connection.execute(
            insert(source_clients)
            .values(source_id=client.source_id, **fresh)
            .on_conflict_do_update(index_elements=["source_id"], set_=fresh)
        )
        details = {"kids": list(kids), "jwks_url": client.jwks_url, "scopes": fresh["scopes"]}
        self._audit.add("client.set", client.source_id, details)

    def remove(self, source_id: str) -> None:
        """With the tokens it was given. UnknownError for no such client."""
        removed = self._connection.execute(
            delete(source_clients)
            .where(source_clients.c.source_id == source_id)
            .returning(source_clients.c.source_id)
        ).one_or_none()
        if removed is None:
            raise UnknownError(f"the source {source_id} is no client")
        self._connection.execute(
            delete(access_tokens).where(access_tokens.c.source_id == source_id)
        )
        self._audit.add("client.removed", source_id)

    def find(self, source_id: str) -> Client | None:
        return self._find(source_id, is_held=False)

    def hold(self, source_id: str) -> Client | None:
        """The same, and nobody changes or removes it until the end of this transaction."""
        return self._find(source_id, is_held=True)

    def find_all(self) -> list[Client]:
        query = select(source_clients).order_by(source_clients.c.source_id)
        return [_read(row) for row in self._connection.execute(query)]

    def _find(self, source_id: str, *, is_held: bool) -> Client | None:
        query = select(source_clients).where(source_clients.c.source_id == source_id)
        if is_held:
            query = query.with_for_update(read=True)
        row = self._connection.execute(query).one_or_none()
        return _read(row) if row else None


def join_scopes(scopes: Iterable[str]) -> str:
    """In their order of old, with blanks between, as OAuth writes them."""
    given = set(scopes)
    return " ".join(scope for scope in SCOPES if scope in given)


def _read(row: Row[Any]) -> Client:
    return Client(
        source_id=row.source_id,
        jwks=row.jwks,
        jwks_url=row.jwks_url,
        scopes=frozenset(row.scopes.split()),
        updated_at=row.updated_at,
    )

"""Access tokens, kept as sha256, and the assertions that were shown for them: each is good once."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.identity import Caller, FoundCaller
from store.audit import Audit
from store.bulk import is_postgresql
from store.certificates import find_thumbprints
from store.clients import join_scopes
from store.pruning import prune
from store.tables import access_tokens, assertions, source_clients, sources


class Tokens:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def use_assertion(self, source_id: str, jti_hash: bytes, expires_at: datetime) -> bool:
        """Whether it is the first time: of many at once, one."""
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        used = self._connection.execute(
            into(assertions)
            .values(source_id=source_id, jti_hash=jti_hash, expires_at=expires_at)
            .on_conflict_do_nothing()
            .returning(assertions.c.source_id)
        ).one_or_none()
        return used is not None

    def add(
        self,
        source_id: str,
        token_hash: bytes,
        scopes: Iterable[str],
        *,
        expires_at: datetime,
        kid: str,
    ) -> None:
        """``kid``: which of the client's keys signed, for the audit log."""
        told = join_scopes(scopes)
        self._connection.execute(
            insert(access_tokens).values(
                token_hash=token_hash, source_id=source_id, scopes=told, expires_at=expires_at
            )
        )
        details = {"kid": kid, "scopes": told, "expires_at": expires_at}
        self._audit.add("token.issued", source_id, details)

    def find_caller(self, token_hash: bytes, now: datetime) -> FoundCaller | None:
        """Whose token it is, if it is good now. It reaches no further than its client does by
        now."""
        row = self._connection.execute(
            select(
                access_tokens.c.source_id,
                access_tokens.c.scopes,
                access_tokens.c.expires_at,
                source_clients.c.scopes.label("registered"),
                sources.c.organisation,
            )
            .join(sources, sources.c.id == access_tokens.c.source_id)
            .join(source_clients, source_clients.c.source_id == access_tokens.c.source_id)
            .where(access_tokens.c.token_hash == token_hash)
        ).one_or_none()
        if row is None or row.expires_at <= now:
            return None
        caller = Caller(
            source_id=row.source_id,
            organisation=row.organisation,
            scopes=frozenset(row.scopes.split()) & frozenset(row.registered.split()),
            certificates=find_thumbprints(self._connection, row.source_id),
        )
        return FoundCaller(caller, row.expires_at)

    def prune(self) -> None:
        """Take away what has expired: nobody can tell it from what never was."""
        for table in (assertions, access_tokens):
            prune(self._connection, table, table.c.expires_at < self._now)

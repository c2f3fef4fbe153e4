"""Subscription keys of sources: kept as sha256, two active ones at most."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from schemas.errors import UnknownError, WrongUseError
from schemas.identity import MOST_KEYS, SCOPES, Caller, FoundCaller, Key
from store.audit import Audit
from store.certificates import find_thumbprints
from store.tables import source_keys, sources

_SHOWN = [column for column in source_keys.columns if column.name != "key_hash"]
_ALL_SCOPES = frozenset(SCOPES)


class Keys:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, key: Key, key_hash: bytes) -> None:
        """WrongUseError where the source has two active keys, UnknownError for no such source."""
        # The source's row is locked, so that two that add at once are counted one by one.
        query = select(sources.c.id).where(sources.c.id == key.source_id).with_for_update()
        if self._connection.execute(query).one_or_none() is None:
            raise UnknownError(f"no such source: {key.source_id}")
        active = [one.id for one in self.find_all(key.source_id) if one.is_active(self._now)]
        if len(active) >= MOST_KEYS:
            raise WrongUseError(
                f"the source {key.source_id} has {len(active)} active keys ({', '.join(active)}),"
                f" and {MOST_KEYS} are the most: revoke one first (key revoke)"
            )
        self._connection.execute(
            insert(source_keys).values(
                id=key.id,
                source_id=key.source_id,
                key_hash=key_hash,
                label=key.label,
                created_at=self._now,
                expires_at=key.expires_at,
            )
        )
        self._audit.add("key.added", key.source_id, {"key": key.id, "expires_at": key.expires_at})

    def revoke(self, key_id: str) -> Key:
        """UnknownError for no such key, WrongUseError where it is revoked already."""
        statement = (
            update(source_keys)
            .where(source_keys.c.id == key_id, source_keys.c.revoked_at.is_(None))
            .values(revoked_at=self._now)
            .returning(*_SHOWN)
        )
        revoked = self._connection.execute(statement).mappings().one_or_none()
        if revoked is None:
            known = select(source_keys.c.id).where(source_keys.c.id == key_id)
            if self._connection.execute(known).one_or_none() is None:
                raise UnknownError(f"no such key: {key_id}")
            raise WrongUseError(f"the key {key_id} is revoked already")
        key = Key(**revoked)
        self._audit.add("key.revoked", key.source_id, {"key": key_id})
        return key

    def find_all(self, source_id: str | None = None) -> list[Key]:
        """Of one source, or of all; also revoked ones, oldest first."""
        query = select(*_SHOWN).order_by(
            source_keys.c.source_id, source_keys.c.created_at, source_keys.c.id
        )
        if source_id is not None:
            query = query.where(source_keys.c.source_id == source_id)
        return [Key(**row) for row in self._connection.execute(query).mappings()]

    def find_caller(self, key_hash: bytes, now: datetime) -> FoundCaller | None:
        """Whose key it is, if it is active now. A key reaches all scopes."""
        row = self._connection.execute(
            select(
                source_keys.c.id,
                source_keys.c.expires_at,
                sources.c.id.label("source_id"),
                sources.c.organisation,
            )
            .join(sources, sources.c.id == source_keys.c.source_id)
            .where(source_keys.c.key_hash == key_hash, source_keys.c.revoked_at.is_(None))
        ).one_or_none()
        if row is None or (row.expires_at is not None and row.expires_at <= now):
            return None
        caller = Caller(
            source_id=row.source_id,
            organisation=row.organisation,
            scopes=_ALL_SCOPES,
            key_id=row.id,
            certificates=find_thumbprints(self._connection, row.source_id),
        )
        return FoundCaller(caller, row.expires_at)

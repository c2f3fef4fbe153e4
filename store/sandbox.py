"""The database of a sandbox: is it one, is what is fixed as it should be, and what was sent is
removed. Every statement names sandbox sources, so that none could reach anything else."""

from datetime import datetime

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    update,
)

from schemas.identity import hash_secret
from schemas.sandbox import SOURCE_PREFIX, FixedKey, FixedSet, Removed
from schemas.submission import Grant, Source
from store import tables
from store.audit import Audit
from store.bulk import is_postgresql
from store.organisations import Organisations, put_organisations
from store.sources import Sources

_LOCK = text("LOCK TABLE sources, batches, parts, trials, uploads IN SHARE ROW EXCLUSIVE MODE")
# In this order: rows that others point to come after those.
_OF_EVENTS = (
    tables.message_alerts,
    tables.alerts,
    tables.event_search,
    tables.revisions,
)
_OF_BATCHES = (
    tables.findings,
    tables.corrections,
    tables.batch_prunings,
    tables.quiet_batches,
    tables.quarantine,
    tables.replays,
    tables.edits,
    tables.receipt_lines,
    tables.bodies,
    tables.parts,
)
_OF_SOURCES = (
    tables.idempotency_keys,
    tables.events,
    tables.trials,
    tables.uploads,
    tables.batches,
    tables.usage,
    tables.assertions,
    tables.source_certificates,
    tables.expected,
    tables.feed_days,
)
# Messages are removed by their alerts.
CLEARED = (*_OF_EVENTS, *_OF_BATCHES, *_OF_SOURCES, tables.messages)
# Who takes part, and what was done, also by a reset.
KEPT = (
    tables.organisations,
    tables.sources,
    tables.grants,
    tables.source_keys,
    tables.source_clients,
    tables.access_tokens,
    tables.users,
    tables.audit,
    tables.reference_runs,
    tables.pruned_files,
    tables.faults,
    # A sandbox has none, and forwards nothing.
    tables.forwarding,
    tables.forwarding_batches,
    tables.forwards,
    tables.forward_calls,
    tables.collectors,
    tables.collected,
    tables.receipt_messages,
    # What the watch saw, and when the DAGs ran: it closes and goes on by itself.
    tables.alarms,
    tables.steps,
)


class Sandbox:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def lock(self) -> None:
        """Nobody registers a source or begins to send anything until the end of this
        transaction."""
        if is_postgresql(self._connection):
            self._connection.execute(_LOCK)

    def find_others(self) -> list[str]:
        """The sources that are no sandbox's."""
        query = select(tables.sources.c.id).where(~_is_ours(tables.sources))
        return list(self._connection.execute(query.order_by(tables.sources.c.id)).scalars())

    def is_begun(self) -> bool:
        """Some source of a sandbox is registered."""
        query = select(tables.sources.c.id).where(_is_ours(tables.sources)).limit(1)
        return self._connection.execute(query).first() is not None

    def is_as_fixed(self, fixed: FixedSet) -> bool:
        """Whether all that is fixed is there and unchanged; there may be more."""
        register = Organisations(self._connection, self._audit, self._now).get_register()
        if any(register.get(one.code) != one for one in fixed.organisations):
            return False
        sources = Sources(self._connection, self._audit, self._now)
        known = {one.id: _without_dates(one) for one in sources.find_all()}
        if any(known.get(one.id) != _without_dates(one) for one in fixed.sources):
            return False
        return all(self._has_key(key) for key in fixed.keys)

    def restore(self, fixed: FixedSet) -> None:
        """Puts what is fixed in the place of what its sources have now: their other keys and
        grants are gone."""
        self._connection.execute(
            delete(tables.source_certificates).where(_is_ours(tables.source_certificates))
        )
        put_organisations(self._connection, fixed.organisations)
        for source in fixed.sources:
            self._put_source(source)
        rows = [_make_key_row(key, self._now) for key in fixed.keys]
        self._connection.execute(insert(tables.source_keys), rows)

    def clear(self) -> Removed:
        """Removes all that the sandbox's sources sent, and what came of it."""
        removed = Removed(
            events=self._count(tables.events),
            batches=self._count(tables.batches),
            raw_files=self._find_raw_files(),
            uploads=tuple(self._select_ours(tables.uploads.c.id)),
        )
        events = select(tables.events.c.id).where(_is_ours(tables.events))
        batches = select(tables.batches.c.number).where(_is_ours(tables.batches))
        for table in _OF_EVENTS:
            self._connection.execute(delete(table).where(table.c.event_id.in_(events)))
        # A message is made of alerts: without any it is nobody's.
        named = tables.message_alerts.c.message_id == tables.messages.c.id
        self._connection.execute(delete(tables.messages).where(~exists().where(named)))
        for table in _OF_BATCHES:
            self._connection.execute(delete(table).where(table.c.batch_number.in_(batches)))
        for table in _OF_SOURCES:
            self._connection.execute(delete(table).where(_is_ours(table)))
        return removed

    def _put_source(self, source: Source) -> None:
        given = {
            "organisation": source.organisation,
            "format": source.format,
            "profile": source.profile,
            "strict": source.strict,
            "taxonomy_version": source.taxonomy_version,
            "on_break": source.on_break,
        }
        named = tables.sources.c.id == source.id
        known = self._connection.execute(update(tables.sources).where(named).values(given))
        if not known.rowcount:
            self._connection.execute(
                insert(tables.sources).values(id=source.id, created_at=self._now, **given)
            )
        for table in (tables.grants, tables.source_keys):
            self._connection.execute(delete(table).where(table.c.source_id == source.id))
        if source.grants:
            rows = [_make_grant_row(source, grant, self._now) for grant in source.grants]
            self._connection.execute(insert(tables.grants), rows)

    def _has_key(self, key: FixedKey) -> bool:
        columns = tables.source_keys.c
        found = self._connection.execute(
            select(columns.source_id, columns.expires_at).where(
                columns.key_hash == hash_secret(key.secret), columns.revoked_at.is_(None)
            )
        ).one_or_none()
        return found is not None and tuple(found) == (key.source_id, key.expires_at)

    def _count(self, table: Table) -> int:
        query = select(func.count()).select_from(table).where(_is_ours(table))
        return int(self._connection.execute(query).scalar_one())

    def _select_ours(self, column: ColumnElement[str]) -> list[str]:
        table = column.table
        return list(self._connection.execute(select(column).where(_is_ours(table))).scalars())

    def _find_raw_files(self) -> frozenset[str]:
        numbers = select(tables.batches.c.number).where(_is_ours(tables.batches))
        unpacked: Select[tuple[str]] = select(tables.parts.c.content).where(
            tables.parts.c.batch_number.in_(numbers)
        )
        found = [
            *self._select_ours(tables.batches.c.sha256),
            *self._select_ours(tables.trials.c.sha256),
            *self._select_ours(tables.trials.c.receipt),
            *self._connection.execute(unpacked).scalars(),
        ]
        return frozenset(filter(None, found))


def _is_ours(table: Table) -> ColumnElement[bool]:
    column = table.c.id if table is tables.sources else table.c.source_id
    return column.startswith(SOURCE_PREFIX, autoescape=True)


def _without_dates(source: Source) -> Source:
    """When a grant was put into the table says nothing of it."""
    grants = tuple(msgspec.structs.replace(one, given_at=None) for one in source.grants)
    return msgspec.structs.replace(source, grants=grants)


def _make_grant_row(source: Source, grant: Grant, now: datetime) -> dict[str, object]:
    return msgspec.structs.asdict(grant) | {"source_id": source.id, "given_at": now}


def _make_key_row(key: FixedKey, now: datetime) -> dict[str, object]:
    return {
        "id": key.id,
        "source_id": key.source_id,
        "key_hash": hash_secret(key.secret),
        "label": key.label,
        "created_at": now,
        "expires_at": key.expires_at,
    }

"""Registered sources and the organisations they may submit for."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import UnknownError, WrongUseError
from schemas.submission import Source
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import grants, organisations, sources


class Sources:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, source: Source) -> None:
        """WrongUseError where the id is taken, UnknownError for an organisation that the register
        lacks."""
        self._check_organisations(source.submits_for | {source.organisation})
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        added = self._connection.execute(
            into(sources)
            .values(
                id=source.id,
                organisation=source.organisation,
                format=source.format,
                profile=source.profile,
                strict=source.strict,
                taxonomy_version=source.taxonomy_version,
                on_break=source.on_break,
                created_at=self._now,
            )
            .on_conflict_do_nothing()
            .returning(sources.c.id)
        ).one_or_none()
        if added is None:
            raise WrongUseError(f"the source {source.id} exists already")
        others = sorted(source.submits_for - {source.organisation})
        if others:
            self._connection.execute(
                insert(grants), [{"source_id": source.id, "organisation": code} for code in others]
            )
        details = {"organisation": source.organisation, "submits_for": others}
        self._audit.add("source.added", source.id, details)

    def get(self, source_id: str) -> Source:
        row = self._connection.execute(
            select(sources).where(sources.c.id == source_id)
        ).one_or_none()
        if row is None:
            raise UnknownError(f"no such source: {source_id}")
        query = select(grants.c.organisation).where(grants.c.source_id == source_id)
        return _read(row, self._connection.execute(query).scalars().all())

    def find_all(self) -> list[Source]:
        granted: defaultdict[str, list[str]] = defaultdict(list)
        for source_id, organisation in self._connection.execute(select(grants)):
            granted[source_id].append(organisation)
        rows = self._connection.execute(select(sources).order_by(sources.c.id))
        return [_read(row, granted[row.id]) for row in rows]

    def _check_organisations(self, codes: frozenset[str]) -> None:
        query = select(organisations.c.code).where(organisations.c.code.in_(codes))
        unknown = sorted(codes - set(self._connection.execute(query).scalars()))
        if unknown:
            raise UnknownError(f"no such organisation: {', '.join(unknown)}")


def _read(row: Row[Any], granted: Iterable[str]) -> Source:
    return Source(
        id=row.id,
        organisation=row.organisation,
        format=row.format,
        profile=row.profile,
        submits_for=frozenset({row.organisation, *granted}),
        strict=row.strict,
        taxonomy_version=row.taxonomy_version,
        on_break=row.on_break,
    )

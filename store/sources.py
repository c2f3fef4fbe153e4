"""Registered sources and the organisations they may submit for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import UnknownError, WrongUseError
from schemas.submission import Grant, Source
from store.audit import Audit
from store.bulk import is_postgresql
from store.grants import find_grants
from store.tables import grants, organisations, sources


class Sources:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, source: Source) -> None:
        """With its grants. WrongUseError where the id is taken, UnknownError for an organisation
        that the register lacks."""
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
            self._connection.execute(insert(grants), self._make_grants(source, others))
        details = {"organisation": source.organisation, "submits_for": others}
        self._audit.add("source.added", source.id, details)

    def get(self, source_id: str) -> Source:
        row = self._connection.execute(
            select(sources).where(sources.c.id == source_id)
        ).one_or_none()
        if row is None:
            raise UnknownError(f"no such source: {source_id}")
        return _read(row, find_grants(self._connection, source_id).get(source_id, []))

    def find_all(self) -> list[Source]:
        granted = find_grants(self._connection)
        rows = self._connection.execute(select(sources).order_by(sources.c.id))
        return [_read(row, granted.get(row.id, [])) for row in rows]

    def _make_grants(self, source: Source, others: Sequence[str]) -> list[dict[str, Any]]:
        told = {grant.organisation: grant for grant in source.grants}
        given = [told.get(code, Grant(code)) for code in others]
        return [
            {
                "source_id": source.id,
                "organisation": grant.organisation,
                "starts_on": grant.starts_on,
                "ends_on": grant.ends_on,
                "given_by": grant.given_by,
                "given_at": grant.given_at or self._now,
            }
            for grant in given
        ]

    def _check_organisations(self, codes: frozenset[str]) -> None:
        query = select(organisations.c.code).where(organisations.c.code.in_(codes))
        unknown = sorted(codes - set(self._connection.execute(query).scalars()))
        if unknown:
            raise UnknownError(f"no such organisation: {', '.join(unknown)}")


def _read(row: Row[Any], granted: Sequence[Grant]) -> Source:
    return Source(
        id=row.id,
        organisation=row.organisation,
        format=row.format,
        profile=row.profile,
        submits_for=frozenset({row.organisation, *(grant.organisation for grant in granted)}),
        strict=row.strict,
        taxonomy_version=row.taxonomy_version,
        on_break=row.on_break,
        grants=tuple(granted),
    )

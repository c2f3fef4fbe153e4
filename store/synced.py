"""The register of organisations as the sync keeps it, and who stands on an organisation."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.reference import KeptOrganisation, OrganisationChange
from store.audit import Audit
from store.bulk import is_postgresql
from store.organisations import make_row, read_organisation
from store.tables import grants, organisations, sources, users


class SyncedOrganisations:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit

    def find(self, codes: Collection[str]) -> dict[str, KeptOrganisation]:
        query = select(organisations).where(organisations.c.code.in_(list(codes)))
        return {row.code: _read(row) for row in self._connection.execute(query)}

    def put(self, kept: Sequence[KeptOrganisation], changes: Sequence[OrganisationChange]) -> None:
        """These, in place of what stands under their codes; unless a newer change of one is there
        already. An audit entry for each known one that is changed, and one for all that are new."""
        if not kept:
            return
        into = (postgresql.insert if is_postgresql(self._connection) else sqlite.insert)(
            organisations
        )
        rows = [_make_row(one) for one in kept]
        fresh = {name: into.excluded[name] for name in rows[0] if name != "code"}
        is_newer = or_(
            organisations.c.changed_on.is_(None),
            into.excluded.changed_on.is_(None),
            organisations.c.changed_on <= into.excluded.changed_on,
        )
        self._connection.execute(
            into.on_conflict_do_update(index_elements=["code"], set_=fresh, where=is_newer), rows
        )
        self._tell(changes)

    def find_uses(self, codes: Collection[str]) -> dict[str, list[str]]:
        """Who stands on them, by code: sources of theirs, sources they granted, admin users."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        wanted = list(codes)
        queries = (
            ("source", select(sources.c.organisation, sources.c.id), sources.c.organisation),
            ("grant to", select(grants.c.organisation, grants.c.source_id), grants.c.organisation),
        )
        for word, query, column in queries:
            for code, name in self._connection.execute(
                query.where(column.in_(wanted)).order_by(column, query.selected_columns[1])
            ):
                found[code].append(f"{word} {name}")
        counted = (
            select(users.c.organisation, func.count())
            .where(users.c.organisation.in_(wanted))
            .group_by(users.c.organisation)
        )
        for code, count in self._connection.execute(counted):
            found[code].append(f"{count} admin user{'s' if count > 1 else ''}")
        return dict(found)

    def _tell(self, changes: Sequence[OrganisationChange]) -> None:
        added = [one.code for one in changes if "added" in one.kinds]
        entries = [
            ("organisation.synced", one.code, {"kinds": list(one.kinds)})
            for one in changes
            if "added" not in one.kinds
        ]
        if added:
            details = {"count": len(added), "first": added[0], "last": added[-1]}
            self._audit.add("organisations.added", "register", details)
        self._audit.add_many(entries)


def _read(row: Row[Any]) -> KeptOrganisation:
    return KeptOrganisation(
        read_organisation(row),
        tuple(row.successors.split()),
        tuple(row.roles.split()),
        row.changed_on,
    )


def _make_row(one: KeptOrganisation) -> dict[str, object]:
    return make_row(one.organisation) | {
        "former_names": msgspec.json.encode(one.organisation.former_names).decode()
        if one.organisation.former_names
        else None,
        "successors": " ".join(one.successors),
        "roles": " ".join(one.roles),
        "changed_on": one.changed_on,
    }

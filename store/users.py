"""Users: who is told, for which organisation."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import UnknownError
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import organisations, users


class Users:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit

    def add(self, email: str, organisation: str, role: str) -> bool:
        """Give a user a role in an organisation; False where they have it already."""
        known = select(organisations.c.code).where(organisations.c.code == organisation)
        if self._connection.execute(known).one_or_none() is None:
            raise UnknownError(f"no such organisation: {organisation}")
        insert = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        added = self._connection.execute(
            insert(users)
            .values(email=email, organisation=organisation, role=role)
            .on_conflict_do_nothing()
            .returning(users.c.id)
        ).scalar_one_or_none()
        if added is None:
            return False
        self._audit.add("user.added", f"user {added}", {"organisation": organisation, "role": role})
        return True

    def remove(self, email: str, organisation: str, role: str) -> None:
        """Take a role away again; UnknownError where the user does not have it."""
        matches = (users.c.email == email) & (users.c.organisation == organisation)
        removed = self._connection.execute(
            delete(users).where(matches, users.c.role == role).returning(users.c.id)
        ).scalar_one_or_none()
        if removed is None:
            raise UnknownError(f"no {role} of {organisation} has that address")
        details = {"organisation": organisation, "role": role}
        self._audit.add("user.removed", f"user {removed}", details)

    def find_all(self) -> list[tuple[str, str, str]]:
        """(organisation, e-mail address, role) of every user, in order."""
        query = select(users.c.organisation, users.c.email, users.c.role)
        ordered = query.order_by(users.c.organisation, users.c.email, users.c.role)
        return [tuple(row) for row in self._connection.execute(ordered)]

    def find_admins(self, codes: Collection[str]) -> dict[str, list[str]]:
        """E-mail addresses of the admin users by organisation, in order; an organisation without
        one is left out."""
        query = (
            select(users.c.organisation, users.c.email)
            .where(users.c.role == "admin", users.c.organisation.in_(codes))
            .order_by(users.c.organisation, users.c.email)
        )
        admins: dict[str, list[str]] = {}
        for organisation, email in self._connection.execute(query):
            admins.setdefault(organisation, []).append(email)
        return admins

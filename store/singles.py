"""Single requests: loaded many at a time, and what became of one that is stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from schemas.single import Single, SingleOutcome
from store.audit import Audit
from store.single_loading import Loading
from store.single_outcomes import find_outcomes
from store.tables import batches, bodies


class Singles:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def load(self, singles: Sequence[Single]) -> list[SingleOutcome]:
        """What became of each, in their order. No two may be of one batch or one event. Once in a
        transaction."""
        outcomes = Loading(self._connection, self._audit, self._now).load(singles)
        return [outcomes[one.batch_id] for one in singles]

    def find_body(self, batch_number: int) -> bytes | None:
        """The bytes of a batch that came as one request."""
        query = select(bodies.c.body).where(bodies.c.batch_number == batch_number)
        found: bytes | None = self._connection.execute(query).scalar_one_or_none()
        return found

    def find_outcome(self, batch_number: int) -> SingleOutcome | None:
        """What became of a stored one."""
        found = find_outcomes(self._connection, batches.c.number == batch_number)
        return next(iter(found.values()), None)

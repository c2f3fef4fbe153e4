"""Loading judged records: no event lost or doubled, whatever runs at once and in which order."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from schemas.batch import Batch
from schemas.identifiers import make_identity
from schemas.judged import JudgedRecord
from schemas.receipt import Counts
from schemas.values import storable
from store.arrival import Arrival, Position
from store.audit import Audit
from store.claims import Case
from store.settling import claim_cases, settle_cases
from store.tables import sources
from store.writing import Writing


class Records:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def load(self, batch: Batch, records: Sequence[JudgedRecord]) -> Counts:
        """Load records of a batch; gives what became of them. Once in a transaction, behind
        ``parts.advance``; a record that is loaded already is an error.

        What each becomes is what it would be had all records been loaded in order of arrival, by
        batch and number. Where one comes late, the later records of its event are settled anew,
        in receipts already given too.
        """
        writing = Writing(self._connection, self._audit, self._now, batch_id=batch.id)
        organisation = self._find_organisation(batch.source_id)
        cases: dict[str, Case] = {}
        for record in sorted(records, key=lambda one: one.number):
            accepted = record.acceptance
            if accepted is None:
                writing.add_line(batch.number, record, None, None)
                continue
            local_id = None if record.local_id is None else storable(record.local_id)
            identity = make_identity(local_id, accepted.content_hash)
            case = cases.get(identity)
            if case is None:
                case = cases[identity] = Case(batch.source_id, organisation, identity)
            case.records.append(record)
            case.arrivals.append(Arrival(Position(batch.number, record.number), accepted))
        claim_cases(self._connection, cases.values(), self._now)
        settle_cases(self._connection, cases.values(), writing, self._now)
        writing.write()
        return writing.counts

    def _find_organisation(self, source_id: str) -> str:
        query = select(sources.c.organisation).where(sources.c.id == source_id)
        found: str = self._connection.execute(query).scalar_one()
        return found

"""Loading judged records: no event lost or doubled, whatever runs at once and in which order."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from schemas.batch import Batch
from schemas.event import NationalEvent, decode_event
from schemas.identifiers import make_identity
from schemas.judged import JudgedRecord
from schemas.receipt import Counts
from schemas.values import storable
from store import bulk, rows
from store.arrival import Arrival, Position
from store.audit import Audit
from store.claims import Case, claim_events
from store.resettling import resettle_events
from store.tables import events, revisions
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
        writing = Writing(self._connection, self._audit, batch.number, self._now)
        cases: dict[str, Case] = {}
        for record in sorted(records, key=lambda one: one.number):
            accepted = record.acceptance
            if accepted is None:
                writing.add_line(record, None, None)
                continue
            local_id = None if record.local_id is None else storable(record.local_id)
            identity = make_identity(local_id, accepted.content_hash)
            case = cases.get(identity)
            if case is None:
                case = cases[identity] = Case(identity)
            case.records.append(record)
            case.arrivals.append(Arrival(Position(batch.number, record.number), accepted))
        self._claim(batch, cases.values())
        self._settle(batch, cases.values(), writing)
        writing.write()
        return writing.counts

    def _claim(self, batch: Batch, cases: Iterable[Case]) -> None:
        def make_row(case: Case) -> bulk.Row:
            case.settle()
            position, accepted = case.arrivals[-1]
            return (
                case.event_id,
                case.reference,
                batch.source_id,
                case.identity,
                case.settled[-1].revision,
                accepted.content_hash,
                *position,
                *rows.make_searched(case.current),
                batch.number,
                self._now,
                self._now,
            )

        claim_events(self._connection, batch.source_id, cases, make_row)

    def _settle(self, batch: Batch, cases: Iterable[Case], writing: Writing) -> None:
        late: list[Case] = []
        revised: dict[int, tuple[Case, int]] = {}
        for case in cases:
            known = case.known
            if known is None:
                writing.add_case(case, None)
                writing.add_content(case.event_id, case.current, replaces=False)
            elif case.arrivals[0].position < case.seen:
                late.append(case)
            else:
                case.settle(known.revision, known.content_hash)
                if case.settled[-1].revision == known.revision:
                    writing.add_case(case, None)
                    writing.add_seen(case.event_id, case.records[-1].number)
                else:
                    revised[case.event_id] = case, known.first_batch
        before = self._read_current(revised)
        for event_id, (case, first_batch) in revised.items():
            self._revise(case, before[event_id], first_batch, writing)
        if late:
            resettle_events(self._connection, batch, late, writing, self._now)

    def _revise(
        self, case: Case, before: NationalEvent, first_batch: int, writing: Writing
    ) -> None:
        writing.add_case(case, before)
        writing.add_content(case.event_id, case.current, replaces=True)
        position, accepted = case.arrivals[-1]
        writing.add_event(
            case.event_id,
            (
                case.settled[-1].revision,
                accepted.content_hash,
                *position,
                *rows.make_searched(case.current),
                first_batch,
            ),
        )

    def _read_current(self, event_ids: Collection[int]) -> dict[int, NationalEvent]:
        """The stored content of events, by event."""
        if not event_ids:
            return {}
        chosen = bulk.is_among(events.c.id, event_ids, self._connection)
        current = (revisions.c.event_id == events.c.id) & (revisions.c.number == events.c.revision)
        query = select(events.c.id, revisions.c.payload).join(revisions, current).where(chosen)
        return {row.id: decode_event(row.payload) for row in self._connection.execute(query)}

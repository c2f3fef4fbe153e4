"""Loads single requests, many in one transaction: each a finished batch of one record with its
bytes, its receipt line, its event, its alerts and its answer under an Idempotency-Key; or
nothing of it.

Locks are taken in the order of ``store.claims``, with two before it: reservations by key, then
batches by id.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from schemas.single import KeptAnswer, KeptState, Single, SingleOutcome
from store import bulk
from store.arrival import Arrival, Position
from store.audit import Audit
from store.changing import update_rows
from store.claims import Case
from store.gathering import Gathering
from store.reservations import Reservations
from store.settling import claim_cases, settle_cases
from store.single_batches import SingleBatches
from store.tables import batches, bodies
from store.writing import Writing

Outcomes = dict[str, SingleOutcome]
_RECORD: Final = 1


class Loading:
    """One load. Outcomes are kept by batch id."""

    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now
        self._writing = Writing(connection, audit, now)
        self._reservations = Reservations(connection, audit, now)
        self._batches = SingleBatches(connection, now)
        # Of the batches that this load makes, by their ids.
        self._numbers: dict[str, int] = {}

    def load(self, singles: Sequence[Single]) -> Outcomes:
        outcomes = self._find_lost(singles)
        held = [one for one in singles if one.batch_id not in outcomes]
        self._numbers = self._batches.add(held)
        outcomes |= self._batches.find_known([x for x in held if x.batch_id not in self._numbers])
        fresh = [one for one in held if one.batch_id in self._numbers]
        cases = self._claim(fresh)
        refused = _check_conditions(fresh, cases)
        self._batches.remove([self._numbers[batch_id] for batch_id in refused])
        outcomes |= refused
        loaded = [one for one in fresh if one.batch_id not in refused]
        kept = {one.batch_id: cases[one.batch_id] for one in loaded if one.batch_id in cases}
        settle_cases(self._connection, kept.values(), self._writing, self._now)
        for one in loaded:
            outcomes[one.batch_id] = self._tell(one, kept.get(one.batch_id))
        self._write(loaded, kept)
        self._settle_reservations(held, outcomes)
        return outcomes

    def _find_lost(self, singles: Sequence[Single]) -> Outcomes:
        """Those whose reservation another attempt has taken over; the others' are locked."""
        wanted = {
            one.batch_id: (one.source_id, one.reservation) for one in singles if one.reservation
        }
        if not wanted:
            return {}
        held = self._reservations.lock(wanted.values())
        return {
            batch_id: SingleOutcome(state="lost")
            for batch_id, reservation in wanted.items()
            if reservation not in held
        }

    def _claim(self, fresh: Iterable[Single]) -> dict[str, Case]:
        cases: dict[str, Case] = {}
        for one in fresh:
            accepted = one.record.acceptance
            if accepted is None or one.identity is None:
                continue
            case = cases[one.batch_id] = Case(one.source_id, one.organisation, one.identity)
            case.records.append(one.record)
            position = Position(self._numbers[one.batch_id], _RECORD)
            case.arrivals.append(Arrival(position, accepted))
        claim_cases(self._connection, cases.values(), self._now)
        self._move_overtaken(cases)
        return cases

    def _move_overtaken(self, cases: Mapping[str, Case]) -> None:
        """Another process took a later number and the event's lock before us, and its version is
        told by now. The lock is ours: so this request comes after that one."""
        late = {
            batch_id: case
            for batch_id, case in cases.items()
            if case.known is not None and case.arrivals[0].position < case.seen
        }
        self._numbers |= self._batches.number_anew([self._numbers[name] for name in late])
        for batch_id, case in late.items():
            position = Position(self._numbers[batch_id], _RECORD)
            case.arrivals = [Arrival(position, case.arrivals[0].acceptance)]

    def _tell(self, one: Single, case: Case | None) -> SingleOutcome:
        number = self._numbers[one.batch_id]
        outcome = SingleOutcome(
            state="loaded", batch_id=one.batch_id, batch_number=number, disposition="rejected"
        )
        if case is None:
            self._writing.add_line(number, one.record, None, None)
        else:
            (settled,) = case.settled
            outcome = msgspec.structs.replace(
                outcome,
                disposition=settled.disposition,
                event_id=case.event_id,
                revision=settled.revision,
                recorded_at=self._now,
            )
        tell_submitted(self._writing, one, outcome)
        return outcome

    def _write(self, loaded: Sequence[Single], cases: Mapping[str, Case]) -> None:
        sent: list[bulk.Row] = []
        recounted: list[bulk.Row] = []
        for one in loaded:
            number = self._numbers[one.batch_id]
            sent.append((number, one.body))
            case = cases.get(one.batch_id)
            if case is not None and case.known is not None:
                recounted.append(_recount(case, number, self._now))
        self._writing.write([(bodies, bodies.columns.keys(), sent)])
        columns = ("created", "revised", "unchanged", "marked_at")
        update_rows(self._connection, batches, ("number",), columns, recounted)

    def _settle_reservations(self, held: Iterable[Single], outcomes: Outcomes) -> None:
        """What was answered is kept under its key; a key that got no answer is free, unless the
        same request comes again at once."""
        self._reservations.settle(
            (one.source_id, one.reservation, find_kept(outcomes[one.batch_id]))
            for one in held
            if one.reservation and not outcomes[one.batch_id].is_outdated
        )


def _check_conditions(fresh: Iterable[Single], cases: Mapping[str, Case]) -> Outcomes:
    """Those whose event, locked now, is not as they ask for."""
    refused: Outcomes = {}
    for one in fresh:
        case = cases.get(one.batch_id)
        if case is None or case.known is None:
            continue
        is_stale = one.expected is not None and one.expected != case.known.revision
        if one.only_new or is_stale:
            refused[one.batch_id] = SingleOutcome(
                state="exists" if one.only_new else "stale",
                event_id=case.event_id,
                revision=case.known.revision,
            )
    return refused


def tell_submitted(gathering: Gathering, one: Single, outcome: SingleOutcome) -> None:
    details = {"source": one.source_id, "disposition": outcome.disposition}
    gathering.add_entry("batch.submitted", one.batch_id, details)


def find_kept(outcome: SingleOutcome) -> KeptAnswer | None:
    """What is to be answered again; None where the same request may come again."""
    state: KeptState
    revision = outcome.revision
    if outcome.state == "exists":
        state = "exists"
    elif outcome.state == "known" and outcome.event_id is not None:
        state, revision = "known", outcome.current
    elif (
        outcome.state != "loaded"
        or outcome.disposition is None
        or outcome.disposition == "quarantined"
    ):
        return None
    else:
        state = outcome.disposition
    return KeptAnswer(
        state=state,
        batch_number=outcome.batch_number or None,
        event_id=outcome.event_id,
        revision=revision,
    )


def _recount(case: Case, batch_number: int, now: datetime) -> bulk.Row:
    """The batch was added as if it made the event, and marked as such; one that revised it is for
    ``store.marks`` to mark."""
    (settled,) = case.settled
    counts = [int(settled.disposition == name) for name in ("created", "revised", "unchanged")]
    return (batch_number, *counts, now if settled.disposition == "unchanged" else None)

"""The answer to a request about one event, from what became of it."""

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.judge_single import JudgedSingle, is_unreadable
from gateway.pipeline.versions import find_version
from schemas.asked import Answer, AnswerState, EventVersion
from schemas.errors import UnknownError
from schemas.identifiers import make_reference
from schemas.single import KeptAnswer, SingleOutcome
from store.unit_of_work import UnitOfWork


def answer_loaded(gateway: Gateway, judged: JudgedSingle, outcome: SingleOutcome) -> Answer:
    """To a request that was loaded just now."""
    record = judged.record
    accepted = record.acceptance
    disposition = outcome.disposition
    if disposition == "quarantined":
        raise ValueError("a request is never quarantined: a fault of ours is answered as such")
    if accepted is None or disposition is None or disposition == "rejected":
        state: AnswerState = "unreadable" if is_unreadable(record.findings) else "rejected"
        return Answer(state=state, findings=record.findings, batch_id=outcome.batch_id)
    if outcome.event_id is None or outcome.revision is None or outcome.recorded_at is None:
        raise ValueError(f"batch {outcome.batch_id} was loaded without an event")
    if disposition == "unchanged":
        known = answer_known(gateway, "unchanged", outcome, outcome.revision)
        return msgspec.structs.replace(known, findings=record.findings)
    version = EventVersion(
        event=accepted.event,
        event_id=outcome.event_id,
        local_id=record.local_id,
        revision=outcome.revision,
        recorded_at=outcome.recorded_at,
        written=judged.written,
    )
    return Answer(
        state=disposition, version=version, findings=record.findings, batch_id=outcome.batch_id
    )


def answer_known(
    gateway: Gateway, state: AnswerState, outcome: SingleOutcome, revision: int | None
) -> Answer:
    """To a request about an event that is there: the event as it was when we looked, however it is
    changed meanwhile."""
    if outcome.event_id is None:
        raise ValueError(f"{outcome.state} without an event")
    with gateway.store.read() as work:
        version = _get_version(work, outcome.event_id, revision)
    return Answer(state=state, version=version, batch_id=outcome.batch_id)


def answer_again(gateway: Gateway, kept: KeptAnswer) -> Answer:
    """The answer that was given before."""
    with gateway.store.read() as work:
        told = work.singles.find_outcome(kept.batch_number) if kept.batch_number else None
        batch_id = told.batch_id if told else ""
        if kept.state in ("known", "exists"):
            version = _get_version(work, kept.event_id, kept.revision)
            return Answer(state=kept.state, version=version, batch_id=batch_id, is_replayed=True)
        if told is None:
            raise UnknownError(f"batch number {kept.batch_number} tells no answer")
        findings = tuple(work.receipts.find_record_findings(told.batch_number, 1))
        if told.event_id is None:
            state: AnswerState = "unreadable" if is_unreadable(findings) else "rejected"
            return Answer(state=state, findings=findings, batch_id=batch_id, is_replayed=True)
        # By its receipt: a record that came late may have moved the revisions after it.
        version = _get_version(work, told.event_id, told.revision)
    return Answer(
        state=kept.state, version=version, findings=findings, batch_id=batch_id, is_replayed=True
    )


def _get_version(work: UnitOfWork, event_id: int | None, revision: int | None) -> EventVersion:
    stored = None if event_id is None else work.events.find(event_id)
    if stored is None:
        told = "none" if event_id is None else make_reference(event_id)
        raise UnknownError(f"no event has the reference {told}")
    return find_version(work, stored, revision)

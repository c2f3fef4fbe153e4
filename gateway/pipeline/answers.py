"""The answer to a request about one event, from what became of it."""

from gateway.bootstrap import Gateway
from gateway.pipeline.judge_single import is_unreadable
from gateway.pipeline.versions import find_version
from schemas.asked import Answer, AnswerState, EventVersion
from schemas.errors import UnknownError
from schemas.identifiers import make_reference
from schemas.judged import JudgedRecord
from schemas.single import SingleOutcome
from store.unit_of_work import UnitOfWork


def answer_loaded(gateway: Gateway, record: JudgedRecord, outcome: SingleOutcome) -> Answer:
    """To a request that was loaded just now."""
    accepted = record.acceptance
    disposition = outcome.disposition
    if accepted is None or disposition is None or disposition == "rejected":
        state: AnswerState = "unreadable" if is_unreadable(record.findings) else "rejected"
        return Answer(state=state, findings=record.findings, batch_id=outcome.batch_id)
    if outcome.event_id is None or outcome.revision is None or outcome.recorded_at is None:
        raise ValueError(f"batch {outcome.batch_id} was loaded without an event")
    if disposition == "unchanged":
        known = answer_known(gateway, "unchanged", outcome.event_id, outcome.batch_id)
        return Answer(
            state="unchanged",
            version=known.version,
            findings=record.findings,
            batch_id=outcome.batch_id,
        )
    version = EventVersion(
        event=accepted.event,
        event_id=outcome.event_id,
        local_id=record.local_id,
        revision=outcome.revision,
        recorded_at=outcome.recorded_at,
    )
    return Answer(
        state=disposition, version=version, findings=record.findings, batch_id=outcome.batch_id
    )


def answer_known(gateway: Gateway, state: AnswerState, event_id: int, batch_id: str = "") -> Answer:
    """To a request about an event that is there: the event as it is now."""
    with gateway.store.read() as work:
        version = _get_version(work, event_id, None)
    return Answer(state=state, version=version, batch_id=batch_id)


def answer_stored(gateway: Gateway, batch_number: int) -> Answer:
    """The answer that was given before, told by the batch of the request."""
    with gateway.store.read() as work:
        outcome = work.singles.find_outcome(batch_number)
        if outcome is None or outcome.disposition is None:
            raise UnknownError(f"batch number {batch_number} tells no answer")
        findings = tuple(work.receipts.find_record_findings(batch_number, 1))
        if outcome.event_id is None:
            state: AnswerState = "unreadable" if is_unreadable(findings) else "rejected"
            return Answer(
                state=state, findings=findings, batch_id=outcome.batch_id, is_replayed=True
            )
        version = _get_version(work, outcome.event_id, outcome.revision)
    return Answer(
        state=outcome.disposition,
        version=version,
        findings=findings,
        batch_id=outcome.batch_id,
        is_replayed=True,
    )


def _get_version(work: UnitOfWork, event_id: int, revision: int | None) -> EventVersion:
    stored = work.events.find(event_id)
    if stored is None:
        raise UnknownError(f"no event has the reference {make_reference(event_id)}")
    return find_version(work, stored, revision)

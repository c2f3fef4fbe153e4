"""What is stored of single requests: read by their batches."""

from sqlalchemy import ColumnElement, Connection, select

from schemas.single import SingleOutcome
from store.tables import batches, events, receipt_lines, revisions


def find_outcomes(connection: Connection, chosen: ColumnElement[bool]) -> dict[str, SingleOutcome]:
    """By batch id; a batch of another kind, or one that is still loading, has none."""
    lines = receipt_lines.c
    made = (
        (revisions.c.event_id == events.c.id)
        & (revisions.c.year == events.c.year)
        & (revisions.c.number == lines.revision)
    )
    query = (
        select(
            batches.c.id,
            batches.c.number,
            lines.disposition,
            lines.event_id,
            lines.revision,
            revisions.c.recorded_at,
            events.c.revision.label("current"),
        )
        .join(receipt_lines, lines.batch_number == batches.c.number)
        .outerjoin(events, events.c.id == lines.event_id)
        .outerjoin(revisions, made)
        .where(chosen, batches.c.records == 1, lines.number == 1)
    )
    return {
        row.id: SingleOutcome(
            state="known",
            batch_id=row.id,
            batch_number=row.number,
            disposition=row.disposition,
            event_id=row.event_id,
            revision=row.revision,
            recorded_at=row.recorded_at,
            current=row.current,
        )
        for row in connection.execute(query)
    }

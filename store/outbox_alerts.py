"""Alerts that wait to be announced. They are written with their events (``store.records``); here
they are read and marked as announced, in the transaction that makes their messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from schemas.outbox import WaitingAlert
from store.audit import Audit
from store.tables import (
    IS_SEARCHED,
    alerts,
    event_search,
    events,
    message_alerts,
    organisations,
    sources,
)

_told = organisations.alias("told")
_recorder = organisations.alias("recorder")
# As the view of marks has it.
_recorded_by = sa.func.coalesce(event_search.c.reporter_organisation, sources.c.organisation)
# Written out, so that the planner knows them for the conditions of the indexes.
_URGENT = sa.text("alerts.kind = 'urgent'")
_DIGEST = sa.text("alerts.kind = 'digest'")
_FACTS = (
    sa.select(
        alerts.c.event_id,
        alerts.c.organisation,
        _told.c.name.label("organisation_name"),
        alerts.c.kind,
        alerts.c.reason,
        events.c.reference,
        event_search.c.event_type,
        event_search.c.occurred_on,
        event_search.c.worst_harm,
        _recorded_by.label("recorded_by"),
        _recorder.c.name.label("recorded_by_name"),
    )
    .join(events, events.c.id == alerts.c.event_id)
    .join(event_search, IS_SEARCHED)
    .join(sources, sources.c.id == events.c.source_id)
    .outerjoin(_told, _told.c.code == alerts.c.organisation)
    .outerjoin(_recorder, _recorder.c.code == _recorded_by)
)


class Alerts:
    def __init__(self, connection: sa.Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def find_urgent(self, limit: int, after: tuple[str, int] = ("", 0)) -> list[WaitingAlert]:
        """Urgent alerts that wait, by organisation and event, after this one; they are this
        transaction's to announce.

        In the order of the index of waiting alerts and from a place in it, so that a piece costs
        the same whether a thousand or a million wait and however many were announced before
        (PostgreSQL keeps their index entries while anybody reads an older state).
        """
        query = (
            _FACTS.where(
                _URGENT,
                alerts.c.announced_at.is_(None),
                sa.tuple_(alerts.c.organisation, alerts.c.event_id) > after,
            )
            .order_by(alerts.c.organisation, alerts.c.event_id)
            .limit(limit)
            .with_for_update(of=alerts, skip_locked=True)
        )
        return self._read(query)

    def find_digest_organisation(self, after: str) -> str | None:
        """The next organisation, by code after this one, with alerts waiting for its digest."""
        query = sa.select(sa.func.min(alerts.c.organisation)).where(
            _DIGEST,
            alerts.c.announced_at.is_(None),
            alerts.c.organisation > after,
        )
        return self._connection.execute(query).scalar()

    def find_of_message(self, message_id: str, limit: int) -> list[WaitingAlert]:
        """The alerts a message announces, worst harm first, at most ``limit`` of them."""
        query = (
            _FACTS.join(message_alerts, _same_alert())
            .where(message_alerts.c.message_id == message_id)
            .order_by(
                sa.func.coalesce(event_search.c.worst_harm, 9),
                event_search.c.occurred_on,
                events.c.id,
            )
            .limit(limit)
        )
        return self._read(query)

    def announce(self, announced: Sequence[WaitingAlert]) -> None:
        """These have their messages now."""
        self._connection.execute(
            sa.update(alerts)
            .where(
                alerts.c.event_id == sa.bindparam("event"),
                alerts.c.organisation == sa.bindparam("told"),
                alerts.c.kind == sa.bindparam("urgency"),
                alerts.c.announced_at.is_(None),
            )
            .values(announced_at=self._now),
            [
                {"event": one.event_id, "told": one.organisation, "urgency": one.kind}
                for one in announced
            ],
        )

    def announce_digest(self, organisation: str, message_id: str) -> None:
        """The organisation's waiting digest alerts that the message holds are announced."""
        held = sa.select(message_alerts.c.event_id).where(message_alerts.c.message_id == message_id)
        self._connection.execute(
            sa.update(alerts)
            .where(
                _DIGEST,
                alerts.c.announced_at.is_(None),
                alerts.c.organisation == organisation,
                alerts.c.event_id.in_(held),
            )
            .values(announced_at=self._now)
        )

    def _read(self, query: sa.Select[Any]) -> list[WaitingAlert]:
        return [WaitingAlert(**row) for row in self._connection.execute(query).mappings()]


def _same_alert() -> sa.ColumnElement[bool]:
    return sa.and_(
        message_alerts.c.event_id == alerts.c.event_id,
        message_alerts.c.organisation == alerts.c.organisation,
        message_alerts.c.kind == alerts.c.kind,
    )

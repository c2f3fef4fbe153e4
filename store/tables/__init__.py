"""The tables, by topic. Migrations in ``store/migrations`` make them, never ``create_all``."""

from store.tables.access import (
    access_tokens,
    assertions,
    source_certificates,
    source_clients,
    source_keys,
    usage,
)
from store.tables.audit import audit
from store.tables.batches import batches, bodies, findings, parts, receipt_lines
from store.tables.events import event_organisations, events, marks, patients, revisions
from store.tables.outbox import alerts, message_alerts, messages
from store.tables.registry import grants, organisations, sources, users
from store.tables.requests import corrections, idempotency_keys, trials, uploads
from store.tables.schema import metadata

__all__ = [
    "access_tokens",
    "alerts",
    "assertions",
    "audit",
    "batches",
    "bodies",
    "corrections",
    "event_organisations",
    "events",
    "findings",
    "grants",
    "idempotency_keys",
    "marks",
    "message_alerts",
    "messages",
    "metadata",
    "organisations",
    "parts",
    "patients",
    "receipt_lines",
    "revisions",
    "source_certificates",
    "source_clients",
    "source_keys",
    "sources",
    "trials",
    "uploads",
    "usage",
    "users",
]

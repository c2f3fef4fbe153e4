"""The tables, by topic. Migrations in ``store/migrations`` make them, never ``create_all``."""

from store.tables.access import (
    access_tokens,
    assertions,
    source_certificates,
    source_clients,
    source_keys,
    usage,
)
from store.tables.alarms import alarms, expected, feed_days, steps
from store.tables.audit import audit
from store.tables.batches import batches, bodies, findings, parts, receipt_lines
from store.tables.collectors import collected, collectors, receipt_messages
from store.tables.events import IS_CURRENT, IS_SEARCHED, event_search, events, revisions
from store.tables.forwarding import (
    forward_calls,
    forwarding,
    forwarding_batches,
    forwards,
)
from store.tables.outbox import alerts, message_alerts, messages
from store.tables.quarantine import edits, faults, quarantine, replays
from store.tables.reference import reference_runs
from store.tables.registry import grants, organisations, sources, users
from store.tables.requests import corrections, idempotency_keys, trials, uploads
from store.tables.retention import batch_prunings, pruned_files, quiet_batches
from store.tables.schema import metadata
from store.tables.views import marks, patients

__all__ = [
    "IS_CURRENT",
    "IS_SEARCHED",
    "access_tokens",
    "alarms",
    "alerts",
    "assertions",
    "audit",
    "batch_prunings",
    "batches",
    "bodies",
    "collected",
    "collectors",
    "corrections",
    "edits",
    "event_search",
    "events",
    "expected",
    "faults",
    "feed_days",
    "findings",
    "forward_calls",
    "forwarding",
    "forwarding_batches",
    "forwards",
    "grants",
    "idempotency_keys",
    "marks",
    "message_alerts",
    "messages",
    "metadata",
    "organisations",
    "parts",
    "patients",
    "pruned_files",
    "quarantine",
    "quiet_batches",
    "receipt_lines",
    "receipt_messages",
    "reference_runs",
    "replays",
    "revisions",
    "source_certificates",
    "source_clients",
    "source_keys",
    "sources",
    "steps",
    "trials",
    "uploads",
    "usage",
    "users",
]

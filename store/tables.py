"""The tables. Migrations in ``store/migrations`` make them; nothing ever calls ``create_all``."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from store.types import JsonText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite numbers only a column of exactly INTEGER by itself.
_RowNumber = BigInteger().with_variant(Integer, "sqlite")

organisations = Table(
    "organisations",
    metadata,
    Column("code", String(12), primary_key=True),
    Column("name", Text, nullable=False),
    Column("opened", Date),
    Column("closed", Date),
    Column("successor", String(12)),
    Column("icb", String(12)),
    Column("region", Text),
)

sources = Table(
    "sources",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organisation", ForeignKey("organisations.code"), nullable=False),
    Column("format", String(8), nullable=False),
    Column("profile", String(64)),
    Column("strict", Boolean, nullable=False, server_default=false()),
    Column("taxonomy_version", String(4), nullable=False),
    Column("on_break", String(4), nullable=False, server_default="wait"),
    Column("created_at", UtcDateTime, nullable=False),
)

# The organisations a source may submit for, besides its own: from ``starts_on`` to ``ends_on``
# (both included; none: without a bound). One that is given again is the same row; who gave it when
# before is in the audit log.
grants = Table(
    "grants",
    metadata,
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("organisation", ForeignKey("organisations.code"), nullable=False),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("given_by", Text, nullable=False, server_default=text("''")),
    Column("given_at", UtcDateTime),
    PrimaryKeyConstraint("source_id", "organisation"),
)

# Subscription keys, as sha256 only: what was handed out is nowhere to be read.
source_keys = Table(
    "source_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False, index=True),
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

# A source that has one of these is believed only where the proxy saw the certificate.
source_certificates = Table(
    "source_certificates",
    metadata,
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("source_id", "sha256"),
)

# OAuth 2 client credentials: the public keys of a source (a JWKS, uploaded or fetched).
source_clients = Table(
    "source_clients",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("jwks", Text),
    Column("jwks_url", Text),
    Column("scopes", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# Client assertions that were used, until they expire: each ``jti`` is good once.
assertions = Table(
    "assertions",
    metadata,
    Column("source_id", String(64), nullable=False),
    Column("jti_hash", LargeBinary(32), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("source_id", "jti_hash"),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# What a source used, by window (the second it began, since 1970): for its limits.
usage = Table(
    "usage",
    metadata,
    Column("source_id", String(64), nullable=False),
    Column("window", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False, server_default="0"),
    Column("records", BigInteger, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("source_id", "window"),
)

users = Table(
    "users",
    metadata,
    Column("id", _RowNumber, primary_key=True, autoincrement=True),
    Column("email", Text, nullable=False),
    Column("organisation", ForeignKey("organisations.code"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    UniqueConstraint("email", "organisation", "role"),
)

batches = Table(
    "batches",
    metadata,
    Column("number", _RowNumber, primary_key=True, autoincrement=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("filename", Text, nullable=False),
    Column("route", String(8), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("shape", String(12)),
    Column("profile", String(64)),
    Column("profile_version", String(128)),
    Column("profile_digest", String(64)),
    Column("verdict", String(16)),
    Column("records", Integer, nullable=False, server_default="0"),
    Column("created", Integer, nullable=False, server_default="0"),
    Column("revised", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("finished_at", UtcDateTime),
    Column("marked_at", UtcDateTime),
    UniqueConstraint("source_id", "sha256"),
    Index("ix_batches_state", "state"),
    Index("ix_batches_source", "source_id", "number"),
    # Few at a time wait to be marked, of millions.
    Index(
        "ix_batches_unmarked",
        "number",
        sqlite_where=text("state = 'finished' AND marked_at IS NULL"),
        postgresql_where=text("state = 'finished' AND marked_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

parts = Table(
    "parts",
    metadata,
    Column("batch_number", ForeignKey("batches.number"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("first_record", Integer, nullable=False),
    Column("first_line", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("records_done", Integer, nullable=False, server_default="0"),
    Column("content", String(64), nullable=False, server_default=text("''")),
    Column("member", Text, nullable=False, server_default=text("''")),
    Column("shape", String(12)),
    PrimaryKeyConstraint("batch_number", "number"),
)

# One row an event: its current revision, in columns to search by. No index on reference or local
# id: both lead to ``id`` by arithmetic (schemas.identifiers).
events = Table(
    "events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("reference", String(16), nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("identity", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content_hash", LargeBinary(32), nullable=False),
    # Where the newest record about the event stands in the order of arrival.
    Column("seen_batch", BigInteger, nullable=False),
    Column("seen_record", Integer, nullable=False),
    Column("taxonomy_version", String(4), nullable=False),
    Column("event_type", String(1), nullable=False),
    Column("occurred_on", Date),
    Column("worst_harm", SmallInteger),
    Column("never_event", Boolean, nullable=False),
    Column("reporter_organisation", String(12)),
    Column("first_batch", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_events_first_batch", "first_batch"),
)

# Where the current revision says it happened: a row for each organisation.
event_organisations = Table(
    "event_organisations",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("organisation", String(12), nullable=False),
    PrimaryKeyConstraint("event_id", "organisation"),
    Index("ix_event_organisations_organisation", "organisation"),
    sqlite_with_rowid=False,
)

# Each content an event has had, in order of arrival; the record is where it first stood.
revisions = Table(
    "revisions",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("content_hash", LargeBinary(32), nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("changes", JsonText),
    Column("derived", JsonText),
    Column("recorded_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("event_id", "number"),
)

# The patients of the current revision, in columns to search by.
patients = Table(
    "patients",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("physical_harm", String(4)),
    Column("psychological_harm", String(4)),
    Column("age_days", Integer),
    Column("age_bracket", String(4)),
    Column("gender", String(4)),
    PrimaryKeyConstraint("event_id", "sequence"),
    sqlite_with_rowid=False,
)

receipt_lines = Table(
    "receipt_lines",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("locator", Text, nullable=False),
    Column("local_id", Text),
    Column("raw_hash", LargeBinary(32), nullable=False),
    Column("disposition", String(10), nullable=False),
    Column("event_id", BigInteger),
    Column("revision", Integer),
    PrimaryKeyConstraint("batch_number", "number"),
    # The other lines of an event are where its revisions say they are; so the index costs
    # nothing on the first load of a record.
    Index(
        "ix_receipt_lines_unchanged",
        "event_id",
        sqlite_where=text("disposition = 'unchanged'"),
        postgresql_where=text("disposition = 'unchanged'"),
    ),
    Index(
        "ix_receipt_lines_rejected",
        "batch_number",
        "number",
        sqlite_where=text("disposition = 'rejected'"),
        postgresql_where=text("disposition = 'rejected'"),
    ),
    sqlite_with_rowid=False,
)

# The bytes of a batch that came as one request: stored in the transaction of its event. Those of
# feeds are raw files.
bodies = Table(
    "bodies",
    metadata,
    Column("batch_number", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

# What was answered to a request with an Idempotency-Key: ``answer``, about which event at which
# revision, and the batch that tells the rest. Reserved first, so that a second one that comes
# meanwhile is told to wait; ``token`` fences out whoever lost the reservation.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("source_id", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("reserved_until", UtcDateTime, nullable=False),
    Column("answer", String(10)),
    Column("batch_number", BigInteger),
    Column("event_id", BigInteger),
    Column("revision", Integer),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("source_id", "key"),
    sqlite_with_rowid=False,
)

# Dry runs: a feed whose bytes are kept, checked, and loaded only if it is promoted. ``receipt`` is
# the sha256 of the raw file that holds what loading it would do.
trials = Table(
    "trials",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("filename", Text, nullable=False),
    Column("route", String(8), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("receipt", String(64)),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("source_id", "sha256"),
)

# A rejected record and the batches (of one record each) that were sent in its place.
corrections = Table(
    "corrections",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("correction_batch", BigInteger, nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("batch_number", "record_number", "correction_batch"),
    sqlite_with_rowid=False,
)

# Uploads that are under way, or done (``batch_id``); the bytes that came so far are in a file.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("filename", Text, nullable=False),
    Column("metadata", Text, nullable=False, server_default=text("''")),
    Column("dry_run", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("batch_id", String(16)),
)

# Record number 0: a finding on the batch as a whole.
findings = Table(
    "findings",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("code", String(12), nullable=False),
    Column("severity", String(12), nullable=False),
    Column("scope", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("source_path", Text, nullable=False),
    Column("params", JsonText, nullable=False),
    PrimaryKeyConstraint("batch_number", "record_number", "ordinal"),
    sqlite_with_rowid=False,
)

# Externally recorded: by which source, route and organisation, and whether that is another than
# where the event happened.
marks = Table(
    "marks",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("source_id", String(64), nullable=False),
    Column("route", String(8), nullable=False),
    Column("recorded_by", String(12), nullable=False),
    Column("recorded_elsewhere", Boolean, nullable=False),
    Column("batch_number", BigInteger, nullable=False),
    Column("marked_at", UtcDateTime, nullable=False),
)

# The outbox. An alert is written with its event; messages are made of alerts, one a recipient.
alerts = Table(
    "alerts",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("organisation", String(12), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("reason", String(24), nullable=False),
    Column("batch_number", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    # Set in the transaction that makes its messages.
    Column("announced_at", UtcDateTime),
    PrimaryKeyConstraint("event_id", "organisation", "kind"),
    # With the event, so that it leads to one row as the primary key does: PostgreSQL takes the
    # smaller of the two, and without the event read every waiting alert to mark one as announced
    # (50,001 alerts: 86 s, with it 5 s; 2026-11-22).
    Index(
        "ix_alerts_waiting",
        "kind",
        "organisation",
        "event_id",
        sqlite_where=Column("announced_at").is_(None),
        postgresql_where=Column("announced_at").is_(None),
    ),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("organisation", String(12), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("last_error", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sent_at", UtcDateTime),
    Index("ix_messages_due", "state", "due_at"),
)

message_alerts = Table(
    "message_alerts",
    metadata,
    Column("message_id", ForeignKey("messages.id"), nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("organisation", String(12), nullable=False),
    Column("kind", String(8), nullable=False),
    PrimaryKeyConstraint("message_id", "event_id", "organisation", "kind"),
    sqlite_with_rowid=False,
)

# Insert only: triggers refuse update and delete.
audit = Table(
    "audit",
    metadata,
    Column("number", _RowNumber, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JsonText),
    sqlite_autoincrement=True,
)

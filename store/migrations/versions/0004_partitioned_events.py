"""Events by year of occurrence: contents and what is searched move into partitions on PostgreSQL;
marks and patients, which follow from them, become views. What stands around a part of a feed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSON

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON_TEXT = sa.Text().with_variant(JSON(), "postgresql")
BY_YEAR = "LIST (year)"
# Years that get a partition of their own; the others share one.
FIRST_YEAR, LAST_YEAR = 2000, 2099
REPLACED = ("event_organisations", "patients", "marks", "old_revisions", "old_events")


def upgrade() -> None:
    op.add_column(
        "parts", sa.Column("around", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for table in ("events", "revisions"):
        op.rename_table(table, f"old_{table}")
        if is_postgresql:
            # The names of indexes are the schema's, not the table's.
            op.execute(f"ALTER TABLE old_{table} RENAME CONSTRAINT pk_{table} TO pk_old_{table}")
    _make_events()
    _make_revisions()
    _make_search()
    if is_postgresql:
        _compress_payload()
        _make_partitions()
    _move(is_postgresql=is_postgresql)
    for table in REPLACED:
        op.drop_table(table)
    _make_marks()
    _make_patients(is_postgresql=is_postgresql)
    _index_alerts()


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seen_batch", sa.BigInteger(), nullable=False),
        sa.Column("seen_record", sa.Integer(), nullable=False),
        sa.Column("first_batch", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )


def _make_revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("batch_number", sa.BigInteger(), nullable=False),
        sa.Column("record_number", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payload", JSON_TEXT, nullable=False),
        sa.Column("changes", JSON_TEXT, nullable=True),
        sa.Column("derived", JSON_TEXT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "number", "year", name="pk_revisions"),
        postgresql_partition_by=BY_YEAR,
    )


def _make_search() -> None:
    op.create_table(
        "event_search",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("occurred_on", sa.Date(), nullable=True),
        sa.Column("worst_harm", sa.SmallInteger(), nullable=True),
        sa.Column("never_event", sa.Boolean(), nullable=False),
        sa.Column("recorded_elsewhere", sa.Boolean(), nullable=False),
        sa.Column("event_type", sa.String(length=1), nullable=False),
        sa.Column("taxonomy_version", sa.String(length=4), nullable=False),
        sa.Column("organisation", sa.String(length=12), nullable=True),
        sa.Column("reporter_organisation", sa.String(length=12), nullable=True),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "place", "year", name="pk_event_search"),
        postgresql_partition_by=BY_YEAR,
        sqlite_with_rowid=False,
    )
    _index_search("organisation", "organisation", "occurred_on")
    _index_search("reporter", "reporter_organisation", "occurred_on", where="place = 1")
    _index_search("source", "source_id", "occurred_on", where="place = 1")
    _index_search("occurred", "occurred_on", "event_type", "year", where="place = 1")
    _index_search("serious", "occurred_on", where="worst_harm <= 2")
    _index_search("never", "occurred_on", where="never_event")
    _index_search("elsewhere", "occurred_on", where="recorded_elsewhere")


def _index_search(name: str, *columns: str, where: str | None = None) -> None:
    only = None if where is None else sa.text(where)
    op.create_index(
        f"ix_event_search_{name}",
        "event_search",
        list(columns),
        postgresql_where=only,
        sqlite_where=only,
    )


def _compress_payload() -> None:
    """As in 0001; for what is longer than a page."""
    op.execute("""
        DO $$ BEGIN
            ALTER TABLE revisions ALTER COLUMN payload SET COMPRESSION lz4;
        EXCEPTION WHEN feature_not_supported THEN NULL;
        END $$
    """)


def _make_partitions() -> None:
    """For events without a date, for years out of bounds, and for each year there is; years to
    come get theirs when they do (``store.partitions``)."""
    found = op.get_bind().execute(
        sa.text("""
            SELECT DISTINCT CAST(extract(year FROM occurred_on) AS integer) FROM old_events
            WHERE extract(year FROM occurred_on) BETWEEN :first AND :last
        """),
        {"first": FIRST_YEAR, "last": LAST_YEAR},
    )
    bounds = {str(year): f"FOR VALUES IN ({year})" for year in found.scalars()}
    for name, bound in {"undated": "FOR VALUES IN (0)", "other": "DEFAULT", **bounds}.items():
        op.execute(f"CREATE TABLE event_search_{name} PARTITION OF event_search {bound}")
        # Payloads stay in their rows as they are: compressing them (pglz) costs twice as much as
        # all else of storing one, and saves a quarter.
        op.execute(
            f"CREATE TABLE revisions_{name} PARTITION OF revisions {bound}"
            " WITH (toast_tuple_target = 8160)"
        )


def _move(*, is_postgresql: bool) -> None:
    if is_postgresql:
        year = "CAST(coalesce(extract(year FROM occurred_on), 0) AS smallint)"
    else:
        year = "coalesce(CAST(strftime('%Y', occurred_on) AS integer), 0)"
    op.execute(f"""
        INSERT INTO events (id, reference, source_id, identity, revision, content_hash, seen_batch,
            seen_record, first_batch, year, created_at, updated_at)
        SELECT id, reference, source_id, identity, revision, content_hash, seen_batch,
            seen_record, first_batch, {year}, created_at, updated_at
        FROM old_events
    """)  # noqa: S608
    op.execute("""
        INSERT INTO revisions (event_id, number, batch_number, record_number, content_hash,
            payload, changes, derived, recorded_at, year)
        SELECT event_id, number, batch_number, record_number, old_revisions.content_hash,
            payload, changes, derived, recorded_at, events.year
        FROM old_revisions JOIN events ON events.id = old_revisions.event_id
    """)
    other = f"{_trust('other.organisation')} <> {_trust('recorded_by')}"
    op.execute(f"""
        INSERT INTO event_search (event_id, place, year, occurred_on, worst_harm, never_event,
            recorded_elsewhere, event_type, taxonomy_version, organisation, reporter_organisation,
            source_id)
        SELECT told.id,
            row_number() OVER (PARTITION BY told.id ORDER BY own.organisation),
            told.year, occurred_on, worst_harm, never_event,
            EXISTS (
                SELECT 1 FROM event_organisations AS other
                WHERE other.event_id = told.id AND {other}
            ),
            event_type, taxonomy_version, own.organisation, reporter_organisation, source_id
        FROM (
            SELECT old_events.*, events.year,
                coalesce(old_events.reporter_organisation, sources.organisation) AS recorded_by
            FROM old_events
            JOIN events ON events.id = old_events.id
            JOIN sources ON sources.id = old_events.source_id
        ) AS told
        LEFT JOIN event_organisations AS own ON own.event_id = told.id
    """)  # noqa: S608


def _trust(code: str) -> str:
    """``schemas.identifiers.get_trust`` in SQL."""
    is_site = f"length({code}) = 5 AND substr({code}, 1, 1) IN ('R', 'T')"
    return f"CASE WHEN {is_site} THEN substr({code}, 1, 3) ELSE {code} END"


def _make_marks() -> None:
    op.execute("""
        CREATE VIEW marks AS
        SELECT events.id AS event_id, events.source_id, came_first.route,
            coalesce(event_search.reporter_organisation, sources.organisation) AS recorded_by,
            event_search.recorded_elsewhere, revisions.batch_number,
            coalesce(came_first.marked_at, came_last.marked_at) AS marked_at, events.year
        FROM events
        JOIN event_search ON event_search.event_id = events.id
            AND event_search.year = events.year AND event_search.place = 1
        JOIN revisions ON revisions.event_id = events.id
            AND revisions.year = events.year AND revisions.number = events.revision
        JOIN batches AS came_first ON came_first.number = events.first_batch
        JOIN batches AS came_last ON came_last.number = revisions.batch_number
        JOIN sources ON sources.id = events.source_id
        WHERE came_first.marked_at IS NOT NULL OR came_last.marked_at IS NOT NULL
    """)


def _make_patients(*, is_postgresql: bool) -> None:
    if is_postgresql:
        given = "revisions.payload -> 'groups' -> 'PatientInformation'"
        listed = f"CASE json_typeof({given}) WHEN 'array' THEN {given} ELSE '[]' END"
        each = f"json_array_elements({listed}) WITH ORDINALITY AS patient (value, sequence)"
        text, number, sequence = "(value ->> '{}')", "CAST(value ->> '{}' AS bigint)", "sequence"
    else:
        each = "json_each(revisions.payload, '$.groups.PatientInformation') AS patient"
        text = number = "json_extract(value, '$.{}')"
        sequence = "key + 1"
    age = number.format("AgeAtTimeOfIncidentDays")
    op.execute(f"""
        CREATE VIEW patients AS
        SELECT events.id AS event_id, {sequence} AS sequence,
            {text.format("PhysicalHarm")} AS physical_harm,
            {text.format("PsychologicalHarm")} AS psychological_harm,
            {age} AS age_days,
            {text.format("AgeBracket")} AS age_bracket,
            {text.format("GenderIdentity")} AS gender
        FROM events
        JOIN revisions ON revisions.event_id = events.id
            AND revisions.year = events.year AND revisions.number = events.revision
        CROSS JOIN {each}
    """)  # noqa: S608


def _index_alerts() -> None:
    """Those that wait for a digest are found by organisation alone: the event, which makes each
    entry another, is needed for the urgent ones only."""
    op.drop_index("ix_alerts_waiting", "alerts")
    urgent = sa.text("announced_at IS NULL AND kind = 'urgent'")
    digest = sa.text("announced_at IS NULL AND kind = 'digest'")
    for name, columns, where in (
        ("urgent", ["organisation", "event_id"], urgent),
        ("digest", ["organisation"], digest),
    ):
        op.create_index(
            f"ix_alerts_{name}", "alerts", columns, postgresql_where=where, sqlite_where=where
        )

"""A gateway with everything registered, ready to take the sample feeds: used by the tests that run
the whole line."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.register import add_organisations, add_source, add_user, read_organisations
from gateway.receipts.read import open_receipt
from schemas.batch import Batch
from schemas.receipt import Receipt
from schemas.submission import Organisation, Source
from store.engine import open_store

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
ORGANISATIONS = Path("samples/organisations.csv")


def read_register() -> list[Organisation]:
    with ORGANISATIONS.open(encoding="utf-8", newline="") as lines:
        return list(read_organisations(lines, ORGANISATIONS.name))


@contextmanager
def open_line(
    home: Path, database_url: str = "", *, now: datetime = NOW, **settings: object
) -> Iterator[Gateway]:
    """A gateway on ``home`` whose clock stands still; the database is migrated."""
    values = {"digest_hour": 0, **settings}
    config = Settings(home=home, database_url=database_url, **values)
    store = open_store(config.database)
    store.migrate()
    store.close()
    with open_gateway(config, now=lambda: now, actor="test") as gateway:
        yield gateway


def register_everyone(
    gateway: Gateway, *, formats: tuple[str, ...] = ("fhir", "xml", "csv")
) -> None:
    """The sample register; a source of each format, that may submit for everybody; admins for
    every second organisation."""
    register = read_register()
    add_organisations(gateway, register)
    codes = frozenset(organisation.code for organisation in register)
    for feed_format in formats:
        add_source(
            gateway,
            Source(
                id=f"test-{feed_format}",
                organisation=register[0].code,
                format=feed_format,
                profile=None if feed_format == "fhir" else f"lrms-{feed_format}",
                submits_for=codes,
            ),
        )
    for organisation in register[::2]:
        add_user(gateway, f"admin@{organisation.code.lower()}.example", organisation.code, "admin")


def ingest(gateway: Gateway, source: str, feed: bytes) -> Batch:
    """The finished (or held) batch of these bytes."""
    return ingest_feed(gateway, source, io.BytesIO(feed), filename="feed")[0]


def read_receipt(gateway: Gateway, batch_id: str) -> Receipt:
    """With all of its records."""
    with open_receipt(gateway, batch_id) as receipt:
        return msgspec.structs.replace(receipt.head, records=list(receipt.records))

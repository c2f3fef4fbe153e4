"""A feed full of a made-up person leaves nothing of it anywhere but where events are kept."""

import io
import logging
import traceback

import pytest
from sqlalchemy import MetaData, text

from gateway.pipeline.check import check_feed
from gateway.pipeline.decide import release_batch
from gateway.pipeline.ingest import ingest_feed, process_batch
from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.receipts.build import ReceiptStream
from gateway.receipts.read import open_receipt
from gateway.receipts.write import WRITERS
from schemas.errors import GatewayError
from tests.lib.databases import make_engine
from tests.lib.line import open_line, register_everyone
from tests.lib.marked_feeds import PERSON, find_words, make_csv, make_feeds

# Where events are kept: by design.
KEPT = {("revisions", "payload")}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The whole line over every feed, once, with everything logged: (gateway, batches, log)."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with open_line(tmp_path_factory.mktemp("leaks")) as gateway:
            register_everyone(gateway)
            batches = []
            for feed_format, content in make_feeds():
                source = f"test-{feed_format}"
                batch, _ = ingest_feed(gateway, source, io.BytesIO(content), filename="feed")
                if batch.state == "held":
                    assert find_lines(write_receipts(gateway, batch.id)) == []
                    release_batch(gateway, batch.id, "to see what is said of its records")
                    batch = process_batch(gateway, batch.id)
                batches.append(batch)
            prepare_messages(gateway)
            assert deliver_messages(gateway)["sent"] > 0
            yield gateway, batches, log
    finally:
        root.removeHandler(handler)
        root.setLevel(before)


def write_receipts(gateway, batch_id: str) -> str:
    written = ""
    for write in WRITERS.values():
        with open_receipt(gateway, batch_id) as receipt:
            written += "".join(write(receipt))
    return written


def read_cells(gateway):
    """(table, column, text) of everything in the database."""
    engine = make_engine(gateway.settings.database)
    metadata = MetaData()
    with engine.connect() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            names = [column.name for column in table.columns]
            columns = ", ".join(f'"{name}"' for name in names)
            for row in connection.execute(text(f"SELECT {columns} FROM {table.name}")):
                yield from (
                    (table.name, name, str(cell)) for name, cell in zip(names, row, strict=True)
                )
    engine.dispose()


def test_the_person_is_in_the_events_and_nowhere_else_in_the_database(run):
    gateway, _, _ = run
    found = {(table, column) for table, column, cell in read_cells(gateway) if find_words(cell)}
    assert found == KEPT, "without the person in the events this test could not fail"


def test_every_way_to_reject_was_taken(run):
    _, batches, _ = run
    big = batches[:4]
    assert all(batch.counts.rejected > 20 for batch in big)
    assert all(batch.counts.created + batch.counts.revised > 0 for batch in big)
    assert all(batch.verdict == "rejected" for batch in batches[4:])


@pytest.mark.parametrize("form", WRITERS)
def test_receipts_name_nobody(run, form):
    gateway, batches, _ = run
    for batch in batches:
        with open_receipt(gateway, batch.id) as receipt:
            written = "".join(WRITERS[form](receipt))
        assert batch.id in written or form == "csv"
        assert find_lines(written) == []


@pytest.mark.parametrize("form", WRITERS)
def test_a_check_names_nobody(run, form):
    gateway, _, _ = run
    for feed_format, content in make_feeds():
        receipt = check_feed(gateway, f"test-{feed_format}", io.BytesIO(content), filename="feed")
        stream = ReceiptStream(receipt, iter(receipt.records))
        assert find_lines("".join(WRITERS[form](stream))) == []


def find_lines(written):
    return [line[:400] for line in written.splitlines() if find_words(line)]


def test_mail_names_nobody(run):
    gateway, _, _ = run
    mails = list(gateway.settings.mailbox_folder.rglob("*.eml"))
    assert mails
    assert [mail.name for mail in mails if find_words(mail.read_text())] == []


def test_logs_name_nobody(run):
    _, _, log = run
    written = log.getvalue()
    assert "loaded" in written, "nothing was logged"
    assert find_lines(written) == []


FAILURES = {
    "sqlite": (
        "CREATE TRIGGER refuse BEFORE INSERT ON revisions BEGIN SELECT RAISE(ABORT, 'no'); END",
    ),
    # Its answer quotes the row that failed, and the line of COPY.
    "postgresql": ("ALTER TABLE revisions ADD CONSTRAINT refuse CHECK (number < 0) NOT VALID",),
}


def test_an_exception_names_nobody(database_url, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    with open_line(tmp_path, database_url) as gateway:
        register_everyone(gateway)
        kind = "sqlite" if database_url.startswith("sqlite") else "postgresql"
        engine = make_engine(database_url)
        with engine.begin() as connection:
            for statement in FAILURES[kind]:
                connection.execute(text(statement))
        engine.dispose()
        with pytest.raises(GatewayError) as failure:
            ingest_feed(gateway, "test-csv", io.BytesIO(make_csv()), filename="feed.csv")
    told = "".join(traceback.format_exception(failure.value))
    assert find_lines(told) == []
    assert find_lines(caplog.text) == []


def test_the_words_are_found_where_they_stand():
    assert len(find_words(PERSON)) == 5

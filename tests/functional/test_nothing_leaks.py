"""A feed full of a made-up person leaves nothing of it anywhere but where events are kept."""

import io
import json
import logging
import traceback

import msgspec
import pytest
from sqlalchemy import MetaData, text

from gateway.logs import JsonFormatter
from gateway.monitoring.metrics import write_metrics
from gateway.monitoring.spans import flush_spans
from gateway.monitoring.status import find_status
from gateway.monitoring.status_text import write_status
from gateway.monitoring.watch import watch
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
from tests.lib.otlp import read_attributes, receive_otlp

# Where events are kept: by design.
KEPT = {("revisions", "payload")}


class Told:
    """What was told beside the store: as text, as JSON, as traces."""

    def __init__(self, traces):
        self.traces = traces
        self.text, self.json = io.StringIO(), io.StringIO()
        self.handlers = [logging.StreamHandler(self.text), logging.StreamHandler(self.json)]
        self.handlers[1].setFormatter(JsonFormatter())


@pytest.fixture(scope="module")
def told():
    """Everything logged, every span received, while the module's tests run."""
    root = logging.getLogger()
    before = root.level
    with receive_otlp() as (endpoint, traces), pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        found = Told(traces)
        for handler in found.handlers:
            root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        # What the exporter itself sends with logs too.
        logging.getLogger("urllib3").setLevel(logging.INFO)
        try:
            yield found
        finally:
            for handler in found.handlers:
                root.removeHandler(handler)
            root.setLevel(before)


@pytest.fixture(scope="module")
def run(tmp_path_factory, told):
    """The whole line over every feed, once, with everything told: (gateway, batches, told)."""
    with open_line(tmp_path_factory.mktemp("leaks"), held_late_hours=1) as gateway:
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
        watch(gateway)
        prepare_messages(gateway)
        assert deliver_messages(gateway)["sent"] > 0
        yield gateway, batches, told


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
    _, _, told = run
    written = told.text.getvalue()
    assert "loaded" in written, "nothing was logged"
    assert find_lines(written) == []


def test_logs_as_json_name_nobody_and_say_what_they_are_about(run):
    _, batches, told = run
    written = told.json.getvalue()
    assert find_lines(written) == []
    lines = [json.loads(line) for line in written.splitlines()]
    assert all(line.keys() >= {"time", "level", "logger", "message"} for line in lines)
    about = {(line.get("batch"), line.get("source")) for line in lines}
    assert {(batch.id, batch.source_id) for batch in batches} <= about


def test_traces_name_nobody(run):
    _, batches, told = run
    flush_spans()
    told_of = {read_attributes(span).get("lrms.batch") for span in told.traces.spans}
    assert {batch.id for batch in batches} <= told_of
    assert find_lines("\n".join(map(str, told.traces.requests))) == []


def test_alarms_and_the_mail_about_them_name_nobody(run):
    gateway, _, _ = run
    with gateway.store.read() as work:
        opened = work.alarms.find_open()
    assert "ALARM-003" in {one.code for one in opened}, "half of it all is rejected"
    mails = list(gateway.settings.mailbox_folder.glob("alarm-*.eml"))
    assert mails
    assert [mail.name for mail in mails if find_words(mail.read_text())] == []


def test_status_and_metrics_name_nobody(run):
    gateway, _, _ = run
    status = find_status(gateway)
    written = write_status(status) + msgspec.json.encode(status).decode() + write_metrics(gateway)
    assert "test-csv" in written
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

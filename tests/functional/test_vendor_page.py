"""The examples of docs/for-vendors.md do what the page says of them."""

import io
import json
import re
from pathlib import Path

import jsonschema
import pytest

from gateway.pipeline.check import check_feed
from gateway.pipeline.ingest import ingest_feed
from gateway.receipts.read import open_receipt
from gateway.receipts.write import write_json
from schemas.identifiers import parse_reference
from schemas.taxonomy import get_taxonomy
from tests.lib.line import open_line, register_everyone

PAGE = Path("docs/for-vendors.md").read_text(encoding="utf-8")
# What a block is stands in a comment before it, which readers do not see.
BLOCKS = re.findall(r"<!-- ([^>]+?) -->\n```\w+\n(.*?)```\n", PAGE, re.DOTALL)


def find_blocks(title):
    return [text for found, text in BLOCKS if found == title]


@pytest.fixture
def gateway(tmp_path):
    with open_line(tmp_path) as gateway:
        register_everyone(gateway)
        yield gateway


@pytest.mark.parametrize(("feed_format", "examples"), [("fhir", 2), ("csv", 1), ("xml", 1)])
def test_an_example_is_accepted_without_a_word(gateway, feed_format, examples):
    blocks = find_blocks(f"accepted: {feed_format}")
    assert len(blocks) == examples
    for block in blocks:
        stream = io.BytesIO(block.encode())
        receipt = check_feed(gateway, f"test-{feed_format}", stream, filename="example")
        assert receipt.verdict == "accepted"
        assert receipt.counts.created == 1
        assert [finding for record in receipt.records for finding in record.findings] == []


@pytest.mark.parametrize("block", find_blocks("accepted: fhir"))
def test_the_smallest_event_is_the_smallest(gateway, block):
    """Without any one of its groups it is not accepted."""
    event = json.loads(block)
    holders = [event, *event["contained"]]
    assert sum(len(holder["extension"]) for holder in holders) >= 4
    for holder in holders:
        for position in range(len(holder["extension"])):
            taken = holder["extension"].pop(position)
            stream = io.BytesIO(json.dumps(event).encode())
            receipt = check_feed(gateway, "test-fhir", stream, filename="example")
            assert receipt.verdict == "rejected", taken["url"]
            holder["extension"].insert(position, taken)


def test_csv_and_xml_say_the_same_event(gateway):
    references = []
    for feed_format in ("csv", "xml"):
        (block,) = find_blocks(f"accepted: {feed_format}")
        stream = io.BytesIO(block.encode())
        ingest_feed(gateway, f"test-{feed_format}", stream, filename="example")
    with gateway.store.read() as work:
        for batch in work.batches.find_all(10):
            (line,) = work.receipts.read_lines(batch)
            references.append(line.reference)
        found = [read_event(work, reference) for reference in references]
    assert len(found) == 2
    assert found[0] == found[1]
    assert len(found[0].patients) == 2


def read_event(work, reference):
    stored = work.events.find(parse_reference(reference))
    return stored.event


def test_the_receipt_is_the_one_of_its_feed(gateway):
    (feed,), (shown,) = find_blocks("feed of the receipt: csv"), find_blocks("receipt")
    batch, _ = ingest_feed(gateway, "test-csv", io.BytesIO(feed.encode()), filename="feed.csv")
    with open_receipt(gateway, batch.id) as receipt:
        real = json.loads("".join(write_json(receipt)))
    assert json.loads(shown) == real
    jsonschema.validate(real, json.loads(Path("docs/receipt.schema.json").read_bytes()))


def test_every_link_of_the_page_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (Path("docs") / target).exists(), target
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings


def test_value_sets_are_named_as_in_the_taxonomy():
    assert "agent-type" in get_taxonomy("5").code_systems

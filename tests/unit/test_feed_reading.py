"""Reading a whole feed: numbers run on over its files, and to index it says of it what to read it
says."""

import io

import pytest

from gateway.adapters.limits import Limits
from gateway.pipeline.feeds import FeedTerms
from gateway.pipeline.read import FeedReading
from gateway.pipeline.survey import index_contents
from gateway.pipeline.unpack import open_contents
from mappers.profile_load import load_profile
from store.raw_files import RawFiles
from tests.lib.feeds import generate
from tests.lib.hostile_feeds import make_hostile_feeds
from tests.lib.packed_feeds import make_zip

HOSTILE = make_hostile_feeds()
PROFILES = {"csv": "lrms-csv", "xml": "lrms-xml", "json": "inphase-like-json"}


def open_feed(tmp_path, feed_format, content, **limits):
    name = PROFILES.get(feed_format)
    terms = FeedTerms(feed_format, load_profile(name) if name else None, Limits(**limits))
    return open_contents(terms, io.BytesIO(content), RawFiles(tmp_path))


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("records", [3, 1_000])
def test_indexing_says_of_a_feed_what_reading_says(tmp_path, name, records):
    limits = {"record_bytes": 100_000, "records": records}
    feed = open_feed(tmp_path, name.split()[0], HOSTILE[name], **limits)
    reading = FeedReading(feed)
    numbers = [record.number for record in reading]
    indexes, findings = index_contents(feed, part_bytes=2_000)
    counts = [one.records for one in indexes]
    assert numbers == list(range(1, sum(counts) + 1))
    assert (counts, findings) == (reading.counts, reading.findings)


@pytest.mark.parametrize(
    ("feed_format", "form", "locators"),
    [
        ("csv", "csv", ["a row 2", "a row 3", "b row 2", "b row 3"]),
        ("fhir", "fhir-5", ["a line 1", "a line 2", "b line 1", "b line 2"]),
        (
            "xml",
            "xml",
            [f"{name} /incidents/incident[{place}]" for name in "ab" for place in (1, 2)],
        ),
    ],
)
def test_numbers_run_on_and_places_are_those_in_the_file(tmp_path, feed_format, form, locators):
    packed = make_zip([("a", generate(form, 2, 1)), ("b", generate(form, 2, 2))])
    reading = FeedReading(open_feed(tmp_path, feed_format, packed))
    records = list(reading)
    assert [record.number for record in records] == [1, 2, 3, 4]
    assert [record.locator for record in records] == locators
    assert reading.counts == [2, 2]


def test_a_file_that_breaks_off_does_not_cost_the_next(tmp_path):
    packed = make_zip([("a", generate("xml", 3, 1)[:-200]), ("b", generate("xml", 2, 2))])
    reading = FeedReading(open_feed(tmp_path, "xml", packed))
    assert [record.number for record in reading] == [1, 2, 3, 4]
    assert reading.counts == [2, 2]
    assert [(found.code, found.source_path) for found in reading.findings] == [("READ-051", "a")]

"""Generated feeds: the same bytes for the same seed, read back by our own readers without loss."""

import io
import tracemalloc

import pytest

from gateway.adapters.limits import Limits
from gateway.generator import FORMATS, write_feed
from gateway.generator.organisations import make_register, write_register
from gateway.pipeline.feeds import make_feed_terms, make_mapper, read_records
from mappers.profile_load import make_shelf
from schemas.batch import Part
from schemas.errors import WrongUseError
from schemas.submission import Source
from tests.lib.generated import make_maker
from tests.lib.line import ORGANISATIONS

# Format of the source, its profile, and the shape of the feed.
KINDS = {
    "fhir": ("fhir", None, "fhir-ndjson"),
    "fhir-xml": ("fhir", None, "fhir-xml"),
    "xml": ("xml", "lrms-xml", "xml"),
    "csv": ("csv", "lrms-csv", "csv"),
    "national-csv": ("csv", "national-csv", "csv"),
}


def write(events=20, **options):
    stream = io.BytesIO()
    write_feed(stream, **{"events": events, "format": "fhir-5", "seed": 7, **options})
    return stream.getvalue()


def read(feed, feed_format):
    name, profile, shape = KINDS[feed_format.rstrip("-0123456789")]
    source = Source(id="test", organisation="RZA", format=name, profile=profile)
    part = Part(batch_number=0, number=0, start=0, end=len(feed))
    stream, mapper = (
        io.BytesIO(feed),
        make_mapper(source, make_feed_terms(source, make_shelf(), Limits())),
    )
    limits = Limits(record_bytes=2**20)
    records = read_records(stream, shape, part, make_feed_terms(source, make_shelf(), limits))
    return [mapper.map_record(record) for record in records]


@pytest.mark.parametrize("feed_format", FORMATS)
def test_what_is_written_is_read_back_as_the_same_events(feed_format):
    mapped = read(write(format=feed_format, seed=3), feed_format)
    maker = make_maker(FORMATS[feed_format][0], 3, organisations=("RZA",))
    assert [one.findings for one in mapped] == [[]] * 20
    assert [one.event for one in mapped] == [maker.make(number) for number in range(1, 21)]
    assert [one.local_id for one in mapped] == [f"SYN-3-{number:07d}" for number in range(1, 21)]


@pytest.mark.parametrize("feed_format", FORMATS)
def test_the_same_seed_gives_the_same_bytes(feed_format):
    options = {"format": feed_format, "errors": 0.2, "duplicates": 0.2}
    assert write(**options) == write(**options)
    assert write(**options) != write(**options, seed=8)


def test_a_longer_feed_begins_like_a_shorter_one():
    assert write(events=30, duplicates=0.3).startswith(write(events=10, duplicates=0.3))


@pytest.mark.parametrize("feed_format", FORMATS)
def test_faulty_events_can_be_written_in_every_format(feed_format):
    assert len(read(write(events=150, format=feed_format, errors=1.0), feed_format)) == 150


def test_memory_does_not_grow_with_the_feed():
    class Sink(io.RawIOBase):
        def write(self, data):
            return len(data)

    def peak(events):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        write_feed(Sink(), events=events, format="fhir-5", seed=1, duplicates=0.2)
        return tracemalloc.get_traced_memory()[1] - before

    write(events=5)
    tracemalloc.start()
    try:
        small, large = peak(20), peak(400)
    finally:
        tracemalloc.stop()
    assert large < 2 * small


def test_an_unknown_format_is_refused_with_those_there_are():
    with pytest.raises(WrongUseError, match="fhir-5"):
        write(format="hl7")


def test_the_sample_register_is_the_generators():
    text = io.StringIO()
    write_register(text)
    assert ORGANISATIONS.read_text() == text.getvalue()
    assert len(make_register()) > 70

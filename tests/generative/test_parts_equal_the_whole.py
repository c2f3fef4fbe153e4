"""Any feed, whole or hostile, cut into parts of any size and read in any order, gives the records,
numbers, locators, hashes and findings that reading it from start to end gives."""

import csv
import io
import json
import random
from functools import lru_cache
from operator import itemgetter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.shapes import find_shape
from gateway.generator import write_feed
from mappers.profile_load import make_shelf
from samples.makers.hostile.sound import make_item, make_json
from schemas.submission import FeedFormat
from tests.fuzz.seeds import TOKENS, find_seeds
from tests.lib.parted import check_parts, make_terms

LIMITS = Limits(record_bytes=20_000, columns=400, depth=50, text_chars=5_000, records=400)
SHELF = make_shelf(Path("samples/hostile"))
TARGETS: dict[str, tuple[FeedFormat, str | None]] = {
    "fhir": ("fhir", None),
    "csv": ("csv", "lrms-csv"),
    "csv-rows": ("csv", "datix-like-csv"),
    "xml": ("xml", "lrms-xml"),
    "xml-fields": ("xml", "ulysses-like-xml"),
    "json": ("json", "tiny-json"),
    "json-nested": ("json", "inphase-like-json"),
}


def check(raw: bytes, name: str, part_bytes: int, seed: int = 0, limits: Limits = LIMITS) -> int:
    feed_format, profile_name = TARGETS[name]
    profile = SHELF.load(profile_name) if profile_name else None
    pointer = profile.record if profile else None
    try:
        shape = find_shape(io.BytesIO(raw), feed_format, limits=limits, pointer=pointer)
    except BrokenFeed:
        return 0
    shuffle = random.Random(seed)
    terms = make_terms(shape, profile, limits)
    return check_parts(
        raw, shape, terms, part_bytes, lambda parts: shuffle.sample(parts, len(parts))
    )


# What a sound feed is taken from, beside the seeds, which are mostly broken ones.
SAMPLES = {
    "csv-rows": "datix-like-csv/feed.csv",
    "xml-fields": "ulysses-like-xml/feed.xml",
    "json-nested": "inphase-like-json/feed.json",
}
FORMATS = {"csv": ["csv"], "xml": ["xml"], "fhir": ["fhir-4", "fhir-6", "fhir-xml-5"]}


@lru_cache
def find_sound(name: str) -> list[bytes]:
    """Feeds in which nothing is wrong: of six events, or a sample of the profile's own."""
    if name in SAMPLES:
        sample = Path("samples/profiles", SAMPLES[name]).read_bytes()
        return [put_together(sample) if name == "csv-rows" else sample]
    feeds = []
    for feed_format in FORMATS.get(name, ()):
        stream = io.BytesIO()
        write_feed(stream, events=6, format=feed_format, seed=3)
        feeds.append(stream.getvalue())
    if name == "fhir":
        events = [json.loads(line) for line in feeds[0].splitlines()]
        entries = [{"resource": event} for event in events]
        bundle = {"resourceType": "Bundle", "entry": entries, "type": "batch"}
        feeds += [json.dumps(bundle, indent=space).encode() for space in (None, 1)]
    if name == "json":
        feeds.append(make_json(*map(make_item, "ABCDEFG")).encode())
    return feeds


def put_together(sample: bytes) -> bytes:
    """The rows of a record one behind the other."""
    header, *rows = csv.reader(io.StringIO(sample.decode("cp1252"), newline=""))
    rows.sort(key=itemgetter(0))
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode("cp1252")


@st.composite
def broken_feeds(draw, name):
    """A feed, changed in a few places, often by what is a piece of it."""
    # Half of them sound ones: of the samples, which are long, only some bytes more than a part.
    sound = [feed for feed in find_sound(name) if len(feed) < 100_000]
    feeds = st.sampled_from(find_seeds(name))
    feed = bytearray(draw(feeds | st.sampled_from(sound) if sound else feeds))
    tokens = st.sampled_from([token.encode() for token in TOKENS[name.partition("-")[0]]])
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(feed)))
        end = min(len(feed), start + draw(st.integers(0, 200)))
        piece = bytes(feed[start:end])
        feed[start:end] = draw(
            st.one_of(st.just(b""), tokens, st.binary(max_size=4), st.just(piece * 3))
        )
    return bytes(feed)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=80, deadline=None)
@given(data=st.data(), part_bytes=st.sampled_from([1, 100, 700, 3_000]), seed=st.integers(0, 9))
def test_a_feed_in_parts_reads_as_the_whole(name, data, part_bytes, seed):
    check(data.draw(broken_feeds(name)), name, part_bytes, seed)


@pytest.mark.parametrize("name", TARGETS)
def test_so_does_every_seed(name):
    for raw in find_seeds(name):
        for part_bytes in (1, 500):
            check(raw, name, part_bytes)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_sound_is_cut(name):
    limits = msgspec.structs.replace(LIMITS, records=100_000, record_bytes=2**20)
    for raw in find_sound(name):
        assert check(raw, name, len(raw) // 4, limits=limits) >= 3

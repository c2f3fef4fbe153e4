"""Every reader, and the mapper behind it, against feeds that were cut, spliced, doubled and
sprinkled with what hurts: nothing but a verdict on the feed ever comes out. (``make fuzz`` goes on
for as long as one likes.)"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import TOKENS, find_seeds
from tests.fuzz.targets import TARGETS


@st.composite
def broken_feeds(draw, name):
    """A seed, changed in a few places."""
    seeds = st.sampled_from(find_seeds(name))
    tokens = st.sampled_from([token.encode() for token in TOKENS[name.partition("-")[0]]])
    feed = bytearray(draw(seeds))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(feed)))
        end = min(len(feed), start + draw(st.integers(0, 200)))
        piece = feed[start:end]
        new = draw(
            st.one_of(
                st.just(b""),
                tokens,
                st.binary(max_size=8),
                st.just(bytes(piece) * 3),
                tokens.map(lambda token: token * 300),
            )
        )
        feed[start:end] = new
    return bytes(feed)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_a_reader_gives_records_or_a_verdict(name, data):
    TARGETS[name](data.draw(broken_feeds(name)))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=50, deadline=None)
@given(feed=st.binary(max_size=300))
def test_whatever_noise_a_reader_is_given_it_gives_records_or_a_verdict(name, feed):
    TARGETS[name](feed)

"""Whatever the bytes: unpacking ends, says what is wrong, and raises nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.limits import Limits
from tests.lib.packed_feeds import make_gzip, make_zip, unpack_all

LINES = b"".join(b"%d,a row of the feed\n" % number for number in range(300))
NOISE = bytes(byte * 167 % 251 for byte in range(700))
SOUND = {
    "gzip": make_gzip(LINES, NOISE),
    "zip": make_zip([("march.csv", LINES), ("dir/", b""), ("april.csv", NOISE)]),
    "streamed zip": make_zip([("march.csv", LINES), ("april.csv", NOISE)], streamed=True),
}
# What their formats are made of, so that damage hits more than data.
MARKS = [
    b"\x1f\x8b\x08",
    b"PK\1\2",
    b"PK\3\4",
    b"PK\5\6",
    b"PK\6\6",
    b"PK\7\x08",
    b"\xff" * 4,
    b"\0" * 8,
]
LIMITS = Limits(unpacked_bytes=100_000, members=10)
damages = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(MARKS) | st.binary(min_size=1, max_size=8),
        st.sampled_from(["over", "in", "out"]),
    ),
    max_size=4,
)


@settings(deadline=None, max_examples=300)
@pytest.mark.parametrize("kind", SOUND)
@given(damages=damages, length=st.floats(0, 1) | st.just(1.0))
def test_a_damaged_feed_raises_nothing_and_gives_no_more_than_it_may(kind, damages, length):
    packed = bytearray(SOUND[kind])
    # The first bytes stay: without them it is no packed feed.
    for share, content, how in damages:
        at = 4 + int(share * (len(packed) - 4))
        behind = at if how == "in" else at + len(content)
        packed[at:behind] = b"" if how == "out" else content
    packed = packed[: 4 + int(length * len(packed))]
    contents, findings = unpack_all(bytes(packed), LIMITS)
    assert sum(len(content) for _, content in contents) <= LIMITS.unpacked_bytes
    if bytes(packed) != SOUND[kind] and not contents:
        assert findings
    assert all(name.isprintable() for name, _ in contents)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.data())
def test_what_is_packed_comes_out_again(contents, data):
    assert unpack_all(make_gzip(*contents)) == ([("", b"".join(contents))], [])
    files = [(f"{place}.csv", content) for place, content in enumerate(contents)]
    assert unpack_all(make_zip(files, streamed=data.draw(st.booleans()))) == (files, [])

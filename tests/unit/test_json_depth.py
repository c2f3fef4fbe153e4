"""How deep JSON nests, told without parsing it: right about every JSON, and quick about what was
made to be slow."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.json_depth import is_too_deep

MIB = 2**20
texts = st.text(st.sampled_from('ab"\\[]{}\n/'), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


def find_depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(find_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(find_depth, value), default=0)
    return 0


@given(values, st.integers(0, 6), st.booleans())
@settings(deadline=None, max_examples=400)
def test_it_is_right_about_any_json(value: Any, limit: int, escaped: bool) -> None:
    body = json.dumps(value, ensure_ascii=escaped).encode()
    assert is_too_deep(body, limit) == (find_depth(value) > limit)


@pytest.mark.parametrize(
    ("body", "depth"),
    [
        (b"", 0),
        (b"12", 0),
        (b"[]", 1),
        (b'{"a": [{}]}', 3),
        (b'"[[[["', 0),
        (b'["\\"[[[[", 1]', 1),
        (b'["\\\\", [1]]', 2),
        (b'["a', 1),
        (b"[[[[[", 5),
        (b"]]]][[", 0),
    ],
)
def test_brackets_in_texts_do_not_count(body: bytes, depth: int) -> None:
    assert not is_too_deep(body, max(depth, 1))
    assert is_too_deep(body, depth - 1) == (depth > 0)


@pytest.mark.parametrize(
    "rest",
    [
        b'"' + b'\\"' * (4 * MIB),
        b'"' + b'\\"' * (4 * MIB) + b"\\",
        b'"' + b"\\" * (8 * MIB - 1),
        b'""' * (4 * MIB),
        b'"\\' * (4 * MIB),
        b"[]" * (4 * MIB),
        b"[" * 50 + b"a" * (8 * MIB),
        b'"' * (8 * MIB - 1),
    ],
)
def test_what_was_made_to_be_slow_is_not(rest: bytes) -> None:
    """As large as a record may be. By a look at each pair of quotes it would not end today."""
    body = b"[]" * 101 + rest
    assert not is_too_deep(body, 100)
    assert is_too_deep(b"[" * 101 + rest, 100)

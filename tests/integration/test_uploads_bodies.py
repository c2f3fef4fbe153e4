"""Bodies of uploads as they arrive: cut off, silent, too long, in pieces of any size; and the
headers of tus, whatever stands in them."""

import asyncio
import base64
from collections.abc import Iterable
from contextlib import suppress

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from gateway.api import tus
from gateway.api.problems import ApiProblem
from gateway.api.upload_bodies import read_blocks
from store.partial_files import TooLongError

MIB = 2**20
CUT = {"type": "http.disconnect"}


def take(
    messages: Iterable[Message], most: int, *, seconds: float = 600
) -> tuple[list[bytes], Exception | None]:
    """The blocks of a body, and what it ended with. Behind the last message nothing comes."""
    left = list(messages)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    async def read() -> tuple[list[bytes], Exception | None]:
        blocks: list[bytes] = []
        request = Request({"type": "http", "method": "PATCH", "headers": []}, receive)
        try:
            async for block in read_blocks(request, most, seconds=seconds):
                blocks.append(block)  # noqa: PERF401 - what came before it raises counts
        except (ApiProblem, TooLongError) as error:
            return blocks, error
        return blocks, None

    return asyncio.run(read())


def pieces(*bodies: bytes, more: bool = False) -> list[Message]:
    last = len(bodies) - 1
    return [
        {"type": "http.request", "body": body, "more_body": more or number < last}
        for number, body in enumerate(bodies)
    ]


@given(st.lists(st.binary(max_size=9), max_size=9))
def test_every_byte_once_and_in_order(bodies: list[bytes]) -> None:
    whole = b"".join(bodies)
    blocks, error = take(pieces(*bodies, b""), len(whole))
    assert (b"".join(blocks), error) == (whole, None)


def test_blocks_are_small_however_big_the_body() -> None:
    piece = bytes(MIB // 2)
    blocks, error = take(pieces(*[piece] * 40), 20 * MIB)
    assert error is None
    assert max(map(len, blocks)) <= 5 * MIB
    assert sum(map(len, blocks)) == 20 * MIB


def test_what_came_before_a_cut_is_given() -> None:
    blocks, error = take([*pieces(b"some", b" more", more=True), CUT], 99)
    assert blocks == [b"some more"]
    assert isinstance(error, ApiProblem)
    assert (error.status, error.code) == (400, "body-cut-off")


def test_who_is_silent_is_not_waited_for() -> None:
    blocks, error = take(pieces(b"some", more=True), 99, seconds=0.05)
    assert blocks == [b"some"]
    assert isinstance(error, ApiProblem)
    assert (error.status, error.code) == (408, "body-too-slow")


@pytest.mark.parametrize("over", [1, 3 * MIB])
def test_one_that_is_too_long_is_never_given_whole(over: int) -> None:
    piece = bytes(MIB)
    blocks, error = take(pieces(*[piece] * 12, bytes(over)), 12 * MIB)
    assert isinstance(error, TooLongError)
    assert sum(map(len, blocks)) < 12 * MIB


@given(st.text(st.characters(max_codepoint=255), max_size=60))
def test_headers_are_read_or_refused(told: str) -> None:
    for parse in (
        tus.parse_metadata,
        tus.parse_checksum,
        tus.check_version,
        tus.check_content_type,
        lambda text: tus.parse_number({"Upload-Offset": text}, "Upload-Offset"),
    ):
        # Anything else that it raised would be an error of ours.
        with suppress(ApiProblem):
            parse(told)


@given(
    st.dictionaries(
        st.from_regex(r"\A[a-z-]{1,12}\Z").filter(lambda key: key != "dry-run"),
        st.text(max_size=20),
        max_size=5,
    )
)
def test_what_is_said_is_read(told: dict[str, str]) -> None:
    encode = lambda text: text.encode("utf-8", "replace")  # noqa: E731
    said = ",".join(f"{key} {_base64(encode(value))}" for key, value in told.items())
    read = tus.parse_metadata(said)
    assert read.filename == encode(told.get("filename", "")).decode()
    assert read.text == said.strip()


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()

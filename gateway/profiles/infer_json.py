"""The pointer to the records of a JSON document, without decoding it."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from gateway.adapters.json_flatten import EACH, escape
from gateway.profiles.infer_shape import DEEPEST, HEAD, MOST_PATHS, Seen, Steps, find_records

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


def survey_json(stream: BinaryIO) -> str:
    """The pointer to the list of records of a document; '' where it is the document itself."""
    stream.seek(0)
    text = stream.read(HEAD).decode("utf-8-sig", errors="replace")
    stream.seek(0)
    seen = _walk_json(text)
    root: Steps = ("",)
    steps = find_records(seen) if seen.counts else root
    if steps[-1] == EACH:
        steps = steps[:-1]
    return "/".join(steps) if len(steps) > 1 else ""


def _walk_json(text: str) -> Seen:
    """Counts objects by their pointer, ``*`` for the places of a list. Without recursion: the file
    may be nested as deep as it likes."""
    seen = Seen({}, {}, set())
    stack: list[tuple[Steps, bool, int]] = []
    key, at = "", 0
    for mark, start, end, is_key in _read_marks(text):
        at = end
        if is_key:
            key = escape(mark[1:-1])
        elif mark in "{[":
            above = stack[-1] if stack else None
            path = _below(above, key)
            stack.append((path, mark == "[", start))
            if mark == "{" and len(path) < DEEPEST and len(seen.counts) < MOST_PATHS:
                seen.counts[path] = seen.counts.get(path, 0) + 1
                seen.complex.add(path)
        elif mark in "}]" and stack:
            path, _, begun = stack.pop()
            seen.sizes[path] = seen.sizes.get(path, 0) + end - begun
    while stack:
        path, _, begun = stack.pop()
        seen.sizes[path] = seen.sizes.get(path, 0) + at - begun
    return seen


def _below(above: tuple[Steps, bool, int] | None, key: str) -> Steps:
    if above is None:
        return ("",)
    path, is_list, _ = above
    return (*path, EACH if is_list else key)[: DEEPEST + 1]


def _read_marks(text: str) -> Iterator[tuple[str, int, int, bool]]:
    """(mark, start, end, whether it is a key)."""
    waiting: re.Match[str] | None = None
    for found in _TOKEN.finditer(text):
        if waiting is not None:
            yield waiting[0], waiting.start(), waiting.end(), found[0] == ":"
        waiting = found
    if waiting is not None:
        yield waiting[0], waiting.start(), waiting.end(), False

"""Lists that come in pages."""

from collections.abc import Iterator, Mapping
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from gateway.client.bodies import read_as, read_json
from gateway.client.calls import Call
from gateway.client.errors import BadAnswerError
from gateway.client.sending import Sender

_T = TypeVar("_T")


class _Page(msgspec.Struct):
    next: str | None = None


def read_pages(
    sender: Sender, path: str, query: Mapping[str, str], items: str, kind: type[_T]
) -> Iterator[_T]:
    """Every item of the list ``items``, page by page as they are needed. Of the link to the next
    page only its query counts: a key is never carried to an address that an answer names."""
    seen = set()
    while True:
        answer = sender.send(Call("GET", path, query))
        found = read_json(answer.response, answer.told)
        page = found.get(items)
        if not isinstance(page, list):
            raise BadAnswerError(f"a page without {items}", answer.told)
        for item in page:
            yield read_as(kind, item, answer.told)
        following = read_as(_Page, found, answer.told).next
        if following is None:
            return
        if following in seen:
            raise BadAnswerError("a page that names itself as the next", answer.told)
        seen.add(following)
        query = dict(parse_qsl(urlsplit(following).query))

"""What a page of an API says beside its records: which page is next, where to begin next time, and
whether there are any records at all."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import msgspec
from requests.utils import parse_header_links

from gateway.collectors.far_end import CollectError
from gateway.collectors.http import HttpSettings


class Said(msgspec.Struct, frozen=True):
    """``following``: the whole address of the next page."""

    following: str | None = None
    mark: str | None = None
    is_empty: bool = False


def read_said(
    settings: HttpSettings, address: str, headers: Mapping[str, str], body: bytes | None
) -> Said:
    """``body``: the JSON where it is needed or small enough to look at; else None. CollectError
    where it cannot be read, and what it says is needed."""
    value = None if body is None else _parse(settings, body)
    following = _find_following(settings, address, headers, value)
    if following is not None and not is_same_origin(address, following):
        # A key is never carried to an address that an answer names.
        raise CollectError("redirected")
    return Said(following, _find_mark(settings, headers, value), _is_empty(settings, value))


def is_same_origin(one: str, other: str) -> bool:
    return _find_origin(one) == _find_origin(other)


def _find_origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    try:
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        raise CollectError("bad-answer") from None
    return parts.scheme, parts.hostname, port


def _parse(settings: HttpSettings, body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if settings.reads_json:
            raise CollectError("bad-answer") from None
        # To say what is wrong with it is the receipt's.
        return None


def _find_following(
    settings: HttpSettings, address: str, headers: Mapping[str, str], value: Any
) -> str | None:
    pages = settings.pages
    if pages is None:
        return None
    if pages.by == "link":
        found = _find_link(headers.get("Link", ""))
    elif pages.by == "bundle":
        found = _find_bundle_link(value)
    else:
        found = _find_text(value, pages.field or "")
        if found and pages.parameter:
            return _put_parameter(address, pages.parameter, found)
    return urljoin(address, found) if found else None


def _find_link(header: str) -> str | None:
    for link in parse_header_links(header):
        if "next" in str(link.get("rel", "")).lower().split():
            return str(link["url"])
    return None


def _find_bundle_link(value: Any) -> str | None:
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        raise CollectError("bad-answer")
    links = value.get("link")
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("relation") == "next":
            url = link.get("url")
            return url if isinstance(url, str) else None
    return None


def _find_mark(settings: HttpSettings, headers: Mapping[str, str], value: Any) -> str | None:
    mark = settings.mark
    if mark is None:
        return None
    return headers.get(mark.header) if mark.header else _find_text(value, mark.field or "")


def _find_text(value: Any, path: str) -> str | None:
    """A text or a number; None for null, an empty text and what is not there."""
    found = _find(value, path)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return str(found) or None


def _find(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _put_parameter(address: str, name: str, value: str) -> str:
    parts = urlsplit(address)
    kept = [one for one in parse_qsl(parts.query, keep_blank_values=True) if one[0] != name]
    return parts._replace(query=urlencode([*kept, (name, value)])).geturl()


def _is_empty(settings: HttpSettings, value: Any) -> bool:
    if settings.records is not None:
        records = _find(value, settings.records)
        if not isinstance(records, list):
            # An answer without them may say that something is wrong, not that nothing is new.
            raise CollectError("bad-answer")
        return not records
    if isinstance(value, dict) and value.get("resourceType") == "Bundle":
        return not value.get("entry")
    return isinstance(value, list) and not value

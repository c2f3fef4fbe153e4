"""Where a collector of an API begins. It never moves back, nor beyond what is received."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.collectors.http import HttpSettings, format_instant
from schemas.prepared import prepared

_MOST_MARK: Final = 1_000
# Where theirs is not told, our clock may be ahead of it.
_UNTOLD: Final = timedelta(days=1)


@prepared
class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """``since``: what changed before then is received. ``mark``: what the API said to begin from.
    ``next``: the page to go on with, of a run that began at ``begun``. ``etag``: of the answer
    that is received already."""

    since: datetime | None = None
    mark: str | None = None
    next: str | None = None
    begun: datetime | None = None
    etag: str | None = None


def parse_cursor(text: str) -> Cursor:
    """From the beginning, where there is none, or one that another version wrote."""
    try:
        return msgspec.json.decode(text or "{}", type=Cursor)
    except msgspec.DecodeError:
        return Cursor()


def write_cursor(cursor: Cursor) -> str:
    return msgspec.json.encode(cursor).decode()


def make_parameters(settings: HttpSettings, cursor: Cursor) -> dict[str, str]:
    """What the first request of a run asks for beyond the settings' own query."""
    if settings.mark is not None:
        return {settings.mark.parameter: cursor.mark} if cursor.mark is not None else {}
    if settings.since is None:
        return {}
    since = cursor.since or settings.since.first
    if since is None:
        return {}
    if cursor.since is not None:
        since -= timedelta(seconds=settings.since.overlap_seconds)
    return {settings.since.parameter: settings.since.prefix + format_instant(since)}


def find_begun(theirs: datetime | None, ours: datetime) -> datetime:
    """When a run began, by the earlier of two clocks: what is asked for again does no harm, what
    is never asked for is lost."""
    return ours - _UNTOLD if theirs is None else min(theirs, ours)


def go_on(cursor: Cursor, following: str, begun: datetime) -> Cursor:
    """Behind a page that another follows."""
    return msgspec.structs.replace(cursor, next=following, begun=begun, etag=None)


def complete(cursor: Cursor, begun: datetime, *, mark: str | None, etag: str | None) -> Cursor:
    """Behind the last page."""
    since = begun if cursor.since is None else max(cursor.since, begun)
    return Cursor(since=since, mark=_find_later(cursor.mark, mark), etag=etag)


def _find_later(old: str | None, new: str | None) -> str | None:
    if new is None or len(new) > _MOST_MARK:
        return old
    is_count = old is not None and old.isdecimal() and new.isdecimal()
    return old if is_count and old is not None and int(new) < int(old) else new

"""One JSON object → the flat content a mapping profile reads.

Pointer from the record → text; several values at one pointer → a list of texts. The items of a
list of plain values stand at the list's own pointer, what is inside the objects of a list under
``/list/*/name``; a repeated group of the profile is a list of dicts with pointers of their own.
Numbers and booleans become text as they are written; null, blank texts, empty lists and empty
objects carry nothing.
"""

from typing import Any, Final, NamedTuple

import msgspec

from mappers.profile_model import Profile

# Keys a feed may invent without end; this many are remembered.
_MAX_REMEMBERED: Final = 10_000
EACH: Final = "*"
Content = dict[str, Any]


class _Spot(NamedTuple):
    """Where a value stands: its pointer from the occurrence of a repeated group around it (or from
    the record), its pointer from the record, and whether it is such a group."""

    path: str
    whole: str
    is_repeat: bool


class Flattening:
    """Objects → flat content. Pointers are put together once and kept. Only for objects that are
    not nested too deeply: it is recursive."""

    def __init__(self, profile: Profile) -> None:
        self._repeats = {group.at for group in profile.repeated.values() if group.at is not None}
        self._spots: dict[tuple[str, str], _Spot] = {}

    def flatten(self, record: dict[str, Any]) -> Content:
        content: Content = {}
        self._add_object(record, "", "", content)
        return content

    def _add_object(self, given: dict[str, Any], path: str, whole: str, content: Content) -> None:
        spots = self._spots
        for key, value in given.items():
            spot = spots.get((whole, key)) or self._find_spot(path, whole, key)
            if value.__class__ is str and spot.path not in content and not spot.is_repeat:
                if value and not value.isspace():
                    content[spot.path] = value
            else:
                self._add(value, spot, content)

    def _add(self, value: Any, spot: _Spot, content: Content) -> None:
        if spot.is_repeat:
            self._add_group(value, spot, content)
        elif value.__class__ is dict:
            self._add_object(value, spot.path, spot.whole, content)
        elif value.__class__ is list:
            inner: _Spot | None = None
            for item in value:
                if item.__class__ is dict or item.__class__ is list:
                    inner = inner or self._find_spot(spot.path, spot.whole, EACH, is_key=False)
                    self._add(item, inner, content)
                else:
                    _add_text(item, spot.path, content)
        else:
            _add_text(value, spot.path, content)

    def _add_group(self, value: Any, spot: _Spot, content: Content) -> None:
        """A single object stands for a list of one."""
        items = value if value.__class__ is list else [value]
        for item in items:
            inner: Content = {}
            if item.__class__ is dict:
                self._add_object(item, "", spot.whole, inner)
            else:
                self._add(item, _Spot("", f"{spot.whole}/{EACH}", is_repeat=False), inner)
                if not inner:
                    continue
            content.setdefault(spot.path, []).append(inner)

    def _find_spot(self, path: str, whole: str, key: str, *, is_key: bool = True) -> _Spot:
        step = escape(key) if is_key else key
        new_whole = f"{whole}/{step}"
        spot = _Spot(f"{path}/{step}", new_whole, new_whole in self._repeats)
        if is_key and len(self._spots) < _MAX_REMEMBERED:
            self._spots[whole, key] = spot
        return spot


def count_fields(content: Content) -> int:
    """How many different fields there are, in the record and in its repeated groups."""
    count = len(content)
    for value in content.values():
        if value.__class__ is list and value[0].__class__ is dict:
            names = {name for one in value for name in one}
            count += len(names)
    return count


def escape(key: str) -> str:
    """A key as a step of a pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1") if "~" in key or "/" in key else key


def unescape(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def find_text(value: Any, pointer: str) -> str | None:
    """The text at a pointer of plain keys, where there is one."""
    for step in pointer.split("/")[1:]:
        value = value.get(unescape(step)) if value.__class__ is dict else None
    if value.__class__ is int:
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def _add_text(value: Any, path: str, content: Content) -> None:
    text = _to_text(value)
    if not text or text.isspace():
        return
    there = content.get(path)
    if there is None:
        content[path] = text
    elif there.__class__ is list:
        there.append(text)
    else:
        content[path] = [there, text]


def _to_text(value: Any) -> str:
    if value.__class__ is str:
        return str(value)
    if value is None:
        return ""
    if value.__class__ is bool:
        return "true" if value else "false"
    if value.__class__ is msgspec.Raw:
        return bytes(value).decode()
    return str(value)

"""FHIR XML in canonical form → the FHIR JSON that says the same, for what is plain.

In canonical form a quotation mark stands around the value of an attribute and nowhere else. So cut
at those it is markup and values in turns, and the markup between two values, which says what ends
there and what begins, says what has to stand between them in JSON. All feeds there are have a few
hundred different stretches of markup: each is worked out once. One with anything in it that a plain
event has no place for (text, a namespace, a second attribute) has no JSON.
"""

import re
from collections.abc import Iterator
from typing import Final

_NAMESPACE: Final = "http://hl7.org/fhir"
# The root, and what its JSON begins with.
_ROOTS: Final = {
    "<AdverseEvent xmlns=": '{"resourceType":"AdverseEvent"',
    "<entry xmlns=": "{",
}
# Behind the value of an attribute: ends of elements, beginnings, and the beginning of the one with
# the next attribute. Blanks between them mean nothing.
_MARKUP: Final = re.compile(
    r">\s*((?:</[A-Za-z]+>\s*)*)((?:<[A-Za-z]+>\s*)*)(?:<([A-Za-z]+) (value|url)=)?", re.ASCII
)
_NAME: Final = re.compile(r"[A-Za-z]+")
# Lists in JSON also where they hold one; the same as in ``fhir_xml``, as far as plain events go.
_LISTS: Final = frozenset({"extension", "contained", "profile", "coding", "suspectEntity"})
# Around a resource, which in JSON is the object itself.
_AROUND: Final = frozenset({"contained", "resource"})
_UNQUOTED: Final = frozenset({"valueInteger", "valueBoolean"})
# Markup that a sender makes up without end is not remembered, and long markup is not looked at.
_MOST_REMEMBERED: Final = 4_096
_LONGEST: Final = 1_000
# As canonical XML writes them, and as JSON does. The ampersand last: it begins the others.
_ESCAPES: Final = (
    ("\\", "\\\\"),
    ("&quot;", '\\"'),
    ("&lt;", "<"),
    ("&#x9;", "\\t"),
    ("&#xA;", "\\n"),
    ("&#xD;", "\\r"),
    ("&amp;", "&"),
)


class _NoJsonError(Exception):
    """A plain event has no place for it."""


class JsonWriter:
    """Writes the records of one feed."""

    def __init__(self) -> None:
        # Markup → JSON, behind the beginning of a root where there is one.
        self._known: dict[tuple[str, str] | str, str] = {}

    def write(self, canonical: bytes) -> bytes | None:
        """The JSON of an AdverseEvent, or of an entry of a Bundle, without blanks; None where it
        is not plain. What XML has twice is there twice, and what has no type is written as it
        came: whoever decodes it has to be strict."""
        text = canonical.decode()
        cut = text.split('"')
        known = self._known
        if len(cut) < 3 or cut[0] not in _ROOTS or cut[1] != _NAMESPACE:
            return None
        try:
            first = self._translate_first(cut[0], cut[2])
            markup = cut[4::2]
            try:
                cut[4::2] = [known[one] for one in markup]
            except KeyError:
                cut[4::2] = [self._translate(one) for one in markup]
        except _NoJsonError:
            return None
        cut[:3] = ("", "", first)
        if "&" in text or "\\" in text:
            cut[3::2] = map(_escape, cut[3::2])
        return "".join(cut).encode()

    def _translate_first(self, root: str, markup: str) -> str:
        found = self._known.get((root, markup))
        if found is None:
            found = self._remember((root, markup), "".join(_translate(markup, root)))
        return found

    def _translate(self, markup: str) -> str:
        found = self._known.get(markup)
        if found is None:
            found = self._remember(markup, "".join(_translate(markup)))
        return found

    def _remember(self, key: tuple[str, str] | str, json: str) -> str:
        if len(self._known) < _MOST_REMEMBERED:
            self._known[key] = json
        return json


def _escape(value: str) -> str:
    if "&" in value or "\\" in value:
        for written, meant in _ESCAPES:
            value = value.replace(written, meant)
    return value


def _translate(markup: str, root: str = "") -> Iterator[str]:
    """``></code></coding></type><date value=`` → ``"}]},"date":"``. Behind the attribute of the
    root nothing has ended."""
    found = _MARKUP.fullmatch(markup) if len(markup) <= _LONGEST else None
    if found is None:
        raise _NoJsonError
    ends, begun = _NAME.findall(found[1]), _NAME.findall(found[2])
    last, attribute = found[3], found[4]
    if (last is None and begun) or (last == "extension") is not (attribute == "url"):
        raise _NoJsonError
    begins = [*begun, last] if last else []
    if root:
        if ends:
            raise _NoJsonError
        yield _ROOTS[root]
    elif not ends:
        # The address of an extension, which goes on.
        yield '"'
    else:
        yield from _end(ends, begins)
    goes_on = bool(ends) and begins[:1] == ends[-1:] and ends[-1] in _LISTS
    yield from _begin(begins, goes_on=goes_on, is_behind=_ROOTS.get(root) != "{")


def _end(ends: list[str], begins: list[str]) -> Iterator[str]:
    """The first is the one with the attribute: a value, or an extension without anything in it."""
    for place, name in enumerate(ends):
        is_last = place + 1 == len(ends)
        if place == 0:
            yield "" if name in _UNQUOTED else '"'
        if _is_kind(name):
            # In JSON a resource and what is around it are one object.
            is_around = not is_last and ends[place + 1] in _AROUND
            if not is_around and (not is_last or begins):
                raise _NoJsonError
        elif name in _AROUND and (place == 0 or not _is_kind(ends[place - 1])):
            raise _NoJsonError
        if name not in _AROUND and (place > 0 or name == "extension"):
            yield "}"
        if name in _LISTS:
            yield "," if is_last and begins[:1] == [name] else "]"


def _begin(begins: list[str], *, goes_on: bool, is_behind: bool) -> Iterator[str]:
    """``goes_on``: the first is a further item of the list before it; ``is_behind``: something
    stands before it in its object."""
    for place, name in enumerate(begins):
        is_last, before = place + 1 == len(begins), begins[place - 1] if place else ""
        if _is_kind(name) is not (before in _AROUND) or (_is_kind(name) and is_last):
            raise _NoJsonError
        if _is_kind(name):
            yield f'{{"resourceType":"{name}"'
            is_behind = True
            continue
        if place or not goes_on:
            yield f'{"," if is_behind else ""}"{name}":{"[" if name in _LISTS else ""}'
        if name == "extension":
            yield '{"url":"'
        elif is_last:
            yield "" if name in _UNQUOTED else '"'
        elif name not in _AROUND:
            yield "{"
        is_behind = False


def _is_kind(name: str) -> bool:
    """Whether it is the name of a resource, and not of an element."""
    return name[0].isupper()

"""The elements of one FHIR extension group → values of the national event.

The loop in :meth:`ElementReader.read` runs for every element of every event: what is in order
takes a few look-ups there, anything else goes to ``_read_odd``.
"""

from typing import Any, Final

from mappers.fhir_notes import Notes, escape, named
from mappers.fhir_tables import MOVED_ELEMENTS, Element, Group, Version
from schemas.catalogue import mapping
from schemas.event import Group as Content
from schemas.event import Groups, Value
from schemas.values import clean_text

# (group's content, element, value, pointer): what ``source_paths`` is made of.
Trace = list[tuple[Content, str, Value, str]]

_EXPECTED: Final[dict[type, str]] = {str: "text", int: "a whole number", bool: "true or false"}
_INTEGER_LIMIT: Final = 2**63
_TEXT_KEYS: Final = frozenset({"valueCode", "valueString"})


class ElementReader:
    """Reads elements into the contents of their groups; :meth:`finish` sorts the code lists."""

    __slots__ = ("_grown", "_notes", "_table", "_trace", "groups", "moved")

    def __init__(self, table: Version, notes: Notes, trace: Trace | None) -> None:
        """``trace`` collects where each value came from, if given."""
        self._table = table
        self._notes = notes
        self._trace = trace
        self._grown: list[tuple[Content, Element, str, str]] = []
        self.groups: Groups = {}
        # Groups opened by an element that stood elsewhere, their own extension not met yet.
        self.moved: set[str] = set()

    def open_group(self, name: str) -> Content:
        """The content of a group that occurs once, new or as far as it was read."""
        return self.groups.setdefault(name, {})  # type: ignore[return-value]

    def read(self, group: Group, elements: object, content: Content, path: str, at: str) -> None:
        if type(elements) is not list:
            self._notes.add_structure("extension", "a list of objects", f"{at}/extension", path)
            return
        known, trace = group.elements, self._trace
        value: Any
        kind: Any
        for position, item in enumerate(elements):
            try:
                name, value_key, kind, many, is_code = known[item["url"]]
                value = item[value_key]
            except (KeyError, TypeError):
                self._read_odd(group, item, content, path, f"{at}/extension/{position}")
                continue
            if type(value) is not kind or len(item) != 2 or (kind is int and not _is_sane(value)):
                self._read_odd(group, item, content, path, f"{at}/extension/{position}")
                continue
            # Most codes are short and plain, which nothing has to be done to.
            if kind is str and not (is_code and value.isascii() and value.isalnum()):
                value = clean_text(value)
                if not value:
                    continue
            if name not in content:
                content[name] = [value] if many else value
            elif many:
                self._put_again(known[name], value, content, path, at)
            else:
                self._read_odd(group, item, content, path, f"{at}/extension/{position}")
                continue
            if trace is not None:
                trace.append((content, name, value, f"{at}/extension/{position}/{value_key}"))

    def finish(self) -> None:
        """Puts the code lists in order, without repeats."""
        for content, element, path, at in self._grown:
            given: Any = content[element.name]
            codes = sorted(set(given))
            if len(codes) != len(given):
                name = element.name
                self._notes.add(mapping.REPEATED_VALUE, f"{path}.{name}", at, element=name)
            content[element.name] = codes

    def _put_again(
        self, element: Element, value: Value, content: Content, path: str, at: str
    ) -> None:
        """A further value of an element that has one and may have many."""
        values: Any = content[element.name]
        if element.is_code and len(values) == 1:
            self._grown.append((content, element, path, at))
        values.append(value)

    def _read_odd(self, group: Group, item: object, content: Content, path: str, at: str) -> None:
        """An element that is not simply a known name with a value under its own key."""
        if type(item) is not dict or type(url := item.get("url")) is not str:
            self._notes.add_structure("extension", "an object with a url", at, path)
            return
        element = group.elements.get(url)
        if element is not None:
            self._put_odd(element, item, content, path, at)
            return
        home = MOVED_ELEMENTS.get((group.name, url))
        if home is None:
            self._notes.add_loose(
                mapping.UNKNOWN_ELEMENT,
                path,
                at,
                element=named(url),
                group=group.name,
                version=self._table.version,
            )
            return
        self._notes.add(
            mapping.MISPLACED_ELEMENT, f"{home}.{url}", at, element=url, found=path, group=home
        )
        element = self._table.by_name[home].elements[url]
        if home not in self.groups:
            self.moved.add(home)
        moved = self.open_group(home)
        self._put_odd(element, item, moved, home, at)
        if not moved:
            del self.groups[home]
            self.moved.discard(home)

    def _put_odd(
        self, element: Element, item: dict[str, Any], content: Content, path: str, at: str
    ) -> None:
        """A known element whose value is looked at closely, or that has one already."""
        key = element.value_key
        if key not in item:
            key = next((name for name in item if name.startswith("value")), "")
        if len(item) != 2:
            self._notes.add_unknown(item, ("url", key), "element", at)
        element_path = f"{path}.{element.name}"
        if not key:
            self._notes.add_loose(mapping.NO_VALUE, element_path, at, element=element.name)
            return
        pointer = f"{at}/{escape(key)}"
        value = self._notes.unwrap(item[key], element.name, pointer)
        if not _fits(element, value):
            self._notes.add(
                mapping.WRONG_VALUE,
                element_path,
                pointer,
                element=element.name,
                expected=_EXPECTED[element.kind],
                value_key=element.value_key,
            )
            return
        if key != element.value_key and not {key, element.value_key} <= _TEXT_KEYS:
            self._notes.add(
                mapping.OTHER_VALUE_KEY,
                element_path,
                pointer,
                element=element.name,
                found=named(key),
                value_key=element.value_key,
            )
        self._put(element, value, content, path, pointer)

    def _put(self, element: Element, value: Any, content: Content, path: str, pointer: str) -> None:
        name = element.name
        if type(value) is str:
            value = clean_text(value)
            if not value:
                return
        before: Any = content.get(name)
        if before is None:
            content[name] = [value] if element.many else value
        elif element.many:
            self._put_again(element, value, content, path, pointer)
        else:
            code = mapping.REPEATED_VALUE if before == value else mapping.REPEATED_ELEMENT
            self._notes.add(code, f"{path}.{name}", pointer, element=name)
            return
        if self._trace is not None:
            self._trace.append((content, name, value, pointer))


def _fits(element: Element, value: object) -> bool:
    return type(value) is element.kind and (element.kind is not int or _is_sane(value))


def _is_sane(number: Any) -> bool:
    """Fits the integers of every database and language (a taxonomy number is far smaller)."""
    return bool(-_INTEGER_LIMIT <= number < _INTEGER_LIMIT)

"""A national event → the XML element of a profile, so that it is read again as equal.

What is left out or refused: see ``mappers.profile_inverse``. XML cannot carry control characters
(ValueError).
"""

import re
from typing import Any, Final
from xml.sax.saxutils import quoteattr

from lxml import etree

from mappers.profile_inverse import Written, choose_fields, find_values, invert, write_heads
from mappers.profile_model import Profile
from schemas.event import NationalEvent, Value

# A step of a path; a slash inside quotes is not between steps.
_STEP: Final = re.compile(r"(?:[^/'\"]|'[^']*'|\"[^\"]*\")+")
_PREDICATE: Final = re.compile(r"(.+)\[@([^=\]]+)=(['\"])(.*)\3\]", re.DOTALL)


def write_record(event: NationalEvent, local_id: str | None, profile: Profile) -> bytes:
    """The record as an XML element, without a declaration, UTF-8."""
    building = _Building(profile)
    taken = set()
    for field, text in write_heads(event, local_id, profile):
        building.add(building.record, field, text)
        taken.add(field)
    for way, value in find_values(event, profile, taken):
        building.add_value(building.record, way, value)
    for name, fields in invert(profile).repeated.items():
        path = profile.repeated[name].at or ""
        for one in event.repeats(name) if fields else ():
            parent = building.add(building.record, path, "")
            for way, value in choose_fields(fields, one, set()):
                building.add_value(parent, way, value)
    return etree.tostring(building.record, encoding="utf-8", xml_declaration=False)


def xml_frame(profile: Profile) -> tuple[bytes, bytes]:
    """What stands before the first record of a file and after the last."""
    steps = (profile.record or "").strip("/").split("/")[:-1]
    declared = "".join(
        f" xmlns{':' if prefix else ''}{prefix}={quoteattr(uri)}"
        for prefix, uri in profile.namespaces.items()
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    head += "".join(f"<{step}{declared if not place else ''}>" for place, step in enumerate(steps))
    tail = "".join(f"</{step}>" for step in reversed(steps))
    return f"{head}\n".encode(), f"{tail}\n".encode()


class _Building:
    """The elements of one record, made as their paths are named."""

    def __init__(self, profile: Profile) -> None:
        self._namespaces = profile.namespaces
        nsmap: Any = {prefix or None: uri for prefix, uri in profile.namespaces.items()}
        name = (profile.record or "").rpartition("/")[2]
        self.record = etree.Element(self._tag(name), nsmap=nsmap)
        self._sections: dict[tuple[etree._Element, str], etree._Element] = {}

    def add(self, parent: etree._Element, path: str, text: str) -> etree._Element:
        """A new element (or attribute) at the path; the sections it stands in are shared."""
        *sections, last = _STEP.findall(path)
        for section in sections:
            found = self._sections.get((parent, section))
            if found is None:
                found = self._sections[parent, section] = self._make(parent, section)
            parent = found
        if last.startswith("@"):
            parent.set(self._attribute(last[1:]), text)
            return parent
        made = self._make(parent, last)
        made.text = text or None
        return made

    def add_value(self, parent: etree._Element, way: Written, value: Value) -> None:
        """Several values are elements of their own, unless a separator stands between them."""
        is_attribute = "/@" in f"/{way.field}"
        if isinstance(value, list) and way.separator is None and not is_attribute:
            for one in value:
                self.add(parent, way.field, way.write_one(one))
        else:
            self.add(parent, way.field, way.write_cell(value))

    def _make(self, parent: etree._Element, step: str) -> etree._Element:
        """``field[@name='x']`` is an element ``field`` with that attribute."""
        asked = _PREDICATE.fullmatch(step)
        if asked is None:
            return etree.SubElement(parent, self._tag(step))
        made = etree.SubElement(parent, self._tag(asked[1]))
        made.set(self._attribute(asked[2]), asked[4])
        return made

    def _tag(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        uri = self._namespaces.get(prefix)
        return f"{{{uri}}}{local}" if uri else local

    def _attribute(self, name: str) -> str:
        return self._tag(name) if ":" in name else name

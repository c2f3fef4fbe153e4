"""A resource in FHIR XML → the dict that FHIR JSON would give.

What JSON has no place for (an attribute FHIR does not know, text between elements) is kept under a
name no FHIR element has, so that the mapper accounts for it.
"""

from collections.abc import Callable
from typing import Any, Final

from lxml import etree

FHIR: Final = "{http://hl7.org/fhir}"
_XHTML_DIV: Final = "{http://www.w3.org/1999/xhtml}div"
_SCHEMA_INSTANCE: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
# Lists in JSON also where they hold one (STU3 and R4 agree on these).
_LISTS: Final = frozenset(
    {"extension", "modifierExtension", "contained", "profile", "coding", "tag", "security"}
    | {"suspectEntity", "name", "given", "telecom", "address", "link", "instantiatesUri"}
)
_RESOURCES_INSIDE: Final = frozenset({"contained", "resource"})
_ATTRIBUTES: Final = ("url", "id")
_BOOLEANS: Final = {"true": True, "false": False}


class TooDeepError(Exception):
    """The element is nested deeper than the limit."""


def read_resource(element: etree._Element, levels: int) -> dict[str, Any]:
    """``levels``: how many may be nested, this one included; TooDeepError."""
    content: dict[str, Any] = {"resourceType": get_local_name(element.tag)}
    content.update(_read_object(element, levels, is_resource=True))
    return content


def _read_object(
    element: etree._Element, levels: int, *, is_resource: bool = False
) -> dict[str, Any]:
    """``levels``: how many may be nested, this one included."""
    if levels < 1:
        raise TooDeepError
    content: dict[str, Any] = {}
    attributes: Any = element.items()
    for name, value in attributes:
        if name in _ATTRIBUTES:
            content[name] = value
        elif not name.startswith(_SCHEMA_INSTANCE):
            content[f"@{name}"] = value
    if (text := element.text) is not None and text.strip():
        content["#text"] = text
    for child in element:
        if (tail := child.tail) is not None and tail.strip():
            content["#text"] = tail
        name = child.tag.removeprefix(FHIR)
        if is_resource and name == "text" and child.find(_XHTML_DIV) is not None:
            continue
        _read_child(content, name, child, levels - 1)
    return content


def _read_child(content: dict[str, Any], name: str, child: etree._Element, levels: int) -> None:
    text = child.get("value")
    if text is None:
        if name in _RESOURCES_INSIDE and len(child) == 1:
            _add(content, name, read_resource(child[0], levels))
        else:
            _add(content, name, _read_object(child, levels))
        return
    convert = _PRIMITIVES.get(name)
    _add(content, name, text if convert is None else convert(text))
    # JSON gives what a plain value carries beside itself under its name with an underscore.
    if len(child) or len(child.keys()) > 1 or child.text is not None:
        beside = _read_object(child, levels)
        beside.pop("@value", None)
        if beside:
            _add(content, f"_{name}", beside)


def _add(content: dict[str, Any], name: str, value: Any) -> None:
    if name in content:
        before = content[name]
        if type(before) is list:
            before.append(value)
        else:
            content[name] = [before, value]
    else:
        content[name] = [value] if name in _LISTS else value


def _read_integer(text: str) -> Any:
    # What is no number stays text: the mapper says what is wrong with it, and where.
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text


def _read_boolean(text: str) -> Any:
    return _BOOLEANS.get(text, text)


_PRIMITIVES: Final[dict[str, Callable[[str], Any]]] = {
    "valueInteger": _read_integer,
    "valuePositiveInt": _read_integer,
    "valueUnsignedInt": _read_integer,
    "valueBoolean": _read_boolean,
    "userSelected": _read_boolean,
    "active": _read_boolean,
}


def get_local_name(tag: Any) -> str:
    """The name as JSON has it; another namespace is kept, and so is not taken for FHIR."""
    name = str(tag)
    return name.removeprefix(FHIR)

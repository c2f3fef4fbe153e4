"""A FHIR resource as XML, from the dict that is its JSON.

The elements stand in the order FHIR asks for in an AdverseEvent or a Bundle; others in the order
given.
"""

from collections.abc import Iterable
from typing import Any, Final

from lxml import etree

NAMESPACE: Final = "http://hl7.org/fhir"
# STU3 and R4 merged: they agree on the order of what both have.
_ORDER: Final = (
    *("id", "meta", "implicitRules", "language", "text", "contained", "extension"),
    *("modifierExtension", "identifier", "actuality", "category", "type", "event", "subject"),
    *("date", "location", "recorder", "description", "suspectEntity"),
)
_POSITION: Final = {name: position for position, name in enumerate(_ORDER)}
_ATTRIBUTES: Final = ("url", "id")


def write_fhir_xml(resource: dict[str, Any]) -> bytes:
    """UTF-8 with a declaration. ValueError where a text holds what XML cannot (control
    characters)."""
    root = _make_resource(resource)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _make_resource(resource: dict[str, Any]) -> etree._Element:
    kind = resource["resourceType"]
    names: Any = {None: NAMESPACE}  # the stubs know no default namespace
    element = etree.Element(f"{{{NAMESPACE}}}{kind}", nsmap=names)
    fields: Iterable[str] = (name for name in resource if name != "resourceType")
    if kind == "AdverseEvent":
        fields = sorted(fields, key=lambda name: _POSITION.get(name, len(_ORDER)))
    for name in fields:
        _add(element, name, resource[name])
    return element


def _add(parent: etree._Element, name: str, value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _add(parent, name, one)
        return
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if not isinstance(value, dict):
        child.set("value", _to_text(value))
    elif "resourceType" in value:
        child.append(_make_resource(value))
    else:
        for key, inner in value.items():
            if key in _ATTRIBUTES and isinstance(inner, str):
                child.set(key, inner)
            else:
                _add(child, key, inner)


def _to_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

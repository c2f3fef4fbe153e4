"""Where in the sender's document a value stood: JSON pointer, or XPath where it was XML."""

from typing import Any

import msgspec

from mappers.fhir_elements import Trace
from schemas.event import Groups
from schemas.finding import Finding
from schemas.record import SourceRecord


def is_xml(record: SourceRecord) -> bool:
    """A record of FHIR XML has an XPath for a locator: ``/Bundle/entry[3]/resource/…``."""
    return record.locator.startswith(("/Bundle", "/AdverseEvent"))


def make_locator(record: SourceRecord, pointer: str) -> str:
    """The place of ``pointer``, which is relative to the resource, in the sender's document."""
    if is_xml(record):
        return record.locator + _make_xpath(record.content, pointer)
    # A record of a Bundle has a JSON pointer for a locator, one of NDJSON its line.
    return record.locator + pointer if record.locator.startswith("/") else pointer


def locate_findings(record: SourceRecord, findings: list[Finding]) -> list[Finding]:
    return [
        msgspec.structs.replace(finding, source_path=make_locator(record, finding.source_path))
        for finding in findings
    ]


def make_paths(record: SourceRecord, groups: Groups, trace: Trace) -> dict[str, str]:
    """Element path in the event → place in the sender's document."""
    names = dict(_name_contents(groups))
    paths: dict[str, str] = {}
    for content, element, value, pointer in trace:
        name = names.get(id(content))
        if name is None:
            continue
        path = f"{name}.{element}"
        found = content.get(element)
        place = make_locator(record, pointer)
        paths.setdefault(path, place)
        if isinstance(found, list) and isinstance(value, str):
            paths.setdefault(f"{path}[{found.index(value)}]", place)
        # The group's own place: its element's without the last "/extension…/value…".
        paths.setdefault(name, place[: place.rfind("/extension")])
    return paths


def _name_contents(groups: Groups) -> list[tuple[int, str]]:
    names: list[tuple[int, str]] = []
    for name, group in groups.items():
        if isinstance(group, dict):
            names.append((id(group), name))
        else:
            names += [(id(one), f"{name}[{position}]") for position, one in enumerate(group)]
    return names


def _make_xpath(content: Any, pointer: str) -> str:
    """JSON pointers count from 0 and hide the element that wraps a contained resource."""
    path, node = "", content
    for token in pointer.split("/")[1:]:
        if token.isdecimal() and isinstance(node, list):
            path += f"[{int(token) + 1}]"
            node = node[int(token)] if int(token) < len(node) else None
            kind = node.get("resourceType") if isinstance(node, dict) else None
            path += f"/{kind}" if isinstance(kind, str) else ""
        else:
            path += f"/{token}"
            node = node.get(token) if isinstance(node, dict) else None
    return f"{path}/@value" if isinstance(node, str | int) else path

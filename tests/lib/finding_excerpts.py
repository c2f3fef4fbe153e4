"""Excerpts of samples for a reader: the place that a finding names and what is around it, a few
short lines. ``HERE`` marks the place."""

import csv
import io
import json
import re
from typing import Any, Final

import msgspec
from lxml import etree

HERE: Final = "   ← here"
_WIDEST: Final = 90
_MOST_LINES: Final = 6
# Of a line so long only the beginning says anything.
_LONG: Final = 5_000
_ELEMENT: Final = re.compile(r"(?P<group>.*)/extension/(?P<index>\d+)(?:/value\w+)?")
_IDS: Final = ("record_id", "Reference")
_INCIDENTS: Final = "{urn:lrms:incidents:1}"

Json = dict[str, Any]


def show_pointer(text: str, pointer: str) -> list[str]:
    """Of FHIR JSON: the elements of the group that the pointer leads into; else the one value."""
    resource = json.loads(text)
    found = _resolve(resource, pointer)
    if isinstance(found, dict) and "extension" in found:
        return [f"{pointer}  {_shorten_url(found.get('url', ''))}", *_list_elements(found, None)]
    named = _ELEMENT.fullmatch(pointer)
    if named and named["group"]:
        group = _resolve(resource, named["group"])
        head = f"{named['group']}  {_shorten_url(group.get('url', ''))}"
        return [head, *_list_elements(group, int(named["index"]))]
    return [f"{_cut(f'{json.dumps(pointer)}: {_write(found)}')}{HERE}"]


def _resolve(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        try:
            value = value[int(token)] if isinstance(value, list) else value[token]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _list_elements(group: Json, marked: int | None) -> list[str]:
    elements = group["extension"]
    first = 0 if marked is None else max(0, marked - _MOST_LINES + 2)
    lines = []
    for place, element in enumerate(elements[first : first + _MOST_LINES], start=first):
        lines.append(f"  {_cut(_write(element))}{HERE if place == marked else ''}")
    left = len(elements) - first - len(lines)
    return [*lines, *(["  …"] if left > 0 else [])] or ["  (empty)"]


def _write(value: Any) -> str:
    return "(not there)" if value is None else json.dumps(value, ensure_ascii=False)


def _shorten_url(url: str) -> str:
    return url.rpartition("/")[2]


def show_cells(text: str, row: str, columns: list[str]) -> list[str]:
    """Of CSV: the id of the row, and the columns that the finding names."""
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    header = rows[0]
    numbers = [int(one) for one in re.findall(r"\d+", row)]
    own_id = next((one for one in _IDS if one in header), header[0])
    shown = [own_id, *(one for one in columns if one != own_id)]
    lines = [",".join(shown)]
    for number in numbers:
        cells = dict(zip(header, rows[number - 1], strict=False))
        lines.append(_cut(",".join(cells.get(name, "") for name in shown)) + HERE)
    return lines


def show_node(text: bytes, record: str, path: str) -> list[str]:
    """Of XML: the element, or the start of the record where it is an attribute."""
    root = etree.fromstring(text)
    number = int(re.findall(r"\[(\d+)\]", record)[-1])
    node = root.findall(f"{_INCIDENTS}*")[number - 1]
    if path.startswith("@"):
        attributes = " ".join(f'{name}="{value}"' for name, value in node.attrib.items())
        return [f"<{etree.QName(node).localname} {attributes}>{HERE}"]
    name = path.rsplit("/", maxsplit=1)[-1]
    found = [one for one in node.iter() if etree.QName(one).localname == name]
    written = [etree.tostring(one, encoding="unicode", with_tail=False) for one in found]
    return [_cut(re.sub(r' xmlns="[^"]*"', "", one)) + HERE for one in written]


def show_lines(
    content: bytes, first: int = 1, count: int = 1, *, marked: bool = False, named: str = ""
) -> list[str]:
    """Lines of any text, each with what is odd about it in sight, or where it names ``named``."""
    lines = content.split(b"\n")[first - 1 : first - 1 + count]
    return [
        _fit_line(line.rstrip(b"\r"), named) + (HERE if marked else "")
        for line in lines
        if line.strip()
    ]


def show_record(content: bytes, number: int) -> list[str]:
    """Of XML that no parser takes: the start tag of a record and what is odd behind it."""
    starts = [found.start() for found in re.finditer(rb"<incident\b", content)]
    record = re.sub(rb"[ \t\r\n]+", b" ", content[starts[number - 1] :])
    return [_fit_line(record, "") + HERE]


def show_bytes(content: bytes, place: int) -> list[str]:
    """What stands just before a byte."""
    text = _plain(b" ".join(content[max(0, place - 2 * _WIDEST) : place].split()))
    return [f"… {text[-_WIDEST + 15 :]}{HERE}"]


def show_element(event: bytes, path: str) -> list[str]:
    """Of a national event: the element, or what there is on the way to it."""
    value: Any = msgspec.json.decode(event)
    value = value.get("groups", {}) | {k: v for k, v in value.items() if k != "groups"}
    shown = ""
    for name, position in re.findall(r"(\w+)(?:\[(\d+)\])?", path):
        if not isinstance(value, dict) or name not in value:
            break
        shown, value = f"{shown}.{name}".lstrip("."), value[name]
        if position and isinstance(value, list) and int(position) < len(value):
            shown, value = f"{shown}[{position}]", value[int(position)]
    return [f"{_cut(f'{shown}: {_write(value)}')}{HERE}"]


def _plain(line: bytes) -> str:
    """Text as text; bytes that are none, and control characters, as ``\\x00``."""
    text = line.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def _cut(text: str) -> str:
    """Its beginning and its end, where it is too long."""
    if len(text) <= _WIDEST:
        return text
    return f"{text[: _WIDEST // 2]} … {text[-_WIDEST // 2 + 3 :]}"


def _fit_line(line: bytes, named: str) -> str:
    place = _find_oddity(line)
    if place is None and named:
        place = max(line.rfind(named.encode()), 0)
    if not place or len(line) <= _WIDEST:
        return _cut(_plain(line[: 4 * _WIDEST] if place is None and len(line) > _LONG else line))
    start = max(0, place - _WIDEST // 2)
    end = start + _WIDEST - 10
    before, after = "… " if start else "", " …" if end < len(line) else ""
    return f"{before}{_plain(line[start:end])}{after}"


def _find_oddity(line: bytes) -> int | None:
    """Where the line has what should be in none: bytes that are no text, control characters, a key
    that was there before."""
    if found := re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\\u0000|&#1?\d;", line):
        return found.start()
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return error.start
    repeated: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        repeated.extend({name for name in names if names.count(name) > 1})

    try:
        json.loads(text, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None
    return line.rfind(f'"{repeated[0]}"'.encode()) if repeated else None

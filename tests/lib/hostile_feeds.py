"""Feeds made to hurt: each a name, the format of its source, and bytes built from a sound feed."""

import io
import json
from typing import Any

from gateway.generator import write_feed

# Absurd, and a line, a terminal sequence or a formula of somebody else's making.
LOCAL_IDS = (
    "x" * 10_000,
    "a\nb\r\nVerdict accepted",
    "\x1b[2Jred\x1b[31m",
    "a\u2028b\u202egnp",
    "\x7f\x85\x9b",
    "=cmd|' /C calc'!A0",
    " ",
    "",
    "{0.__class__} %s",
    "😀 a\u0308",
)
# What JSON can say and a database cannot keep.
NO_TEXT = ("a\0b", "\ud800", "\udc00x")


def _generate(feed_format: str) -> bytes:
    stream = io.BytesIO()
    write_feed(stream, events=5, format=feed_format, seed=9)
    return stream.getvalue()


def _lines(records: list[Any]) -> bytes:
    return b"\n".join(json.dumps(record).encode() for record in records)


def _make_fhir() -> dict[str, bytes]:
    records = [json.loads(line) for line in _generate("fhir-5").splitlines()]
    one = _lines(records[:1])
    ids = LOCAL_IDS + NO_TEXT
    bundle = {"resourceType": "Bundle", "type": "batch"}
    entries = [{"resource": record} for record in records]
    odd = [{}, 1, {"resource": 1}, {"resource": records[0], "request": {"method": "DELETE"}}]
    return {
        "fhir ids": _lines([{**records[0], "identifier": {"value": name}} for name in ids]),
        "fhir keys": _lines([{**records[1], name: 1} for name in ids]),
        "fhir addresses": _lines(
            [
                {**records[2], "extension": [{"url": url, "valueCode": "1"}]}
                for url in (*ids, 5, None, [], {})
            ]
        ),
        "fhir half a surrogate in UTF-8": one.replace(b"SYN", "\ud800".encode("utf-8", "replace"))
        + b"\n"
        + one.replace(b"SYN", b"\xed\xa0\x80"),
        "fhir no objects": one + b'\n"x"\n1\nnull\n[]\n{}\n\0\0\n' + one + b"\0",
        "fhir endless line": one + b'\n{"a": "' + b"x" * 200_000 + b'"}\n' + one,
        "fhir depth": one + b"\n" + b'{"a":' * 50_000 + b"\n" + one,
        "fhir numbers": one[:-1] + b', "x": 1e999}\n' + one[:-1] + b', "x": ' + b"9" * 5_000 + b"}",
        "fhir bundle": json.dumps({**bundle, "entry": entries + odd}).encode(),
        "fhir bundle cut": json.dumps({**bundle, "entry": entries}).encode()[:-300],
        "fhir xml": _generate("fhir-xml-5").replace(b"<AdverseEvent", b'<AdverseEvent a="b&#10;"'),
        "fhir xml cut": _generate("fhir-xml-5")[:-500],
    }


def _make_csv() -> dict[str, bytes]:
    feed = _generate("csv")
    head, first, *rest = feed.splitlines()
    named = [
        first.replace(b"SYN-9-0000001", f'"{name.replace(chr(34), "")}"'.encode())
        for name in LOCAL_IDS
    ]
    return {
        "csv ids": b"\n".join([head, *named]),
        "csv columns": b"\n".join(
            [head + ',"a\nb","\x1b[2J",=cmd,\u202e,{x}'.encode(), first + b",1,2,3,4,5"]
        ),
        "csv NUL and bad bytes": b"\n".join(
            [head, first.replace(b"SYN", b"S\0N"), *rest, first.replace(b"SYN", b"S\xff\xc3\xa4")]
        ),
        # UTF-8 on the whole, so the name of a column is what cannot be told.
        "csv bad bytes in a name": b"\n".join(
            [head + b",bad\xffname,\xc3\xa4\xc3\xb6\xc3\xbc", first + b",1,2"]
        ),
        "csv open quote": b"\n".join([head, first, b'"' + rest[0], *rest[1:]]),
        "csv in UTF-16": feed.decode().encode("utf-16"),
    }


def _make_xml() -> dict[str, bytes]:
    feed = _generate("xml")
    hostile = b'id="a&#10;b&#x85;&#x202e;&#x2028;"'
    return {
        "xml ids": feed.replace(b'id="SYN-9-0000001"', hostile),
        "xml names": feed.replace(
            b"<eventDate>", b'<q xmlns="a&#10;Verdict accepted&#9;{x}">1</q><eventDate>', 1
        ).replace(b"</q>", b"</q >"),
        "xml other root": b'<r xmlns="a&#10;Verdict accepted"/>',
        "xml cut": feed[:-400],
    }


def make_hostile_feeds() -> dict[str, bytes]:
    """By name; its first word is the format of the source."""
    return _make_fhir() | _make_csv() | _make_xml()

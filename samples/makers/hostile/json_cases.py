"""Hostile JSON, of a vendor's and of FHIR."""

import json
from collections.abc import Iterator
from typing import Literal

from samples.makers.hostile.case import Case, Hostile, Must, must
from samples.makers.hostile.sound import (
    IDS,
    make_bundle,
    make_event,
    make_item,
    make_json,
    make_lines,
)

ALL = must("accepted", 3, 0)
TINY = "tiny-json"


def _vendor(name: str, feed: bytes | str, why: str, outcome: Must, **limits: int) -> Hostile:
    content = feed.encode() if isinstance(feed, str) else feed
    case = Case(why=why, format="json", profile=TINY, must=outcome, limits=limits)
    return Hostile(f"json-{name}", "json", content, case)


def _fhir(
    name: str,
    feed: bytes | str,
    why: str,
    outcome: Must,
    *,
    on_break: Literal["wait", "load"] = "wait",
    **limits: int,
) -> Hostile:
    content = feed.encode() if isinstance(feed, str) else feed
    case = Case(why=why, format="fhir", must=outcome, limits=limits, on_break=on_break)
    is_lines = name.startswith("ndjson")
    return Hostile(f"fhir-{name}", "ndjson" if is_lines else "json", content, case)


def make_cases() -> Iterator[Hostile]:
    yield from _make_vendor()
    yield from _make_vendor_limits()
    yield from _make_lines()
    yield from _make_bundles()


def _make_vendor() -> Iterator[Hostile]:
    sound = make_json()
    items = [json.dumps(make_item(one)) for one in IDS]
    yield _vendor("bom", b"\xef\xbb\xbf" + sound.encode(), "a byte order mark", ALL)
    yield _vendor("lines", "\n".join(items), "one record a line", ALL)
    yield _vendor("pretty", json.dumps(json.loads(sound), indent=4), "printed over lines", ALL)
    yield _vendor(
        "duplicate-key",
        make_json().replace('"when":', '"what": "something else", "when":', 1),
        "a key given twice: which value is meant is not known",
        must("partly_accepted", 3, 1, "READ-003"),
    )
    yield _vendor(
        "nan",
        make_json(make_item("H-1", when=float("nan")), make_item("H-2")),
        "NaN, which is not JSON",
        must("partly_accepted", 2, 1, "READ-001"),
    )
    yield _vendor(
        "absurd-number",
        sound.replace('"2025-05-03"', "9" * 5_000, 1),
        "a number of 5,000 digits where a date belongs",
        must("partly_accepted", 3, 1, "READ-001"),
    )
    yield _vendor(
        "cut-off",
        sound[:-120],
        "the file ends in the middle of its third record: it waits for a decision",
        must("held", 2, 0, "READ-010"),
    )
    yield _vendor(
        "broken-line",
        "\n".join([items[0], items[1][:-30], items[2]]),
        "one broken line among good ones",
        must("partly_accepted", 3, 1, "READ-001"),
    )
    yield _vendor(
        "other-shape",
        json.dumps({"data": [make_item("H-1")]}),
        "the records stand elsewhere than the profile says",
        must("rejected", 0, 0, "READ-014"),
    )
    yield _vendor(
        "no-objects",
        make_json(make_item("H-1"), 7, "x", None, [], {}),
        "numbers, text, nothing and lists where records belong",
        must("partly_accepted", 6, 5, "READ-015", "RULE-001", "RULE-002", "TAX-003"),
    )


def _make_vendor_limits() -> Iterator[Hostile]:
    deep = "[" * 50_000 + "]" * 50_000
    yield _vendor(
        "deep",
        make_json(make_item("H-1"), make_item("H-2")).replace('"2025-05-03"', deep, 1),
        "nested 50,000 levels deep",
        must("partly_accepted", 2, 1, "READ-004"),
    )
    yield _vendor(
        "long-text",
        make_json(make_item("H-1", what="slipped " * 300), make_item("H-2")),
        "a text longer than a text may be",
        must("partly_accepted", 2, 1, "READ-070"),
        max_text_chars=1_000,
    )
    yield _vendor(
        "many-fields",
        make_json(make_item("H-1", **{f"f{number}": 1 for number in range(3_000)})),
        "3,000 fields in one record",
        must("rejected", 1, 1, "READ-071"),
    )


def _make_lines() -> Iterator[Hostile]:
    one, two, three = (json.dumps(make_event(name)) for name in IDS)
    yield _fhir(
        "ndjson-broken-line",
        make_lines(one, two[:-40], three),
        "one broken line among good ones",
        must("partly_accepted", 3, 1, "READ-001"),
    )
    yield _fhir("ndjson-blank-lines", f"\n\r\n{one}\n \n{two}\r\n{three}", "blank lines, CRLF", ALL)
    yield _fhir(
        "ndjson-half-a-surrogate",
        make_lines(one.replace("slipped", "slip\\ud800ped"), two),
        "half a surrogate pair in a narrative",
        must("partly_accepted", 2, 1, "READ-001"),
    )
    yield _fhir(
        "ndjson-not-utf-8",
        make_lines(one, two).encode().replace(b"slipped", b"\xa3 slipped", 1),
        "a pound sign in Windows-1252",
        must("partly_accepted", 2, 1, "READ-002"),
    )
    yield _fhir(
        "ndjson-nul",
        make_lines(one.replace("slipped", "slip\\u0000ped"), two),
        "a NUL character in a narrative",
        must("partly_accepted", 2, 1, "READ-008"),
    )
    yield _fhir(
        "ndjson-endless-line",
        make_lines(one, '{"a": "' + "x" * 20_000 + '"}', two),
        "a line longer than a record may be",
        must("partly_accepted", 3, 1, "READ-005"),
        max_record_bytes=10_000,
    )
    yield _fhir(
        "ndjson-deep",
        make_lines(one, '{"a":' * 50_000, two),
        "nested 50,000 levels deep, and never closed",
        must("partly_accepted", 3, 1, "READ-004"),
    )


def _make_bundles() -> Iterator[Hostile]:
    whole = make_bundle()
    yield _fhir(
        "bundle-cut-off",
        whole[:-200],
        "a Bundle that ends in the middle of its third entry: it waits for a decision",
        must("held", 2, 0, "READ-010"),
    )
    yield _fhir(
        "bundle-cut-off-loaded",
        whole[:-200],
        "the same from a source that is registered with --on-break load",
        must("partly_accepted", 2, 0, "READ-010"),
        on_break="load",
    )
    yield _fhir(
        "bundle-of-other-type",
        whole.replace('"collection"', '"history"'),
        "a Bundle that is no feed",
        must("rejected", 0, 0, "READ-011"),
    )
    yield _fhir(
        "utf-16",
        whole.encode("utf-16"),
        "JSON in UTF-16: FHIR is UTF-8",
        must("rejected", 0, 0, "READ-013"),
    )
    both = json.dumps(make_event("H-1"), indent=1) + "\n" + json.dumps(make_event("H-2"), indent=1)
    yield _fhir("concatenated", both, "two documents printed over lines, one behind the other",
                must("accepted", 2, 0))  # fmt: skip

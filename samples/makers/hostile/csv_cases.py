"""Hostile CSV."""

import codecs
from collections.abc import Iterator

from samples.makers.hostile.case import Case, Hostile, Must, must
from samples.makers.hostile.sound import COLUMNS, NARRATIVE, make_csv, make_row

ALL = must("accepted", 3, 0)
_SOUND = make_csv()
_HEAD, *_ROWS = _SOUND.splitlines(keepends=True)
_POUND = "He paid £5 – “really” – for the café’s soup and slipped on it."


def _case(name: str, feed: bytes | str, why: str, outcome: Must, **limits: int) -> Hostile:
    content = feed.encode() if isinstance(feed, str) else feed
    return Hostile(
        f"csv-{name}", "csv", content, Case(why=why, format="csv", must=outcome, limits=limits)
    )


def make_cases() -> Iterator[Hostile]:
    yield from _make_encodings()
    yield from _make_layouts()
    yield from _make_rows()
    yield from _make_limits()


def _make_encodings() -> Iterator[Hostile]:
    text = make_csv(narrative=_POUND)
    yield _case("utf-8-bom", codecs.BOM_UTF8 + text.encode(), "UTF-8 with a byte order mark", ALL)
    yield _case("utf-16", text.encode("utf-16"), "UTF-16 with a byte order mark (Excel)", ALL)
    yield _case("utf-16-no-mark", text.encode("utf-16-le"), "UTF-16 without a mark", ALL)
    yield _case("windows-1252", text.encode("cp1252"), "Windows-1252, nothing says so", ALL)
    bad = (make_csv(narrative=_POUND) + ",".join(make_row("H-4"))).encode()
    yield _case(
        "one-bad-byte",
        bad.replace(b"slipped on it", b"slipped \xff it", 1),
        "UTF-8 with one byte that is none: it costs its own row only",
        must("partly_accepted", 4, 1, "READ-063"),
    )
    lie = codecs.BOM_UTF8 + _HEAD.encode() + text.splitlines()[1].encode("cp1252") + b"\n"
    yield _case(
        "lying-bom",
        lie + _ROWS[1].encode(),
        "a UTF-8 byte order mark before Windows-1252: told, and read as what it is",
        must("accepted", 2, 0, "READ-076"),
    )
    yield _case(
        "nul-bytes",
        _HEAD + _ROWS[0].replace("slipped", "slip\0ped") + _ROWS[1],
        "NUL bytes in a cell",
        must("partly_accepted", 2, 1, "READ-066"),
    )
    yield _case(
        "zeros-at-the-end",
        _SOUND.encode() + b"\0" * 4096,
        "the file is filled up with zero bytes (a disk that was full)",
        must("partly_accepted", 4, 1, "READ-065", "READ-066"),
    )


def _make_layouts() -> Iterator[Hostile]:
    yield _case("sep-line", "sep=;\n" + make_csv(";"), "Excel's sep= line, semicolons", ALL)
    yield _case("semicolons", make_csv(";"), "semicolons, nothing says so", ALL)
    yield _case("tabs", make_csv("\t"), "tabs", ALL)
    yield _case("pipes", make_csv("|"), "pipes", ALL)
    yield _case("cr-line-ends", make_csv(end="\r"), "line ends of an old Mac (CR alone)", ALL)
    yield _case(
        "newlines-in-cells",
        make_csv(narrative=NARRATIVE.replace(" ", "\r\n\n", 2)),
        "line breaks inside a quoted cell",
        ALL,
    )
    yield _case(
        "quotes-in-cells",
        make_csv(narrative=NARRATIVE.replace("wet", '""wet"", or so,')),
        "doubled quotes and delimiters inside a quoted cell",
        ALL,
    )
    blank = "\n\n" + _HEAD + "\n,,,,,,,,,\n" + "".join(_ROWS) + "\n\n"
    yield _case("blank-rows", blank, "blank rows before, between and after", ALL)
    yield _case("no-bytes", b"", "a file of no bytes", must("rejected", 0, 0, "READ-090"))
    yield _case("header-only", _HEAD, "a header and no row", must("rejected", 0, 0, "READ-090"))
    yield _case(
        "no-header", "".join(_ROWS), "rows without a header", must("rejected", 0, 0, "READ-069")
    )
    yield _case(
        "another-kind-of-file",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <</Type /Catalog>>\nendobj\n",
        "a PDF under the name of a CSV",
        must("rejected", 0, 0, "READ-069"),
    )
    yield _case(
        "repeated-column",
        _SOUND.replace(",narrative,", ",event_date,", 1),
        "a mapped column name twice: which one is meant is not known",
        must("rejected", 0, 0, "READ-062"),
    )
    again = _HEAD + _ROWS[0] + _HEAD + _ROWS[1] + _ROWS[2]
    yield _case(
        "header-again",
        again,
        "two exports put together: the header again between the rows",
        must("accepted", 3, 0, "READ-074"),
    )
    yield _case(
        "totals-row",
        _SOUND + "Total,,,,3,,,,,\n",
        "a row of totals at the end",
        must("accepted", 3, 0, "READ-075"),
    )


def _make_rows() -> Iterator[Hostile]:
    row = _ROWS[1].rstrip("\n")
    yield _case(
        "too-many-cells",
        _HEAD + _ROWS[0] + row.replace('"', "").replace("slipped", "slipped, fell,") + "\n",
        "a comma in a cell without quotes: the cells shift",
        must("partly_accepted", 2, 1, "READ-064"),
    )
    yield _case(
        "too-few-cells",
        _HEAD + _ROWS[0] + row.rpartition(",")[0] + "\n" + _ROWS[2],
        "a row without its last cell, which an incident needs",
        must("partly_accepted", 3, 1, "READ-065", "TAX-003"),
    )
    yield _case(
        "open-quote",
        _HEAD + _ROWS[0] + row.replace('up."', "up.") + "\n" + _ROWS[2],
        "a quote that is never closed must not swallow the rows behind it",
        must("partly_accepted", 3, 1, "READ-068"),
    )
    yield _case(
        "cut-off",
        _SOUND[:-40],
        "the file ends in the middle of its last row",
        must("partly_accepted", 3, 1, "READ-068"),
    )
    formula = _SOUND.replace("H-1", "=cmd|' /C calc'!A0")
    yield _case("formulas", formula, "a formula as an id: harmless in the CSV receipt", ALL)
    longest = "x" * 50_000
    yield _case(
        "unknown-column",
        _HEAD.replace("\n", f",{longest[:300]}\n") + _ROWS[0].replace("\n", ",1\n"),
        "a column nobody knows, with an endless name",
        must("accepted", 1, 0, "MAP-001"),
    )


def _make_limits() -> Iterator[Hostile]:
    yield _case(
        "too-many-columns",
        ",".join([*COLUMNS, *(f"c{number}" for number in range(3_000))]) + "\n" + _ROWS[0],
        "3,000 columns",
        must("rejected", 0, 0, "READ-072"),
    )
    long = _HEAD + _ROWS[0].replace("slipped", "slipped " * 300) + _ROWS[1]
    yield _case(
        "long-text",
        long,
        "a cell longer than a text may be",
        must("partly_accepted", 2, 1, "READ-070"),
        max_text_chars=1_000,
    )
    yield _case(
        "long-row",
        long,
        "a row longer than a record may be",
        must("partly_accepted", 2, 1, "READ-067"),
        max_record_bytes=1_000,
    )
    yield _case(
        "too-many-records",
        _SOUND,
        "more records than a batch may have: it waits for a decision",
        must("held", 2, 0, "EXP-011"),
        max_records=2,
    )
    yield _case(
        "too-big",
        _SOUND,
        "a feed bigger than it may be",
        must("rejected", 0, 0, "EXP-010"),
        max_feed_bytes=200,
    )

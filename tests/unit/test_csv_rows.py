"""CSV files as they really come: each row of the tables is one that somebody has sent."""

import hashlib
import io
import tracemalloc
from typing import Any

import pytest

from gateway.adapters import csv_rows
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.csv_lines import Lines
from gateway.adapters.csv_rows import read_csv
from gateway.adapters.limits import Limits
from mappers.profile_model import Profile
from schemas.batch import Part
from schemas.catalogue import get_catalogue, word_message
from schemas.finding import Finding
from schemas.record import SourceRecord

PART = Part(batch_number=0, number=0, start=0, end=0)
LIMIT = 5_000


def make_profile(**fields: Any) -> Profile:
    given = {"taxonomy_version": "5", "event_type": {"value": "1"}, "local_id": "id", **fields}
    return Profile.model_validate({"name": "made-up", "version": "1", "format": "csv", **given})


def read(content: bytes | str, limit: int = LIMIT) -> list[SourceRecord]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_csv(io.BytesIO(raw), PART, limits=Limits(record_bytes=limit)))


def read_as(content: str, **fields: Any) -> tuple[list[SourceRecord], list[str]]:
    """The records by a profile of these fields, and what is told of the feed."""
    told: list[Finding] = []
    stream = io.BytesIO(content.encode())
    limits = Limits(record_bytes=LIMIT, columns=20, text_chars=1_000)
    records = list(read_csv(stream, PART, make_profile(**fields), limits=limits, tell=told.append))
    assert all(finding.scope == "batch" for finding in told)
    return records, [f"{finding.code} {word_message(finding)}" for finding in told]


def contents(content: bytes | str, limit: int = LIMIT) -> list[dict[str, str] | None]:
    return [record.content for record in read(content, limit)]


def codes(records: list[SourceRecord]) -> list[list[str]]:
    return [[finding.code for finding in record.findings] for record in records]


BOTH = [{"id": "1", "note": "café"}, {"id": "2", "note": "x"}]
TEXT = "id,note\r\n1,café\r\n2,x\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-le"),
        TEXT.encode("utf-16-be"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.encode("cp1252"),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace("\r\n", "\r").encode(),
        TEXT.strip().encode(),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace(",", "|").encode(),
        ("sep=;\r\n" + TEXT.replace(",", ";")).encode(),
        ("sep=^\r\n" + TEXT.replace(",", "^")).encode(),
        ('"sep=;"\r\n' + TEXT.replace(",", ";")).encode(),
        TEXT.replace("id,note", "id , note").encode(),
        TEXT.replace("id,note", '"id","note"').encode(),
        TEXT.replace("id,note", "id,note,,").encode().replace(b"2,x", b"2,x,,,,"),
    ],
)
def test_the_same_table_in_any_usual_encoding_and_delimiter(raw: bytes) -> None:
    assert contents(raw) == BOTH


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,b\n"x\ny",2\n', [{"a": "x\ny", "b": "2"}]),
        ('a,b\n"x,y",2\n', [{"a": "x,y", "b": "2"}]),
        ('a,b\n"say ""wait""",2\n', [{"a": 'say "wait"', "b": "2"}]),
        ('a,b\n5" pipe,2\n', [{"a": '5" pipe', "b": "2"}]),
        ("a,b\n , \n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\n,,,,\n\n1,2\n\n", [{"a": "1", "b": "2"}]),
        ("\n\na,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,,c\n1,2,3\n", [{"a": "1", "column 2": "2", "c": "3"}]),
        ("a\n1\n", [{"a": "1"}]),
        ('a;b\n"1,5";2\n', [{"a": "1,5", "b": "2"}]),
        ('"a,b";c;d\n1;2;3\n', [{"a,b": "1", "c": "2", "d": "3"}]),
        ("a,b\n=cmd(),2\n", [{"a": "=cmd()", "b": "2"}]),
        ("a,b\n1,\n", [{"a": "1"}]),
        ("a,b\n" + "x" * 4000 + ",2\n", [{"a": "x" * 4000, "b": "2"}]),
        ("a,b\n", []),
        ("a,b", []),
        ("a,b\n\u20281,2\n", [{"a": "\u20281", "b": "2"}]),
    ],
)
def test_ugly_but_readable(text: str, rows: list[dict[str, str]]) -> None:
    records = read(text)
    assert [record.content for record in records] == rows
    assert codes(records) == [[]] * len(rows)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # (the feed, codes of each record in order); the good neighbours are always read
        (b"a,b\n1,2\n3,4,5\n6,7\n", [[], ["READ-064"], []]),
        (b"a,b\n1,2\n3\n6,7\n", [[], ["READ-065"], []]),
        (b"a,b\n1,2\n3,\x00\n6,7\n", [[], ["READ-066"], []]),
        (
            "a,b\n1,é\n2,ü\n3,\x00\n".encode() + b"4,\xe9\n5,6\n",
            [[], [], ["READ-066"], ["READ-063"], []],
        ),
        (b"a,b\n1,\xe9\n2,\x81\n3,4\n", [[], ["READ-063"], []]),
        ("a,b\n1,é\n".encode("utf-16") + b"\x00\xd83\x00,\x004\x00\n\x00", [[], ["READ-063"]]),
        (b"a,b\n1,2\n3," + b"x" * 6000 + b"\n6,7\n", [[], ["READ-067"], []]),
        (b"a,b\n1,2\n3," + b"x" * 20000, [[], ["READ-067"]]),
        (b'a,b\n1,2\n3,"open\n6,7\n8,9\n', [[], ["READ-068"], [], []]),
        (b'a,b\n1,2\n3,"open\n' + b"6,7\n" * 2000, [[], ["READ-067"]] + [[]] * 2000),
        (b'a,b\n1,2\n3,"She said "wait" twice"\n6,7\n', [[], ["READ-068"], []]),
        (b'a,b\n1,"x\ny" z\n6,7\n', [["READ-068"], ["READ-065"], []]),
    ],
)
def test_a_bad_row_costs_its_neighbours_nothing(raw: bytes, expected: list[list[str]]) -> None:
    records = read(raw)
    assert codes(records) == expected
    assert [record.number for record in records] == list(range(1, len(expected) + 1))
    for record in records:
        errors = [f for f in record.findings if f.severity == "error"]
        assert (record.content is None) == bool(errors)
        assert all(word_message(finding) for finding in record.findings)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\n\n", "READ-060"),
        (b"sep=;\n", "READ-060"),
        (b'"a,b\n1,2\n', "READ-061"),
        (b"a" * 6000 + b"\n1\n", "READ-061"),
        (b"\n" * 6000, "READ-061"),
        (b"a,b\x00\n1,2\n", "READ-061"),
    ],
)
def test_a_feed_without_a_usable_header_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(BrokenFeed) as stopped:
        read(raw)
    assert stopped.value.finding.code == code
    assert get_catalogue()[code].scope == "batch"
    assert word_message(stopped.value.finding)


def test_rows_are_counted_as_a_spreadsheet_shows_them() -> None:
    records = read('sep=,\na,b\n1,"x\ny\nz"\n\n2,3\n4,5,6\n7,8\n')
    assert [record.locator for record in records] == ["row 2", "row 4", "row 5", "row 6"]


def test_one_bad_byte_does_not_change_the_encoding_of_the_rest() -> None:
    rows = ["a,b"] + [f"{number},naïve" for number in range(50)]
    raw = "\n".join(rows).encode() + b"\n50,na\xefve\n51,na\xc3\xafve\n"
    records = read(raw)
    assert codes(records) == [[]] * 50 + [["READ-063"], []]
    assert records[51].content == {"a": "51", "b": "naïve"}


def test_numbers_go_on_from_the_part() -> None:
    part = Part(batch_number=0, number=1, start=0, end=0, first_record=41)
    records = list(read_csv(io.BytesIO(b"a\n1\n2\n"), part, limits=Limits(record_bytes=LIMIT)))
    assert [record.number for record in records] == [41, 42]


def test_the_raw_hash_is_over_the_cells_whatever_their_quoting() -> None:
    plain, quoted = read("a,b\n1,2\n")[0], read('a;b\n"1";"2"\n')[0]
    assert plain.raw_hash == quoted.raw_hash == hashlib.sha256(b"1\x1f2").digest()
    assert read("a,b\n12,\n")[0].raw_hash != plain.raw_hash


def test_lines_given_again_are_bounded_so_that_time_stays_linear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each line closes the quote before it and opens another: read again without a limit, every
    # line would cost the reading of all that follow up to the limit.
    lines, taken = 20_000, 0

    class Counted(Lines):
        def __next__(self) -> str:
            nonlocal taken
            taken += 1
            return super().__next__()

    monkeypatch.setattr(csv_rows, "Lines", Counted)
    records = read("a,b\n" + 'x","y\n' * lines, limit=2_000)
    assert codes(records)[0] == ["READ-067"]
    assert taken < 3 * lines


def test_a_feed_closed_while_it_is_read_is_no_error() -> None:
    stream = io.BytesIO(b"a\n1\n2\n")
    records = read_csv(stream, PART, limits=Limits(record_bytes=LIMIT))
    next(records)
    stream.close()
    records.close()  # type: ignore[attr-defined]


def test_the_stream_stays_open() -> None:
    stream = io.BytesIO(b"a\n1\n")
    list(read_csv(stream, PART, limits=Limits(record_bytes=LIMIT)))
    assert not stream.closed


def test_a_header_without_what_the_profile_needs_stops_the_feed() -> None:
    with pytest.raises(BrokenFeed) as broken:
        read_as("W1,1,Mr Example fell\nW2,1,something\n", event_type="kind")
    finding = broken.value.finding
    assert finding.code == "READ-069"
    assert finding.params == {"columns": "id, kind"}


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("id,note\n17,fell, and rose\n", "17"),
        ("id,note\n17,fell\0\n", "17"),
        ("note,id\nfell\0,17\n", "17"),
        # What a comma moved into the column of ids is a piece of the narrative.
        ("note,id\nfell, and rose,17\n", None),
        ('id,note\n17,"never closed\n', None),
        ("id,note\n17,fell\n", None),
    ],
)
def test_the_id_of_a_row_that_cannot_be_read_where_it_is_sure(
    table: str, expected: str | None
) -> None:
    (record, *_), _ = read_as(table)
    assert record.local_id == expected
    assert record.local_id is None or record.content is None


PATIENTS = {"elements": {"harm_{n}": "PatientInformation.PhysicalHarm"}}


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("id,x,id", {}),
        ("id,kind,kind ", {"event_type": "kind"}),
        ("id,text,text", {"narrative": "text"}),
        ("id,more,more", {"narrative": {"field": "text", "more": {"more": "Also"}}}),
        ("id,agent,agent", {"elements": {"agent": "AdverseEventAgent.InvolvedAgents"}}),
        ("id,harm_1,harm_1", {"patients": PATIENTS}),
        (
            "id,a,w,w",
            {"elements": {"a": {"to": "AdverseEventAgent.InvolvedAgents", "when": {"w": "1"}}}},
        ),
        (
            "id,w,w",
            {"derive": {"AdverseEventAgent.InvolvedAgents": [{"when": {"w": "1"}, "value": "1"}]}},
        ),
        ("id,at,at", {"rows": {"id": "id", "keep": "newest", "by": "at"}}),
    ],
)
def test_a_column_the_profile_reads_stands_once(header: str, fields: dict[str, Any]) -> None:
    with pytest.raises(BrokenFeed) as broken:
        read_as(f"{header}\n", **fields)
    assert broken.value.finding.code == "READ-062"
    assert "columns" in word_message(broken.value.finding)


def test_other_repeated_columns_are_told_apart() -> None:
    records, told = read_as("id,x,y,x,y,y\n1,a,b,c,d,e\n", ignored={"x": "nothing in it"})
    assert [record.content for record in records] == [
        {"id": "1", "x": "c", "y": "b", "y (column 5)": "d", "y (column 6)": "e"}
    ]
    assert len(told) == 1
    assert told[0].startswith("READ-073 ")
    assert told[0].endswith("reads: 'x' (columns 2 and 4), 'y' (columns 3 and 5 and 6)")


def test_without_a_profile_a_header_may_be_content() -> None:
    told: list[Finding] = []
    stream = io.BytesIO(b"fell,fell\n1,2\n")
    (record,) = read_csv(stream, PART, limits=Limits(), tell=told.append)
    assert record.content == {"fell": "1", "fell (column 2)": "2"}
    assert told[0].params == {"columns": "1 names"}


@pytest.mark.parametrize(
    "text",
    [
        "id,note\n1,a\nid,note\n2,b\n",
        "id,note\n1,a\n\ufeffid,note\n2,b\n",
        "id,note\n1,a\nid,note,,\n2,b\n",
        "\ufeffid,note\n1,a\n\ufeffid,note\n2,b\n",
    ],
)
def test_a_header_in_the_middle_is_no_record(text: str) -> None:
    records, told = read_as(text)
    assert [record.content for record in records] == [
        {"id": "1", "note": "a"},
        {"id": "2", "note": "b"},
    ]
    assert told == ["READ-074 rows that repeat the header were not read as records: 3"]


def test_many_headers_in_the_middle_are_one_finding() -> None:
    _, told = read_as("id,note\n" + "id,note\n" * 50 + "1,a\n")
    assert told[0].endswith("2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 40 more")


@pytest.mark.parametrize("text", ["id\nid\n", "id,note\nid,other\n", "id,note\nid\n"])
def test_what_is_not_the_whole_header_is_a_record(text: str) -> None:
    records, told = read_as(text)
    assert (len(records), told) == (1, [])


TABLE = "id,kind,note,count\n1,a,fell,2\n"


@pytest.mark.parametrize(
    "last",
    [
        "Total,,,37",
        "TOTAL:,,,37",
        'Grand total,,,"1,037"',
        "Total records,,,37",
        ",,Total,37",
        "Total: 37",
        "Total: 37,,,",
        "Totals,,12,25",
        "Count,,,37",
        "Record count: 37,,,",
        "Number of records,37,,",
        "Number of incidents: 37,,,",
        "37 records,,,",
        "37 records exported",
        "37 rows selected",
        "End of file,,,",
        "*** End of report ***,,,",
        "Total,,,(37)",
    ],
)
def test_a_last_line_of_totals_is_no_record(last: str) -> None:
    records, told = read_as(TABLE + last + "\n\n,,,\n")
    assert [record.content for record in records] == [
        {"id": "1", "kind": "a", "note": "fell", "count": "2"}
    ]
    assert told == ["READ-075 the last line, row 3, is one of totals and was not read as a record"]


@pytest.mark.parametrize(
    "last",
    [
        "Total,,,37\n2,b,x,1",
        "2,,Total,37",
        "Total,b,fell,37",
        "Total,,fell,37",
        "Total,,1,2,3",
        "Total,1,2,3",
        "Totally lost,,,37",
        ",,Total loss of power,1",
        "End,,,",
        "Count",
        "Total",
        "37,,,",
        "37 years old,,,",
        "T1,,,37",
        ",,,37",
    ],
)
def test_in_doubt_a_last_line_is_a_record(last: str) -> None:
    records, told = read_as(TABLE + last + "\n")
    assert len(records) == 2 + ("\n" in last)
    assert told == []


def test_a_feed_of_nothing_but_totals_has_no_record() -> None:
    records, told = read_as("id,kind\nTotal,0\n")
    assert records == []
    assert len(told) == 1


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("id,note\n1,{}\n2,x\n", "column 2"),
        ("id,text\n1,{}\n2,x\n", "column 2 (text)"),
        ("id,text\n1,x,{}\n2,x\n", "column 3"),
    ],
)
def test_a_cell_too_long_costs_its_record(text: str, field: str) -> None:
    records, _ = read_as(text.format("x" * 1_001), narrative="text" if "text" in text else "note2")
    assert [record.content is None for record in records] == [True, False]
    finding = records[0].findings[-1]
    assert finding.code == "READ-070"
    assert finding.params == {"field": field, "limit": 1_000}
    assert records[0].local_id == "1"


def test_a_cell_as_long_as_allowed() -> None:
    records, _ = read_as(f"id,note\n1,{'x' * 1_000}\n")
    assert records[0].findings == ()


def test_too_many_columns_stop_the_feed() -> None:
    header = ",".join(["id", *(f"c{number}" for number in range(20))])
    with pytest.raises(BrokenFeed) as broken:
        read_as(f"{header}\n1\n")
    assert broken.value.finding.code == "READ-072"
    assert broken.value.finding.params == {"columns": 21, "limit": 20}


LIES = "id,note\n1,café\n2,naïve\n3,£5\n"


def test_a_mark_of_utf_8_before_windows_1252() -> None:
    told: list[Finding] = []
    raw = b"\xef\xbb\xbf" + LIES.encode("cp1252")
    records = list(read_csv(io.BytesIO(raw), PART, limits=Limits(), tell=told.append))
    assert [record.content["note"] for record in records] == ["café", "naïve", "£5"]
    assert records[0].content["id"] == "1"
    assert [finding.code for finding in told] == ["READ-076"]


def test_one_bad_byte_behind_a_mark_costs_its_row() -> None:
    raw = LIES.encode("utf-8-sig") + b"4,\xa3\n"
    assert codes(read(raw)) == [[], [], [], ["READ-063"]]


def test_a_mark_of_utf_16_before_utf_8_is_a_wrong_header() -> None:
    with pytest.raises(BrokenFeed) as broken:
        list(
            read_csv(io.BytesIO(b"\xff\xfe" + LIES.encode()), PART, make_profile(), limits=Limits())
        )
    assert broken.value.finding.code == "READ-069"


def test_memory_stays_flat() -> None:
    raw = b"id,note\n" + b"".join(b"%d,%s\n" % (n, b"x" * 400) for n in range(20_000))
    stream = io.BytesIO(raw)
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_csv(stream, PART, make_profile(), limits=Limits()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 6_000_000

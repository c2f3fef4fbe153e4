"""Rows of one record, wherever they stand in the file."""

import io
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters import csv_groups
from gateway.adapters.csv_rows import read_csv
from gateway.adapters.limits import Limits
from mappers.profile_model import ROWS, Profile
from schemas.batch import Part
from schemas.record import SourceRecord
from tests.lib.reading import Reading

PART = Part(batch_number=0, number=0, start=0, end=0)
PATIENTS = {"rows": True, "elements": {"harm": "PatientInformation.PhysicalHarm"}}


def make_profile(keep: str = "all", **fields: Any) -> Profile:
    rows = {
        "id": "id",
        "keep": keep,
        "by": "at",
        "separator": ";",
        "date_format": "DD/MM/YYYY HH:MM",
    }
    given: dict[str, Any] = {"local_id": "id", "rows": rows if keep == "newest" else {"id": "id"}}
    return Profile.model_validate(
        {
            "name": "made-up",
            "version": "1",
            "format": "csv",
            "taxonomy_version": "5",
            "event_type": {"value": "1"},
            **given,
            **fields,
        }
    )


ALL = make_profile(patients=PATIENTS)
NEWEST = make_profile("newest")


def read(text: str, profile: Profile = ALL, record_bytes: int = 5_000) -> Reading:
    limits = Limits(record_bytes=record_bytes)
    return Reading(
        lambda stream: read_csv(stream, PART, profile, limits=limits), text.encode("utf-8")
    )


def test_rows_that_stand_together() -> None:
    result = read("id,note,harm\n1,a,5\n1,a,4\n2,b,3\n")
    assert result.contents == [
        {"id": "1", "note": "a", ROWS: [{"harm": "5"}, {"harm": "4"}]},
        {"id": "2", "note": "b", ROWS: [{"harm": "3"}]},
    ]
    assert result.outcome == [("rows 2-3", "ok"), ("row 4", "ok")]


@pytest.mark.parametrize(
    ("rows", "contents", "locators"),
    [
        # (rows of id, note and harm; notes and harms by id; locators), in the order of first rows
        ("1a5 2b4 1a3", {"1": ("a", "53"), "2": ("b", "4")}, ["rows 2, 4", "row 3"]),
        ("1a5 2b4 2b1 1a3 1a2", {"1": ("a", "532"), "2": ("b", "41")}, ["rows 2, 5-6", "rows 3-4"]),
        ("2b1 1a5 2b2 1a4", {"2": ("b", "12"), "1": ("a", "54")}, ["rows 2, 4", "rows 3, 5"]),
        # A blank cell says nothing; different texts are all given.
        ("1a5 1-4 1c3", {"1": (["a", "c"], "543")}, ["rows 2-4"]),
        ("1-5 1a4", {"1": ("a", "54")}, ["rows 2-3"]),
        ("1a5 1b4 1a3", {"1": (["a", "b"], "543")}, ["rows 2-4"]),
    ],
)
def test_rows_wherever_they_stand(
    rows: str, contents: dict[str, tuple[Any, str]], locators: list[str]
) -> None:
    lines = [f"{one[0]},{one[1].strip('-')},{one[2]}" for one in rows.split()]
    result = read("id,note,harm\n" + "\n".join(lines))
    assert result.contents == [
        {"id": one, "note": note, ROWS: [{"harm": harm} for harm in harms]}
        for one, (note, harms) in contents.items()
    ]
    assert [record.locator for record in result.records] == locators


def test_blank_rows_between_do_not_part_a_record() -> None:
    result = read("id,harm\n1,5\n\n,\n1,4\n")
    assert result.outcome == [("rows 2, 5", "ok")]


def test_ids_are_the_same_whatever_blanks_stand_around_them() -> None:
    assert read("id,harm\n1,5\n 1 ,4\n").contents == [
        {"id": "1", ROWS: [{"harm": "5"}, {"harm": "4"}]}
    ]


def test_many_places_are_told_in_short() -> None:
    rows = "".join(f"1,5\n{number},4\n" for number in range(10, 30))
    assert read("id,harm\n" + rows).records[0].locator == "rows 2, 4, 6, 8, 10 and more"


def test_a_row_without_id_stands_for_itself() -> None:
    result = read("id,note,harm\n1,a,5\n,b,4\n1,a,3\n,c,2\n")
    assert result.outcome == [("rows 2, 4", "ok"), ("row 3", "READ-077"), ("row 5", "READ-077")]
    assert result.contents[1] == {"note": "b", ROWS: [{"harm": "4"}]}


def test_a_record_is_whole_or_refused() -> None:
    result = read("id,note,harm\n1,a,5\n2,b,4\n1,a,3,9\n3,c,2\n")
    assert result.outcome == [("rows 2, 4", "READ-064"), ("row 3", "ok"), ("row 5", "ok")]
    assert result.records[0].local_id == "1"


def test_the_same_fault_of_several_rows_is_told_once() -> None:
    result = read("id,note,harm\n1,a\n1,a\n1,b,3\n")
    assert [finding.code for finding in result.records[0].findings] == ["READ-065"]


def test_a_row_that_cannot_be_read_is_a_record_of_its_own() -> None:
    result = read('id,note,harm\n1,a,5\n"2,b"x,4\n3,c,2\n')
    assert result.codes == ["ok", "READ-068", "ok"]


def test_the_raw_hash_is_over_all_rows() -> None:
    one = read("id,harm\n1,5\n1,4\n").records[0].raw_hash
    assert one == read("id,harm\n1,5\n2,4\n1,4\n").records[0].raw_hash
    assert one != read("id,harm\n1,5\n1,3\n").records[0].raw_hash
    assert one != read("id,harm\n1,4\n1,5\n").records[0].raw_hash


@pytest.mark.parametrize("text", ["id,harm\n" + "1,5\n" * 200, "id,harm\n" + "1,5\n2,4\n" * 200])
def test_more_rows_than_a_record_may_hold(text: str) -> None:
    result = read(text, record_bytes=2_000)
    assert set(result.codes) <= {"READ-080", "READ-081"}
    assert all(record.content is None for record in result.records)


def test_more_scattered_rows_than_are_kept_are_refused_not_loaded_in_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(csv_groups, "_KEPT_RECORDS", 3)
    first, second = (
        "".join(f"{number},{(number + shift) % 5 + 1}\n" for number in range(100))
        for shift in (0, 1)
    )
    result = read("id,harm\n" + first + second, record_bytes=2_000)
    assert len(result.records) == 100
    assert set(result.codes) == {"ok", "READ-081"}
    for record in result.records:
        assert record.content is None or len(record.content[ROWS]) == 2
        assert record.local_id is not None or record.content


def test_an_id_is_kept_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where room is made again by an id that turned out to have too many rows."""
    monkeypatch.setattr(csv_groups, "_KEPT_RECORDS", 1)
    rows = [f"{number},5" for number in range(12)] + ["0,5"] * 12 + [f"{n},4" for n in range(12)]
    result = read("id,harm\n" + "\n".join(rows), record_bytes=1_500)
    assert "READ-081" in result.codes
    for record in result.records:
        if record.content:
            assert len(record.content[ROWS]) == 2


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        (["1,a,01/02/2025", "1,b,02/02/2025"], "b"),
        (["1,b,02/02/2025", "1,a,01/02/2025"], "b"),
        (["1,a,01/02/2025 10:00", "1,b,01/02/2025 09:00"], "a"),
        (["1,a,01/02/2025 10:00", "1,b,01/02/2025"], "a"),
        (["1,a,01/02/2025;05/02/2025", "1,b,02/02/2025 ; 03/02/2025;"], "a"),
        (["1,a,01/02/2025", "2,x,", "1,b,02/02/2025"], "b"),
    ],
)
def test_the_newest_row_counts(rows: list[str], kept: str) -> None:
    profile = make_profile(
        "newest",
        rows={
            "id": "id",
            "keep": "newest",
            "by": "at",
            "separator": ";",
            "date_format": ["DD/MM/YYYY HH:MM", "DD/MM/YYYY"],
        },
    )
    record = read("id,note,at\n" + "\n".join(rows), profile).records[0]
    assert record.content["note"] == kept
    assert ROWS not in record.content
    (finding,) = record.findings
    assert (finding.code, finding.params["count"]) == ("READ-079", 1)
    assert finding.severity == "information"
    assert rows[int(finding.params["row"]) - 2].split(",")[1] == kept


@pytest.mark.parametrize(
    "cell", ["", "tomorrow", "01/02/25 10:00", "01/02/2025 10:00;x", ";", "1/2/3"]
)
@pytest.mark.parametrize("first", [True, False])
def test_a_date_that_cannot_be_read_is_no_guess(cell: str, first: bool) -> None:
    rows = [f"1,a,{cell}", "1,b,01/02/2025 10:00"]
    result = read(
        "id,note,at\n" + "\n".join(rows if first else reversed(rows)) + "\n2,c,\n", NEWEST
    )
    # A single row has no older one, whatever its date.
    assert result.outcome == [("rows 2-3", "READ-078"), ("row 4", "ok")]
    assert result.records[0].findings[0].params == {
        "row": "2" if first else "3",
        "column": "at",
        "accepted": "DD/MM/YYYY HH:MM",
    }
    assert result.records[0].local_id == "1"


@pytest.mark.parametrize(
    ("rows", "kept", "found"),
    [
        ("1,a,01/02/2025 09:00\n1,b,01/02/2025 9:00\n", "b", [("READ-083", "2, 3", "3")]),
        (
            "1,a,01/02/2025 09:00\n1,x,01/01/2025 09:00\n1,b,01/02/2025 09:00\n",
            "b",
            [("READ-083", "2, 4", "4"), ("READ-079", None, "4")],
        ),
        # The same row again is no other.
        ("1,a,01/02/2025 09:00\n1,a,01/02/2025 09:00\n", "a", [("READ-079", None, "3")]),
        ("1,a,01/02/2025 10:00\n1,b,01/02/2025 10:01\n", "b", [("READ-079", None, "3")]),
    ],
)
def test_rows_that_are_equally_new_and_differ_are_told(
    rows: str, kept: str, found: list[tuple[str, str | None, str]]
) -> None:
    (record,) = read("id,note,at\n" + rows, NEWEST).records
    assert record.content["note"] == kept
    told = [(one.code, one.params.get("rows"), one.params["row"]) for one in record.findings]
    assert told == found


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("id,note,harm", '1,"a,4'),
        ("id,note,harm", '"1","a "quoted" word",4'),
        ("note,id,harm", 'b,1,"4" 5'),
        ("note,id,harm", '"a, b",1,"4'),
    ],
)
@pytest.mark.parametrize("profile", [ALL, NEWEST])
def test_a_record_of_which_a_row_cannot_be_read_is_refused_as_a_whole(
    header: str, row: str, profile: Profile
) -> None:
    whole = "1,a,5" if header.startswith("id") else "a,1,5"
    first, *others = read(f"{header}\n{whole}\n{row}\n", profile).records
    assert (first.content, first.local_id, others) == (None, "1", [])
    assert "READ-068" in [one.code for one in first.findings]


@pytest.mark.parametrize("row", ['"1,a,4', 'b "1",1,"4', '"fell ""twice""",1,"4'])
def test_of_a_row_that_cannot_be_read_no_id_is_guessed(row: str) -> None:
    """Not where a quote before the id leaves open what stands in which column."""
    header, whole = ("id,note,harm", "1,a,5") if row[1] == "1" else ("note,id,harm", "a,1,5")
    first, *others = read(f"{header}\n{whole}\n{row}\n").records
    assert first.content is not None
    assert others[0].local_id is None


def test_totals_and_headers_between_are_no_rows_of_a_record() -> None:
    result = read("id,note,harm\n1,a,5\nid,note,harm\n1,a,4\nTotal,,2\n")
    assert result.outcome == [("rows 2, 4", "ok")]


IDS = st.sampled_from(["1", "2", "3", " 3", "", "W-1", "x" * 30])


@given(
    rows=st.lists(st.tuples(IDS, st.sampled_from("ab "), st.sampled_from("12345")), max_size=30),
    room=st.sampled_from([0, 1]),
)
@settings(deadline=None, max_examples=150)
def test_any_order_gives_what_a_plain_grouping_gives(
    rows: list[tuple[str, str, str]], room: int
) -> None:
    text = "id,note,harm\n" + "".join(f"{','.join(row)}\n" for row in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_groups, "_KEPT_RECORDS", room)
        records = list(_read_plainly(text))
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(row[0].strip() or f"\0{number}", []).append(row)
    assert len(records) == len(groups)
    for record, group in zip(records, groups.values(), strict=True):
        if record.content is None:
            assert room == 0
            assert record.findings[0].code == "READ-081"
        else:
            assert record.content[ROWS] == [{"harm": row[2]} for row in group]


def _read_plainly(text: str) -> Iterator[SourceRecord]:
    limits = Limits(record_bytes=20_000)
    return read_csv(io.BytesIO(text.encode()), PART, ALL, limits=limits)


def test_a_shuffled_file_gives_every_record_once() -> None:
    lines = [f"{number // 3},n{number // 3},{number % 5 + 1}" for number in range(3_000)]
    random.Random(5).shuffle(lines)
    result = read("id,note,harm\n" + "\n".join(lines), record_bytes=1 << 20)
    assert set(result.codes) == {"ok"}
    assert {record.content["id"] for record in result.records} == set(map(str, range(1_000)))
    assert all(len(record.content[ROWS]) == 3 for record in result.records)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,a,5\n1,a,5\n", "2, 3"),
        ("1,a,5\n1,a,5\n1,a,4\n1,a,5\n1,a,4\n", "2, 3, 5; 4, 6"),
        ("1,a,5\n2,a,5\n1,a,5\n", "2, 4"),
        ("1,a,5\n" * 9, "2, 3, 4, 5, 6 and more"),
        # Each tells something else, or gives nothing that would be there twice.
        ("1,a,5\n1,,5\n", None),
        ("1,a,5\n1,a,4\n", None),
        ("1,a,\n1,a,\n", None),
        ("1,a,5\n2,a,5\n", None),
    ],
)
def test_a_row_given_twice_in_a_record_is_told_and_kept(rows: str, told: str | None) -> None:
    result = read(f"id,note,harm\n{rows}")
    first = result.records[0]
    found = [one.params for one in first.findings if one.code == "READ-082"]
    assert found == ([] if told is None else [{"rows": told}])
    assert len(first.findings) == len(found)
    assert sum(len(one[ROWS]) for one in result.contents) == rows.count("\n")


def test_a_row_given_twice_is_no_news_where_rows_give_nothing_of_their_own() -> None:
    result = read("id,at\n1,01/03/2026 10:00\n1,01/03/2026 10:00\n", NEWEST)
    assert [one.code for one in result.records[0].findings] == ["READ-079"]
    result = read("id,note\n1,a\n1,a\n", make_profile())
    assert result.records[0].findings == ()


def test_a_column_of_the_rows_that_the_record_is_mapped_from_too_is_in_both() -> None:
    profile = make_profile(
        patients=PATIENTS | {"when": {"role": "patient"}},
        elements={"role": "AdverseEventAgent.InvolvedAgents"},
        derive={"PatientInformation.PsychologicalHarm": [{"when": {"hurt": "y"}, "value": "3"}]},
    )
    result = read("id,role,harm,hurt\n1,patient,5,y\n1,staff,4,n\n", profile)
    assert result.contents == [
        {
            "id": "1",
            "role": ["patient", "staff"],
            ROWS: [
                {"role": "patient", "harm": "5", "hurt": "y"},
                {"role": "staff", "harm": "4", "hurt": "n"},
            ],
        }
    ]

"""Code lists as CSV files beside a profile."""

from pathlib import Path

import pytest

from mappers.profile_code_lists import read_code_list
from mappers.profile_load import make_shelf, parse_profile
from mappers.profile_problems import BadProfileError
from tests.lib.profile_shelf import SMALL, write_profile

RULE = "elements:\n  a: {to: AdverseEventAgent.InvolvedAgents, codes: %s}\n"


@pytest.mark.parametrize(
    "content",
    [
        b"theirs,national\nDrug,4\nNone,\n",
        b"\xef\xbb\xbftheirs,national\r\nDrug,4\r\nNone,\r\n",
        b'notes,National, THEIRS \n"a,\nb", 4 ,Drug\n,,\n\n,,None\n',
        b"theirs,national\nDrug,4\nDrug,4\nNone,\n",
    ],
    ids=["plain", "byte order mark", "notes and blanks", "twice the same"],
)
def test_a_code_list_is_read(content: bytes) -> None:
    assert read_code_list(content, "x.csv").codes == {"Drug": "4", "None": ""}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "x.csv, row 1: the header must hold 'theirs' once"),
        (b"theirs;national\na;1\n", "x.csv, row 1: the header must hold 'theirs' once"),
        (b"theirs,code\na,1\n", "x.csv, row 1: the header must hold 'national' once"),
        (b"theirs,national,theirs\n", "x.csv, row 1: the header must hold 'theirs' once"),
        (b"theirs,national\na,1\na,2\n", "x.csv, row 3, column 'theirs': 'a' stands in row 2"),
        (b"theirs,national\n\n,1\n", "x.csv, row 3, column 'theirs': empty"),
        (b"theirs,national\na\n", "x.csv, row 2, column 'national': the row ends before it"),
        (b"theirs,national\na,1\n\xe9,2\n", "x.csv, row 3: not in UTF-8"),
        (b'theirs,national\n"a"b,1\n', "x.csv, row 1: not CSV"),
    ],
)
def test_a_bad_code_list_says_what_is_wrong_and_where(content: bytes, problem: str) -> None:
    with pytest.raises(BadProfileError) as refused:
        read_code_list(content, "x.csv")
    assert problem in str(refused.value)


def test_all_bad_rows_are_told_at_once() -> None:
    with pytest.raises(BadProfileError) as refused:
        read_code_list(b"theirs,national\n,1\na\nb,1\nb,2\n", "x.csv")
    assert [one.place.line for one in refused.value.problems] == [2, 3, 5]


def test_a_rule_and_a_code_list_may_name_a_file(tmp_path: Path) -> None:
    text = SMALL.replace("name: x", "name: one") + RULE % "who.csv" + "code_lists: {w: who.csv}\n"
    write_profile(tmp_path / "one", text, **{"who.csv": "theirs,national\nDrug,4\n"})
    profile = make_shelf(tmp_path).load("one")
    assert profile.code_lists == {"w": {"Drug": "4"}}
    assert profile.elements["a"].codes == {"Drug": "4"}


@pytest.mark.parametrize(
    "name", ["../who.csv", "/etc/who.csv", "deeper/who.csv", "..csv", ".who.csv", "a b.csv"]
)
def test_a_code_list_lies_in_the_profiles_own_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "who.csv").write_text("theirs,national\nDrug,4\n")
    write_profile(tmp_path / "one", SMALL.replace(": x", ": one", 1) + RULE % f"'{name}'")
    with pytest.raises(BadProfileError, match=r"one/profile\.yaml, line 7, elements\.a\.codes: "):
        make_shelf(tmp_path).load("one")


def test_a_file_that_is_not_there_is_told_at_its_line(tmp_path: Path) -> None:
    with pytest.raises(
        BadProfileError, match=r"line 7, elements.a.codes: no file 'who.csv' beside"
    ):
        parse_profile(SMALL + RULE % "who.csv", "x.yaml")


def test_what_is_wrong_with_several_files_is_told_at_once(tmp_path: Path) -> None:
    text = (
        SMALL.replace(": x", ": one", 1)
        + RULE % "who.csv"
        + "code_lists: {w: what.csv, v: no.csv}\n"
    )
    bad = {"who.csv": "a,b\n", "what.csv": "theirs,national\n,\n,1\n"}
    write_profile(tmp_path / "one", text, **bad)
    with pytest.raises(BadProfileError) as refused:
        make_shelf(tmp_path).load("one")
    assert [(one.place.file, one.place.line) for one in refused.value.problems] == [
        ("one/what.csv", 3),
        ("one/profile.yaml", 8),
        ("one/who.csv", 1),
    ]

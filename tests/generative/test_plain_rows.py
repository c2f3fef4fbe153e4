"""A line that is told to be a row without taking it apart is one for csv.reader too."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.adapters.csv_plain import PlainRows

HEADER = "id"
PIECES = ["id", "a", '"', '""', ",", ";", " ", "\t", "\x1f", "\x00", "\u00e9", "\ufeff", '","']


@given(pieces=st.lists(st.sampled_from(PIECES), max_size=12), end=st.sampled_from(["\n", "\r\n"]))
def test_a_plain_row_is_one_row_a_record_and_no_header(pieces, end):
    line = "".join(pieces) + end
    if not PlainRows(",", {HEADER, "\ufeff" + HEADER}).has(line):
        return
    # The next line stays one of its own: no quote is open.
    cells, following = csv.reader([line, "next\n"], delimiter=",", strict=True)
    assert following == ["next"]
    assert "".join(cells).strip("\x1f \t")
    assert cells[0].removeprefix("\ufeff") != HEADER


@pytest.mark.parametrize(
    "line",
    ['1,"a, b",c\n', '"1","a ""b"" c"\r\n', "1,,,\n", ",,x\n", '"1",\n', ',"",1\n'],
)
def test_usual_rows_are_plain(line):
    assert PlainRows(",", {HEADER}).has(line)


@pytest.mark.parametrize(
    "line",
    ["", "1,a", "1,a\r", ',,"" \n', "id,name\n", '1,"a\n', '1,a"b"\n', '1,"a" ,b\n', '1,"a"b\n'],
)
def test_what_is_not_surely_one_row_is_not(line):
    assert not PlainRows(",", {HEADER}).has(line)


def test_a_header_with_a_quote_in_it_is_not_taken_for_a_row():
    assert not PlainRows(",", {'a"b'}).has('"a""b",c\n')

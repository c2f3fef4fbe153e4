"""What is different between a feed and the one before it."""

from collections import Counter

import pytest

from gateway.profiles.drift import Drift, compare
from gateway.profiles.renamed import Looks, find_renamed
from tests.lib.profile_files import count_rows, make_row

Rows = list[dict[str, str]]


def rows(count: int, **cells: str) -> Rows:
    return [make_row(number, **cells) for number in range(1, count + 1)]


def drift(before: Rows, after: Rows) -> Drift:
    return compare(count_rows(*before), count_rows(*after), against="before.csv")


def renamed_column(given: Rows, old: str, new: str) -> Rows:
    return [{new if name == old else name: cell for name, cell in row.items()} for row in given]


def test_a_file_does_not_differ_from_itself():
    found = drift(rows(30), rows(30))
    assert not found.is_any
    assert found.shares_compared


def test_the_number_of_records_alone_is_no_drift():
    found = drift(rows(30), rows(60))
    assert (found.records_before, found.records_after) == (30, 60)
    assert not found.is_any


def test_columns_come_and_go():
    before = [row | {"bleep": "7"} for row in rows(3)]
    after = [row | {"corridor": "north"} for row in rows(3)]
    found = drift(before, after)
    assert (found.new, found.vanished, found.renamed) == (["corridor"], ["bleep"], [])
    assert found.is_any


def test_a_column_that_is_there_and_empty_has_not_gone():
    assert drift(rows(3, ward="icu"), rows(3)).vanished == []


def test_a_column_with_a_similar_name_was_probably_renamed():
    found = drift(rows(30), renamed_column(rows(30), "trust", "trust_code"))
    (pair,) = found.renamed
    assert (pair.before, pair.after) == ("trust", "trust_code")
    assert pair.confidence >= 0.6
    assert (found.new, found.vanished) == ([], [])


def test_a_column_with_the_same_values_was_probably_renamed():
    given = [row | {"challenge": str(number % 4)} for number, row in enumerate(rows(40))]
    (pair,) = drift(given, renamed_column(given, "challenge", "topic_list")).renamed
    assert (pair.before, pair.after) == ("challenge", "topic_list")


def test_a_fifth_patient_is_no_new_column():
    after = [row | {"harm_2": "none"} for row in rows(3)]
    assert drift(rows(3), after).new == []


def test_codes_come_and_go():
    found = drift(rows(30, harm_1="low"), rows(30, harm_1="LEVEL 2"))
    (change,) = found.codes
    assert change.field == "harm_{n}"
    assert [(one.value, one.count) for one in change.new.shown] == [("LEVEL 2", 30)]
    assert [(one.value, one.count) for one in change.vanished.shown] == [("low", 30)]


def test_a_rare_code_has_not_vanished_where_chance_explains_it():
    before = [*rows(30), make_row(31, harm_1="none")]
    assert drift(before, rows(30)).codes == []


def test_a_new_code_that_may_be_a_person_is_only_counted():
    (change,) = drift(rows(30), rows(30, harm_1="Dr Example")).codes
    assert (change.new.shown, change.new.others) == ([], 1)


def test_free_text_has_no_codes():
    assert drift(rows(30), rows(30, story="Another story altogether.")).codes == []


def test_a_field_filled_less_often_is_told():
    before = rows(40, ward="icu")
    after = [*rows(20, ward="icu"), *rows(20)]
    (change,) = drift(before, after).shares
    assert (change.field, change.before, change.after) == ("ward", 1.0, 0.5)


def test_a_change_of_twenty_points_is_not_more_than_twenty():
    before = [*rows(36, ward="icu"), *rows(4)]
    after = [*rows(28, ward="icu"), *rows(12)]
    assert drift(before, after).shares == []


def test_shares_of_few_records_are_not_compared():
    found = drift(rows(3, ward="icu"), rows(3))
    assert not found.shares_compared
    assert found.shares == []


def looks(name: str, values: dict[str, int] | None = None) -> Looks:
    return Looks(name, Counter(values or {}), Counter(), 1.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("incident_date", "IncidentDate"),
        ("incident_date", "date of incident"),
        ("location", "locations"),
        ("/what/agent", "/what/agents"),
    ],
)
def test_names_alone_may_tell(old: str, new: str):
    assert [(one.before, one.after) for one in find_renamed([looks(old)], [looks(new)])] == [
        (old, new)
    ]


@pytest.mark.parametrize(
    ("old", "new"), [("handler", "ward"), ("severity", "specialty"), ("a", "b")]
)
def test_other_names_do_not(old: str, new: str):
    assert find_renamed([looks(old)], [looks(new)]) == []


def test_each_column_is_in_one_pair_at_most():
    pairs = find_renamed(
        [looks("location"), looks("location_type")], [looks("locations"), looks("location_types")]
    )
    assert {(one.before, one.after) for one in pairs} == {
        ("location", "locations"),
        ("location_type", "location_types"),
    }

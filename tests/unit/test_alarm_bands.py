"""What came is compared with the source's own past, or with what an operator set."""

from datetime import date, timedelta

import msgspec

from gateway.monitoring.bands import find_band, find_out_of_band, find_rejecting
from schemas.alarm import Expected
from tests.lib.feed_days import SOURCE, make_day, make_days

FRIDAY = date(2026, 11, 27)
SATURDAY = FRIDAY + timedelta(days=1)


def add(days, **given):
    """With a day more: Friday, over by now."""
    return [*days, make_day(FRIDAY, **given)]


def expected(**given):
    return Expected(source_id=SOURCE, **given)


def test_a_usual_day_is_no_alarm():
    days = make_days(FRIDAY)
    for records in (70, 100, 140):
        assert find_out_of_band(add(days, records=records), SATURDAY, None) is None


def test_a_small_or_a_large_day_is_one():
    days = make_days(FRIDAY)
    for records in (0, 30, 200, 5000):
        found = find_out_of_band(add(days, records=records), SATURDAY, None)
        assert found is not None
        assert not found.band.least <= records <= found.band.most


def test_a_small_source_is_never_too_small():
    days = make_days(FRIDAY, records=4)
    assert find_out_of_band(add(days, records=0), SATURDAY, None) is None
    assert find_out_of_band(add(days, records=60), SATURDAY, None) is not None


def test_a_monday_is_compared_with_mondays():
    monday = FRIDAY + timedelta(days=3)
    days = [
        msgspec.structs.replace(one, records=300) if one.day.weekday() == 0 else one
        for one in make_days(monday, weeks=12)
    ]
    band = find_band(days, monday, None)
    assert band is not None
    assert band.least < 300 < band.most
    assert "Mondays" in band.pattern
    assert find_out_of_band([*days, make_day(monday, records=100)], SATURDAY, None) is not None


def test_some_wild_days_do_not_widen_the_band():
    wild = [
        msgspec.structs.replace(one, records=9_000) if number % 9 == 0 else one
        for number, one in enumerate(make_days(FRIDAY))
    ]
    band = find_band(wild, FRIDAY, None)
    assert band is not None
    assert band.most < 200


def test_today_is_judged_only_once_it_is_over_or_too_large():
    days = make_days(FRIDAY)
    assert find_out_of_band(add(days, records=3, batches=0), FRIDAY, None) is None
    assert find_out_of_band(add(days, records=3, batches=1), FRIDAY, None) is not None
    assert find_out_of_band(add(days, records=900, batches=0), FRIDAY, None) is not None


def test_while_today_is_open_the_day_before_is_judged():
    days = make_days(FRIDAY)
    days[-1] = msgspec.structs.replace(days[-1], records=5)
    found = find_out_of_band(add(days, records=3, batches=0), FRIDAY, None)
    assert found is not None
    assert found.day == days[-1]


def test_too_few_days_are_no_past():
    days = make_days(FRIDAY, weeks=1)
    assert find_out_of_band(add(days, records=0), SATURDAY, None) is None


def test_what_is_set_goes_before_what_is_learned():
    days = add(make_days(FRIDAY), records=100)
    assert find_out_of_band(days, SATURDAY, expected(records_least=90)) is None
    assert find_out_of_band(days, SATURDAY, expected(records_least=101)) is not None
    assert find_out_of_band(days, SATURDAY, expected(records_most=99)) is not None
    fresh = [make_day(FRIDAY, records=100)]
    assert find_out_of_band(fresh, SATURDAY, expected(records_most=99)) is not None


def test_rejections_are_compared_with_the_past():
    days = make_days(FRIDAY)
    assert find_rejecting(add(days, rejected=6), None) is None
    found = find_rejecting(add(days, rejected=20), None)
    assert found is not None
    assert (found.since, found.records, found.rejected) == (FRIDAY, 100, 20)


def test_a_source_that_is_always_bad_is_told_of_once_it_is_worse():
    days = make_days(FRIDAY, records=100, rejected=30)
    assert find_rejecting(add(days, rejected=35), None) is None
    assert find_rejecting(add(days, rejected=70), None) is not None


def test_few_records_are_looked_at_together():
    days = make_days(FRIDAY, records=4, rejected=0)
    assert find_rejecting(add(days, records=4, rejected=4), None) is None
    bad = [msgspec.structs.replace(one, rejected=3) for one in days[-6:]]
    found = find_rejecting([*days[:-6], *bad], None)
    assert found is not None
    assert found.records == 20


def test_a_new_source_may_have_half_of_it_rejected():
    assert find_rejecting([make_day(FRIDAY, rejected=50)], None) is None
    assert find_rejecting([make_day(FRIDAY, rejected=51)], None) is not None


def test_a_share_that_is_set_decides():
    days = add(make_days(FRIDAY), rejected=6)
    assert find_rejecting(days, expected(rejected_most=0.05)) is not None
    assert find_rejecting(days, expected(rejected_most=0.06)) is None

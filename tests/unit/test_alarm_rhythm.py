"""When a source usually sends is learned from when it did: silence is seen, a weekend is not."""

from datetime import date, timedelta

import pytest

from gateway.monitoring.bank_holidays import find_bank_holidays
from gateway.monitoring.rhythm import find_silence, learn, word_rhythm
from tests.lib.feed_days import at, make_day, make_days

WORKDAYS = range(5)
FRIDAY = date(2026, 11, 27)


def learn_from(days, today):
    rhythm = learn(days, today)
    assert rhythm is not None
    return rhythm


def test_a_daily_feed_is_missed_two_hours_after_its_usual_time():
    days = make_days(FRIDAY)
    rhythm = learn_from(days, FRIDAY)
    last = days[-1].last_at
    assert find_silence(rhythm, last, at(FRIDAY, "08:00")) is None
    silence = find_silence(rhythm, last, at(FRIDAY, "09:30"))
    assert silence is not None
    assert at(FRIDAY, "08:00") < silence.due < at(FRIDAY, "09:30")
    assert silence.pattern == word_rhythm(rhythm)
    assert silence.pattern.startswith("every day by 08:")


def test_a_feed_of_workdays_is_not_missed_at_a_weekend():
    monday = FRIDAY + timedelta(days=3)
    days = make_days(monday, weekdays=WORKDAYS)
    rhythm = learn_from(days, monday)
    assert days[-1].day == FRIDAY
    for day in range(1, 3):
        noon = at(FRIDAY + timedelta(days=day), "12:00")
        assert find_silence(rhythm, days[-1].last_at, noon) is None
    assert find_silence(rhythm, days[-1].last_at, at(monday, "12:00")) is not None
    assert word_rhythm(rhythm).startswith("Mon Tue Wed Thu Fri by 0")


@pytest.mark.parametrize("holiday", ["2026-12-25", "2026-12-28", "2027-03-26", "2027-03-29"])
def test_a_feed_of_workdays_is_not_missed_on_a_bank_holiday(holiday):
    day = date.fromisoformat(holiday)
    days = make_days(day, weekdays=WORKDAYS)
    rhythm = learn_from(days, day)
    assert find_silence(rhythm, days[-1].last_at, at(day, "23:59")) is None


def test_a_feed_of_every_day_is_missed_on_a_bank_holiday_too():
    day = date(2026, 12, 25)
    days = make_days(day, holidays=True)
    assert find_silence(learn_from(days, day), days[-1].last_at, at(day, "12:00")) is not None


def test_some_holidays_of_a_source_do_not_change_what_is_usual():
    days = [one for one in make_days(FRIDAY, weekdays=WORKDAYS) if one.day.day not in {12, 13}]
    assert set(learn_from(days, FRIDAY).by) == set(WORKDAYS)


def test_a_weekly_feed_is_missed_on_its_day():
    tuesday = date(2026, 11, 24)
    days = make_days(tuesday, weekdays=[1])
    rhythm = learn_from(days, tuesday)
    assert find_silence(rhythm, days[-1].last_at, at(date(2026, 11, 23), "23:00")) is None
    assert find_silence(rhythm, days[-1].last_at, at(tuesday, "12:00")) is not None


def test_a_feed_at_different_hours_is_given_longer():
    clocks = ("05:00", "09:00", "13:00", "17:00", "21:00")
    days = [
        make_day(FRIDAY - timedelta(days=number), clocks[number % 5]) for number in range(63, 0, -1)
    ]
    rhythm = learn_from(days, FRIDAY)
    assert find_silence(rhythm, days[-1].last_at, at(FRIDAY, "21:00")) is None
    assert find_silence(rhythm, days[-1].last_at, at(FRIDAY + timedelta(days=2), "21:00"))


def test_an_irregular_feed_is_missed_after_an_unusual_gap():
    gaps = [3, 9, 5, 12, 4, 8, 6, 11, 3, 7]
    day, days = FRIDAY - timedelta(days=sum(gaps)), []
    for gap in gaps:
        days.append(make_day(day))
        day += timedelta(days=gap)
    rhythm = learn_from(days, FRIDAY)
    assert not rhythm.by
    last = days[-1].last_at
    assert find_silence(rhythm, last, last + timedelta(days=13)) is None
    assert find_silence(rhythm, last, last + timedelta(days=35)) is not None


def test_a_stream_is_missed_after_four_of_its_busy_hours():
    busy = set(range(8, 19))
    days = make_days(FRIDAY, weekdays=WORKDAYS, batches=80, hours=busy)
    rhythm = learn_from(days, FRIDAY)
    last = at(FRIDAY, "09:20")
    assert find_silence(rhythm, last, at(FRIDAY, "13:59")) is None
    silence = find_silence(rhythm, last, at(FRIDAY, "14:00"))
    assert silence is not None
    assert "4 hours" in silence.pattern


def test_a_stream_is_not_missed_at_night_or_at_a_weekend():
    busy = set(range(8, 19))
    days = make_days(FRIDAY, weekdays=WORKDAYS, batches=80, hours=busy)
    rhythm = learn_from(days, FRIDAY)
    last = at(FRIDAY, "18:50")
    for hours in range(60):
        assert find_silence(rhythm, last, last + timedelta(hours=hours)) is None


def test_nothing_is_concluded_before_four_weeks_are_over():
    days = make_days(FRIDAY, weeks=4)
    assert learn(days, FRIDAY) is not None
    assert learn(days[1:], FRIDAY) is None
    assert learn([], FRIDAY) is None


def test_a_few_days_in_three_months_teach_nothing():
    days = [make_day(FRIDAY - timedelta(days=number)) for number in (80, 60, 30)]
    assert learn(days, FRIDAY) is None


def test_the_clock_change_moves_no_deadline():
    """Last Sunday of October: a feed by London's clock comes an hour later by Greenwich's."""
    day = date(2026, 10, 27)
    days = make_days(day)
    rhythm = learn_from(days, day)
    assert find_silence(rhythm, days[-1].last_at, at(day, "08:00")) is None
    assert find_silence(rhythm, days[-1].last_at, at(day, "09:30")) is not None


# As published on gov.uk/bank-holidays for England and Wales.
PUBLISHED = {
    2024: "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26",
    2025: "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26",
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
    2021: "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28",
}


@pytest.mark.parametrize("year", PUBLISHED)
def test_bank_holidays_are_those_published(year):
    assert sorted(f"{day:%m-%d}" for day in find_bank_holidays(year)) == PUBLISHED[year].split()

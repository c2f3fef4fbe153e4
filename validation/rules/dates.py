"""When it happened."""

import re
from collections.abc import Iterable
from datetime import date

from schemas.catalogue import rules as codes
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.values import shown
from validation.rules.rule import NOTHING

GROUP = "AdverseEventEstimatedDate"
# The day the NHS began.
EARLIEST = date(1948, 7, 5)
_APPROXIMATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2]))?", re.ASCII)


def an_event_of_today_has_the_day_of_recording_as_its_date(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    """Where one of the two days is not given there is nothing to compare: the other is it."""
    when = event.group(GROUP)
    if when.get("IncidentOccurredToday") != "y" or event.event_date is None:
        return NOTHING
    today = when.get("TodaysDate")
    if today is None or today == event.event_date:
        return NOTHING
    value = shown(event.event_date, is_date=True)
    return (
        codes.TODAY_IS_ANOTHER_DAY.at("event_date", value=value, today=shown(today, is_date=True)),
    )


def an_event_of_another_day_has_a_date(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    """Real clients send either the exact date or, where only that is known, ApproximateDate."""
    when = event.group(GROUP)
    if when.get("IncidentOccurredToday") != "n" or event.event_date is not None:
        return NOTHING
    if "ApproximateDate" in when:
        return NOTHING
    return (codes.DATE_MISSING.at("event_date"),)


def the_event_is_not_in_the_future(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    day = event.occurred_on
    if day is None or day <= submission.received_on:
        return NOTHING
    today = submission.received_on.isoformat()
    return (
        codes.DATE_IN_FUTURE.at(
            _path(event), value=shown(day.isoformat(), is_date=True), today=today
        ),
    )


def the_event_is_not_older_than_the_nhs(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    day = event.occurred_on
    if day is None or day >= EARLIEST:
        return NOTHING
    earliest = EARLIEST.isoformat()
    return (
        codes.DATE_BEFORE_NHS.at(
            _path(event), value=shown(day.isoformat(), is_date=True), earliest=earliest
        ),
    )


def an_approximate_date_is_a_month_or_a_year_of_the_past(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    text = event.text(GROUP, "ApproximateDate")
    if text is None:
        return NOTHING
    path = f"{GROUP}.ApproximateDate"
    if not _APPROXIMATE.fullmatch(text):
        return (codes.APPROXIMATE_DATE_FORM.at(path, value=shown(text, is_date=True)),)
    today, earliest = submission.received_on.isoformat(), EARLIEST.isoformat()
    # As text, and to the month or year that is known: 2026 is not after 2026-11-20.
    if text > today[: len(text)]:
        return (codes.DATE_IN_FUTURE.at(path, value=shown(text, is_date=True), today=today),)
    if text < earliest[: len(text)]:
        return (codes.DATE_BEFORE_NHS.at(path, value=shown(text, is_date=True), earliest=earliest),)
    return NOTHING


def the_time_is_precise_or_estimated_but_not_both(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    when = event.group(GROUP)
    if "PreciseTime" in when and "EstimatedTime" in when:
        return (codes.TIME_GIVEN_TWICE.at(f"{GROUP}.EstimatedTime"),)
    return NOTHING


def _path(event: NationalEvent) -> str:
    return "event_date" if event.event_date is not None else f"{GROUP}.TodaysDate"

"""A source submits for its own organisation, and for those whose grant holds on the day."""

from datetime import UTC, date, datetime

import pytest

from gateway.pipeline.judge import make_submission
from schemas.submission import Grant, Source
from validation.organisations import may_submit_for

SOURCE = Source(
    id="s",
    organisation="RZA",
    format="fhir",
    submits_for=frozenset({"RZA", "RZB", "RZC", "RZD", "RZE", "RZF"}),
    grants=(
        Grant("RZB", date(2026, 11, 10), date(2026, 11, 20)),
        Grant("RZC", starts_on=date(2026, 11, 10)),
        Grant("RZD", ends_on=date(2026, 11, 20)),
        Grant("RZE"),
    ),
)


@pytest.mark.parametrize(
    ("day", "codes"),
    [
        (9, "RZA RZD RZE RZF"),
        (10, "RZA RZB RZC RZD RZE RZF"),
        (20, "RZA RZB RZC RZD RZE RZF"),
        (21, "RZA RZC RZE RZF"),
    ],
)
def test_a_grant_holds_from_its_first_day_to_its_last(day, codes):
    found = SOURCE.on(date(2026, 11, day))
    assert found.submits_for == set(codes.split())
    assert found.grants == SOURCE.grants


def test_the_own_organisation_needs_no_grant_and_loses_nothing_by_one():
    over = Source(
        id="s",
        organisation="RZA",
        format="fhir",
        submits_for=frozenset({"RZA"}),
        grants=(Grant("RZA", ends_on=date(2020, 1, 1)),),
    )
    assert over.on(date(2026, 11, 10)).submits_for == {"RZA"}


@pytest.mark.parametrize(
    ("received_at", "may"),
    [
        (datetime(2026, 11, 9, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 10, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 20, 23, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 21, 0, 0, tzinfo=UTC), False),
    ],
)
def test_a_batch_is_judged_by_the_grants_of_the_day_it_came(received_at, may):
    submission = make_submission(SOURCE, received_at, {})
    assert may_submit_for("RZB", submission) is may
    assert may_submit_for("RZA", submission)
    assert not may_submit_for("RZZ", submission)


def test_the_day_is_that_of_london():
    summer = Source(
        id="s",
        organisation="RZA",
        format="fhir",
        submits_for=frozenset({"RZA", "RZB"}),
        grants=(Grant("RZB", starts_on=date(2026, 7, 2)),),
    )
    late = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)  # half past midnight there
    assert may_submit_for("RZB", make_submission(summer, late, {}))

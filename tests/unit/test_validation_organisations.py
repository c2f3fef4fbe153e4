"""Which organisation carries on for a closed one, and for whom a source may submit."""

from datetime import date

import pytest

from schemas.submission import Organisation
from tests.lib.events import (
    CLOSED,
    CLOSED_BETWEEN,
    CLOSED_IN_CIRCLE,
    CLOSED_INTO_UNKNOWN,
    OTHER_TRUST,
    REGISTER,
    TRUST,
    TRUST_SITE,
    make_event,
    make_submission,
    set_element,
)
from validation.organisations import may_submit_for, resolve_organisations
from validation.validate import validate_event

SUBMISSION = make_submission()
ORGANISATIONS = "LocationDetails.Organisation"


def test_nothing_to_replace_gives_the_very_same_event():
    event = make_event()
    resolved, findings = resolve_organisations(event, SUBMISSION)
    assert resolved is event
    assert findings == []


def test_a_chain_of_mergers_is_followed_to_the_one_that_is_open():
    event = set_element(make_event(), ORGANISATIONS, [CLOSED])
    resolved, (finding,) = resolve_organisations(event, SUBMISSION)
    assert resolved.occurred_organisations == [OTHER_TRUST]
    assert finding.params["successor"] == OTHER_TRUST
    assert event.occurred_organisations == [CLOSED]


def test_a_chain_is_followed_only_as_far_as_the_day_of_the_event_asks():
    event = set_element(make_event(event_date="2023-01-01"), ORGANISATIONS, [CLOSED])
    resolved, _ = resolve_organisations(event, SUBMISSION)
    assert resolved.occurred_organisations == [CLOSED_BETWEEN]


def test_the_day_of_receipt_stands_in_for_an_unknown_day():
    event = set_element(make_event(event_date=None), ORGANISATIONS, [CLOSED_BETWEEN])
    early = make_submission(received_on=date(2024, 3, 31))
    assert resolve_organisations(event, early)[0] is event
    assert resolve_organisations(event, SUBMISSION)[0].occurred_organisations == [OTHER_TRUST]


@pytest.mark.parametrize("code", [*CLOSED_IN_CIRCLE, CLOSED_INTO_UNKNOWN])
def test_a_circle_or_an_unknown_successor_keeps_the_closed_one(code):
    event = set_element(make_event(), ORGANISATIONS, [code])
    resolved, (finding,) = resolve_organisations(event, SUBMISSION)
    assert resolved is event
    assert finding.code == "ORG-004"


def test_two_organisations_that_merged_are_one_and_codes_stay_in_order():
    event = set_element(make_event(), ORGANISATIONS, [TRUST, CLOSED, CLOSED_BETWEEN, "RZA01"])
    resolved, findings = resolve_organisations(event, SUBMISSION)
    assert resolved.occurred_organisations == ["RZA", "RZA01", "RZB"]
    assert [finding.path for finding in findings] == [f"{ORGANISATIONS}[{n}]" for n in (1, 2)]


def test_the_reporter_is_replaced_too():
    event = set_element(make_event(), "PractitionerDetails.ReporterOrganisation", CLOSED)
    submission = make_submission(organisation=OTHER_TRUST, submits_for=frozenset({OTHER_TRUST}))
    resolved, (finding,) = resolve_organisations(event, submission)
    assert resolved.reporter_organisation == OTHER_TRUST
    assert finding.severity == "warning"
    assert validate_event(resolved, submission) == []


@pytest.mark.parametrize(
    ("grant", "code", "allowed"),
    [
        (TRUST, TRUST, True),
        (TRUST, TRUST_SITE, True),
        (TRUST_SITE, TRUST, True),
        (TRUST, OTHER_TRUST, False),
        (OTHER_TRUST, CLOSED, True),
        (CLOSED, OTHER_TRUST, True),
        (CLOSED, CLOSED_BETWEEN, True),
        (TRUST, CLOSED, False),
        (TRUST, "not a code", False),
    ],
)
def test_a_source_submits_for_who_granted_it_their_sites_and_those_that_carried_on(
    grant, code, allowed
):
    assert may_submit_for(code, make_submission(submits_for=frozenset({grant}))) is allowed


def test_pharmacies_with_like_codes_are_not_sites_of_one_another():
    # Real pharmacies have five characters too (4,482 of them in the list of 2022).
    pharmacies = {code: Organisation(code, "A pharmacy") for code in ("FZZ01", "FZZ02")}
    submission = make_submission(
        register={**REGISTER, **pharmacies}, submits_for=frozenset({"FZZ01"})
    )
    assert may_submit_for("FZZ01", submission)
    assert not may_submit_for("FZZ02", submission)


def test_an_event_without_reporter_organisation_is_the_sources_own():
    event = set_element(make_event(), "PractitionerDetails.ReporterOrganisation", None)
    assert validate_event(event, SUBMISSION) == []


@pytest.mark.parametrize("value", ["RZC", 7, [None, {}, "RZC"], {"a": 1}])
def test_malformed_organisations_are_left_to_the_taxonomy_check(value):
    event = set_element(make_event(), ORGANISATIONS, value)
    resolve_organisations(event, SUBMISSION)
    resolve_organisations(make_event(LocationDetails=value), SUBMISSION)

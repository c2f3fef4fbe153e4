"""Who is told of an event, and how soon."""

import pytest

from gateway.notifications.policy import decide_alerts
from schemas.event import NationalEvent
from schemas.judged import ALERT_REASONS, AlertDemand


def make_event(*, never=False, physical=(), psychological=(), where=("RZA",), reporter="RZA"):
    patients = [{"PatientSequence": n, "PhysicalHarm": grade} for n, grade in enumerate(physical)]
    patients += [
        {"PatientSequence": n, "PsychologicalHarm": grade}
        for n, grade in enumerate(psychological, len(patients))
    ]
    groups = {"PatientInformation": patients} if patients else {}
    if never:
        groups["AdverseEventGovernance"] = {"NeverEvent": True}
    if where:
        groups["LocationDetails"] = {"Organisation": list(where)}
    if reporter:
        groups["PractitionerDetails"] = {"ReporterOrganisation": reporter}
    return NationalEvent(taxonomy_version="5", event_type="1", groups=groups)


@pytest.mark.parametrize(
    ("event", "recorded_by", "kind", "reason"),
    [
        (make_event(), "RZA", "digest", "routine"),
        (make_event(physical="5"), "RZA", "digest", "routine"),
        (make_event(physical="3"), "RZA", "digest", "routine"),
        (make_event(physical="2"), "RZA", "urgent", "severe"),
        (make_event(physical="1"), "RZA", "urgent", "fatal"),
        (make_event(physical="521"), "RZA", "urgent", "fatal"),
        # Severe psychological harm is grade 1; there is no fatal one.
        (make_event(psychological="1"), "RZA", "urgent", "severe"),
        (make_event(psychological="2"), "RZA", "digest", "routine"),
        (make_event(never=True), "RZA", "urgent", "never_event"),
        (make_event(never=True, physical="1"), "RZB", "urgent", "never_event"),
        (make_event(physical="1"), "RZB", "urgent", "fatal"),
        (make_event(), "RZB", "urgent", "recorded_elsewhere"),
        # A trust and its site are one organisation, and so are two sites of a trust.
        (make_event(), "RZA01", "digest", "routine"),
        (make_event(where=["RZA01"]), "RZA", "digest", "routine"),
        (make_event(where=["RZA01"]), "RZA02", "digest", "routine"),
        # A practice's code only looks like a site's where the first character is a letter.
        (make_event(where=["12345"]), "12367", "urgent", "recorded_elsewhere"),
    ],
)
def test_kind_and_reason(event, recorded_by, kind, reason):
    (demand,) = decide_alerts(event, recorded_by)
    assert (demand.kind, demand.reason) == (kind, reason)
    assert demand.organisation == event.occurred_organisations[0]
    assert reason in ALERT_REASONS


def test_each_organisation_is_judged_for_itself():
    event = make_event(where=["RZA", "RZB", "RZA01"])
    assert decide_alerts(event, "RZA") == (
        AlertDemand("RZA", "digest", "routine"),
        AlertDemand("RZB", "urgent", "recorded_elsewhere"),
        AlertDemand("RZA01", "digest", "routine"),
    )


def test_an_organisation_named_twice_is_told_once():
    # Two closed organisations with the same successor become one.
    assert len(decide_alerts(make_event(where=["RZB", "RZB"]), "RZA")) == 1


def test_nobody_is_told_where_no_organisation_is_known():
    assert decide_alerts(make_event(where=(), reporter=None, physical="1"), "RZA") == ()


def test_the_reporters_own_organisation_is_told_where_no_other_is_given():
    event = make_event(where=(), reporter="RZA")
    assert decide_alerts(event, "RZA") == (AlertDemand("RZA", "digest", "routine"),)

"""Organisations of the event: in the register, and allowed to the source."""

from collections.abc import Iterable

from schemas.catalogue import organisations as codes
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.values import shown
from validation.organisations import find_organisations, list_organisations, may_submit_for
from validation.rules.rule import NOTHING

REPORTER = "PractitionerDetails.ReporterOrganisation"


def every_organisation_is_in_the_register(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    register = submission.register
    if all(map(register.__contains__, list_organisations(event))):
        return NOTHING
    return [
        codes.UNKNOWN_ORGANISATION.at(place.path, value=shown(place.code))
        for place in find_organisations(event)
        if place.code not in register
    ]


def the_source_may_submit_for_the_reporter(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    """Said before the register is asked: what a source may not send is refused, known or not."""
    code = event.reporter_organisation
    if code is None or may_submit_for(code, submission):
        return NOTHING
    source = submission.source.id
    return (codes.SUBMITTER_NOT_ALLOWED.at(REPORTER, value=shown(code), source=source),)

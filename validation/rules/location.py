"""Where it happened."""

from collections.abc import Iterable

from schemas.catalogue import rules as codes
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from validation.rules.rule import NOTHING

GROUP = "LocationDetails"


def another_location_is_named(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    where = event.group(GROUP)
    if where.get("LocationKnown") != "n" or "Organisation" in where or "OrganisationOther" in where:
        return NOTHING
    return (codes.LOCATION_MISSING.at(f"{GROUP}.Organisation"),)

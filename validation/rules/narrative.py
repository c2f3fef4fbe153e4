"""The narrative: given where it is needed, and long enough to say something.

"Narrative empty" of the national schema is read so: a narrative that is given and says nothing is
an error in every event, also where none is needed. In FHIR it is given where the element stands
there (``"description": ""``, which FHIR itself forbids). In CSV and vendor XML an export writes
every column and every element, used or not: there an empty one is a narrative not given.
"""

from collections.abc import Iterable
from functools import lru_cache

from schemas.catalogue import narrative as codes
from schemas.event import INCIDENT, RISK, NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.taxonomy import NARRATIVE_GROUP, get_taxonomy
from validation.rules.rule import NOTHING

MIN_LENGTH = 10
RISK_DESCRIPTION = ("AdverseEventRiskDetails", "RiskDescription")


def the_narrative_is_given_where_it_is_needed(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    """An incident needs one, and in version 6 every event; a risk may have RiskDescription."""
    if event.narrative is not None:
        return NOTHING
    if event.event_type == INCIDENT:
        reason = "an incident"
    elif requires_narrative(event.taxonomy_version):
        reason = f"taxonomy version {event.taxonomy_version}"
    else:
        return NOTHING
    return (codes.NARRATIVE_MISSING.at("narrative", reason=reason, least=MIN_LENGTH),)


def the_narrative_says_something(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    """A risk may be told in RiskDescription alone, which then is held to the same length."""
    path, text = "narrative", event.narrative
    if text is None and event.event_type == RISK:
        path, text = ".".join(RISK_DESCRIPTION), event.text(*RISK_DESCRIPTION)
    if text is None or len(text) >= MIN_LENGTH:
        return NOTHING
    return (codes.NARRATIVE_TOO_SHORT.at(path, length=len(text), least=MIN_LENGTH),)


@lru_cache
def requires_narrative(version: str) -> bool:
    """Version 6 has the narrative as a required group of its own, for every event type."""
    group = get_taxonomy(version).by_name.get(NARRATIVE_GROUP)
    return group is not None and group.min > 0

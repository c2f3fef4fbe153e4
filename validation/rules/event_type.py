"""What each event type needs.

Only the lack of a whole group is found here where the element is required within its group:
there the taxonomy check names the missing element, and one fault is one finding.
"""

from collections.abc import Iterable

from schemas.catalogue import rules as codes
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK, NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.taxonomy import NARRATIVE_GROUP, get_taxonomy
from validation.rules.rule import NOTHING

AGENT = "AdverseEventAgent"
CHALLENGES = "AdverseEventSafetyChallenges"
RISK_DETAILS = "AdverseEventRiskDetails"
OUTCOME_DETAILS = "AdverseEventOutcome"
WENT_WELL = "AdverseEventWentWell"


def an_incident_names_what_was_involved(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if event.event_type != INCIDENT or AGENT in event.groups:
        return NOTHING
    return (codes.INCIDENT_WITHOUT_AGENTS.at(f"{AGENT}.InvolvedAgents"),)


def an_incident_names_its_safety_challenges(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if event.event_type != INCIDENT or CHALLENGES in event.groups:
        return NOTHING
    return (codes.INCIDENT_WITHOUT_SAFETY_CHALLENGES.at(f"{CHALLENGES}.SafetyChallenges"),)


def a_risk_says_whether_it_is_imminent(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if event.event_type != RISK or RISK_DETAILS in event.groups:
        return NOTHING
    return (codes.RISK_WITHOUT_IMMINENCE.at(f"{RISK_DETAILS}.RiskImminent"),)


def a_risk_is_described(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    if event.event_type != RISK or event.narrative is not None:
        return NOTHING
    if event.text(RISK_DETAILS, "RiskDescription"):
        return NOTHING
    if NARRATIVE_GROUP in get_taxonomy(event.taxonomy_version).by_name:
        return NOTHING  # TEXT-001 says it already: this version wants a narrative of every event
    return (codes.RISK_WITHOUT_DESCRIPTION.at(f"{RISK_DETAILS}.RiskDescription"),)


def an_outcome_has_a_type(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    # An empty list is the taxonomy check's to find.
    if event.event_type != OUTCOME or "OutcomeType" in event.group(OUTCOME_DETAILS):
        return NOTHING
    return (codes.OUTCOME_WITHOUT_TYPE.at(f"{OUTCOME_DETAILS}.OutcomeType"),)


def good_care_says_how_it_can_happen_again(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if event.event_type != GOOD_CARE or WENT_WELL in event.groups:
        return NOTHING
    return (codes.GOOD_CARE_WITHOUT_FUTURE.at(f"{WENT_WELL}.HowFutureOccurrence"),)

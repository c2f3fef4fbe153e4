"""Safety challenges and governance: what belongs together."""

from collections.abc import Iterable

from schemas.catalogue import rules as codes
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from validation.rules.rule import NOTHING

CHALLENGES = "AdverseEventSafetyChallenges"
GOVERNANCE = "AdverseEventGovernance"
RADIOTHERAPY = "4"
SCREENING = "7"


def a_radiotherapy_code_needs_a_radiotherapy_incident(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if "RadiotherapyIncidentCode" not in event.group(CHALLENGES):
        return NOTHING
    if RADIOTHERAPY in event.codes(CHALLENGES, "SafetyChallenges"):
        return NOTHING
    return (codes.RADIOTHERAPY_CODE_WITHOUT_CHALLENGE.at(f"{CHALLENGES}.RadiotherapyIncidentCode"),)


def a_screening_reference_needs_a_screening_incident(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if "MarvinReferenceNumber" not in event.group(CHALLENGES):
        return NOTHING
    if SCREENING in event.codes(CHALLENGES, "SafetyChallenges"):
        return NOTHING
    return (codes.SCREENING_REFERENCE_WITHOUT_CHALLENGE.at(f"{CHALLENGES}.MarvinReferenceNumber"),)


def a_never_event_type_needs_a_never_event(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if "NeverEventType" not in event.group(GOVERNANCE) or event.never_event:
        return NOTHING
    return (codes.NEVER_EVENT_TYPE_WITHOUT_FLAG.at(f"{GOVERNANCE}.NeverEventType"),)


def a_never_event_has_a_type(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    if not event.never_event or "NeverEventType" in event.group(GOVERNANCE):
        return NOTHING
    return (codes.NEVER_EVENT_WITHOUT_TYPE.at(f"{GOVERNANCE}.NeverEventType"),)


def cqc_criteria_need_a_notification(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    if "CqcCriteria" not in event.group(GOVERNANCE) or event.flag(GOVERNANCE, "CqcNotify"):
        return NOTHING
    return (codes.CQC_CRITERIA_WITHOUT_NOTIFY.at(f"{GOVERNANCE}.CqcCriteria"),)

"""Who is told of an event, and how soon. Decided once, when the event is judged; who the admin
users are is looked up later, when the message is made."""

from datetime import date
from functools import lru_cache

import msgspec

from schemas.event import NationalEvent
from schemas.identifiers import is_same_organisation
from schemas.judged import AlertDemand

FATAL = 1
SEVERE = 2


def decide_alerts(
    event: NationalEvent, recorded_by: str, quiet_before: date | None = None
) -> tuple[AlertDemand, ...]:
    """A demand for each organisation where the event happened; none where no organisation is
    known. Urgent for a never event, fatal or severe harm, or where another organisation recorded
    it; else the organisation reads of it in its next digest. ``recorded_by`` is an ODS code. Of an
    event before ``quiet_before`` nobody is told; of one whose day is not known they are."""
    reason = _find_own_reason(event)
    demands = tuple(
        _demand(organisation, reason, recorded_by)
        for organisation in dict.fromkeys(event.occurred_organisations)
    )
    if quiet_before is None or event.occurred_on is None or event.occurred_on >= quiet_before:
        return demands
    return tuple(msgspec.structs.replace(one, quiet=True) for one in demands)


def _find_own_reason(event: NationalEvent) -> str | None:
    """What makes the event urgent wherever it happened, the most serious first."""
    if event.never_event:
        return "never_event"
    worst_harm = event.worst_harm
    if worst_harm == FATAL:
        return "fatal"
    return "severe" if worst_harm == SEVERE else None


@lru_cache(maxsize=4096)  # the same few for all the events of a source
def _demand(organisation: str, reason: str | None, recorded_by: str) -> AlertDemand:
    if reason is None and not is_same_organisation(organisation, recorded_by):
        reason = "recorded_elsewhere"
    if reason is None:
        return AlertDemand(organisation, "digest", "routine")
    return AlertDemand(organisation, "urgent", reason)

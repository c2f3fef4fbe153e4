"""All that is wrong with an event: its taxonomy version, then the rules between elements."""

from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS
from schemas.taxonomy.quick import is_surely_valid
from validation.rules import select_rules
from validation.taxonomy_check import check_taxonomy
from validation.well_formed import keep_well_formed


def validate_event(
    event: NationalEvent, submission: Submission, payload: bytes | None = None
) -> list[Finding]:
    """Findings in a fixed order: the taxonomy's, then those of the rules in the order of
    :data:`validation.rules.RULES`. Never raises, whatever stands in the event's groups. Of an event
    of an unknown taxonomy version nothing more is said. ``payload``: ``encode_event(event)``, where
    the caller has it, is checked faster than the event."""
    findings: list[Finding] = []
    version = event.taxonomy_version
    if payload is None or not is_surely_valid(payload, version):
        findings = check_taxonomy(event, strict=submission.source.strict)
    if findings:
        event = keep_well_formed(event)
        if version not in TAXONOMY_VERSIONS:
            return findings
    # What a sender made up must not be remembered with the selection.
    event_type = event.event_type if event.event_type in EVENT_TYPES else ""
    for rule in select_rules(version, event_type, tuple(event.groups)):
        if found := rule(event, submission):
            findings.extend(found)
    return findings

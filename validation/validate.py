"""All that is wrong with an event: its taxonomy version, then the rules between elements."""

from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.submission import Submission
from schemas.taxonomy import TAXONOMY_VERSIONS
from validation.rules import ALWAYS, RULES
from validation.taxonomy_check import check_taxonomy
from validation.well_formed import keep_well_formed


def validate_event(event: NationalEvent, submission: Submission) -> list[Finding]:
    """Findings in a fixed order: the taxonomy's, then those of the rules in the order of
    :data:`validation.rules.RULES`. Never raises, whatever stands in the event's groups. Of an event
    of an unknown taxonomy version nothing more is said."""
    findings = check_taxonomy(event, strict=submission.source.strict)
    if findings:
        event = keep_well_formed(event)
        if event.taxonomy_version not in TAXONOMY_VERSIONS:
            return findings
    groups = event.groups
    for group, rules in RULES:
        if group is ALWAYS or group in groups:
            for rule in rules:
                if found := rule(event, submission):
                    findings.extend(found)
    return findings

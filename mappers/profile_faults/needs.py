"""What an event needs at least, and nothing in the profile fills: every such record would have
that finding. A test holds the table to what validation says of events that lack it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from mappers.profile_faults.uses import Fault, list_filled, list_rules
from mappers.profile_model import REFERENCE, Constant, Profile
from schemas.catalogue import narrative, rules, taxonomy
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK
from schemas.finding import FindingCode
from schemas.taxonomy import EVENT_TYPES, NARRATIVE_GROUP, Taxonomy, get_taxonomy

NARRATIVE: Final = "narrative"
RISK_DESCRIPTION: Final = "AdverseEventRiskDetails.RiskDescription"


class Need(NamedTuple):
    """One of ``targets``; without any, each event of that type has the finding."""

    event_type: str
    targets: tuple[str, ...]
    code: FindingCode


NEEDS: Final = (
    Need(INCIDENT, ("AdverseEventAgent.InvolvedAgents",), rules.INCIDENT_WITHOUT_AGENTS),
    Need(
        INCIDENT,
        ("AdverseEventSafetyChallenges.SafetyChallenges",),
        rules.INCIDENT_WITHOUT_SAFETY_CHALLENGES,
    ),
    Need(INCIDENT, (NARRATIVE,), narrative.NARRATIVE_MISSING),
    Need(RISK, ("AdverseEventRiskDetails.RiskImminent",), rules.RISK_WITHOUT_IMMINENCE),
    Need(RISK, (NARRATIVE, RISK_DESCRIPTION), rules.RISK_WITHOUT_DESCRIPTION),
    Need(OUTCOME, ("AdverseEventOutcome.OutcomeType",), rules.OUTCOME_WITHOUT_TYPE),
    Need(GOOD_CARE, ("AdverseEventWentWell.HowFutureOccurrence",), rules.GOOD_CARE_WITHOUT_FUTURE),
)


def find_remarks(profile: Profile) -> Iterator[Fault]:
    filled = list_filled(profile)
    if profile.narrative is not None:
        filled.add(NARRATIVE)
    yield from _find_unmet_needs(profile, filled)
    for version in profile.versions:
        yield from _find_unmet_cardinalities(profile, get_taxonomy(version), filled)
    yield from _find_missing_other_texts(profile, filled)
    yield from _find_missing_dates(profile, filled)


def list_event_types(profile: Profile) -> list[str]:
    """Those that a record of this profile can have."""
    if isinstance(profile.event_type, Constant):
        return [profile.event_type.value]
    codes = profile.codes_of(profile.event_type)
    given = set(EVENT_TYPES) if codes is None else set(codes.values())
    return [code for code in EVENT_TYPES if code in given]


def _find_unmet_needs(profile: Profile, filled: set[str]) -> Iterator[Fault]:
    for event_type in list_event_types(profile):
        for need in NEEDS:
            if need.event_type == event_type and not filled & set(need.targets):
                wanted = " or ".join(need.targets)
                name = EVENT_TYPES[event_type].label.lower()
                message = f"nothing fills {wanted}: every {name} will have finding {need.code.code}"
                yield (), message
    if NARRATIVE not in filled and INCIDENT not in list_event_types(profile):
        versions = [
            version
            for version in profile.versions
            if NARRATIVE_GROUP in get_taxonomy(version).by_name
        ]
        for version in versions:
            code = narrative.NARRATIVE_MISSING.code
            message = f"nothing fills narrative: every event of version {version} will have finding"
            yield (), f"{message} {code}"


def _find_unmet_cardinalities(
    profile: Profile, taxonomy_of: Taxonomy, filled: set[str]
) -> Iterator[Fault]:
    several = len(profile.versions) > 1
    of_version = f" of version {taxonomy_of.version}" if several else ""
    for group in taxonomy_of.groups:
        if group.name == NARRATIVE_GROUP:
            continue
        given = {name for name in filled if name.startswith(f"{group.name}.")} - {REFERENCE}
        if not given and group.min:
            code = taxonomy.MISSING_GROUP.code
            yield (
                (),
                f"nothing fills {group.name}: every event{of_version} will have finding {code}",
            )
        for element in group.elements:
            target = f"{group.name}.{element.name}"
            known = {name for name in given if taxonomy_of.find_element(*name.split("."))}
            if element.min and known and target not in filled:
                code = taxonomy.MISSING_ELEMENT.code
                message = f"nothing fills {target}, which {group.name} needs: every event"
                yield (), f"{message}{of_version} that has the group will have finding {code}"


def _find_missing_other_texts(profile: Profile, filled: set[str]) -> Iterator[Fault]:
    """A code map that gives the code "Other" where no field says which other."""
    for version in profile.versions:
        for group, element, other, codes in get_taxonomy(version).other_texts:
            if f"{group}.{other}" in filled:
                continue
            for use in list_rules(profile):
                given = profile.codes_of(use.rule) or {}
                if use.rule.to == f"{group}.{element}" and codes & set(given.values()):
                    code = rules.OTHER_WITHOUT_TEXT.code
                    message = f"it gives 'Other' and nothing fills {group}.{other}"
                    yield (*use.path, "codes"), f"{message}: such a record will have finding {code}"


def _find_missing_dates(profile: Profile, filled: set[str]) -> Iterator[Fault]:
    when = "AdverseEventEstimatedDate"
    if profile.event_date is not None or f"{when}.ApproximateDate" in filled:
        return
    if f"{when}.IncidentOccurredToday" in filled:
        message = "nothing fills event_date: a record of another day than today will have finding"
        yield (), f"{message} {rules.DATE_MISSING.code}"
    else:
        yield (), "nothing says when it happened: event_date, or AdverseEventEstimatedDate"

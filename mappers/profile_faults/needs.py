"""What an event needs at least, and nothing in the profile fills: every such record would have
that finding. A test holds the table to what validation says of events that lack it."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from mappers.profile_faults.uses import Fault, list_filled, list_rules
from mappers.profile_model import REFERENCE, Profile
from mappers.profile_parts import Constant
from schemas.catalogue import narrative, rules, taxonomy
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK
from schemas.finding import FindingCode
from schemas.taxonomy import EVENT_TYPES, NARRATIVE_GROUP, Taxonomy, get_taxonomy

NARRATIVE: Final = "narrative"
RISK_DESCRIPTION: Final = "AdverseEventRiskDetails.RiskDescription"


class Need(NamedTuple):
    """One of ``targets``; an event without any has the finding."""

    targets: tuple[str, ...]
    code: FindingCode


_NEEDS: Final = {
    INCIDENT: (
        Need(("AdverseEventAgent.InvolvedAgents",), rules.INCIDENT_WITHOUT_AGENTS),
        Need(
            ("AdverseEventSafetyChallenges.SafetyChallenges",),
            rules.INCIDENT_WITHOUT_SAFETY_CHALLENGES,
        ),
        Need((NARRATIVE,), narrative.NARRATIVE_MISSING),
    ),
    RISK: (
        Need(("AdverseEventRiskDetails.RiskImminent",), rules.RISK_WITHOUT_IMMINENCE),
        Need((NARRATIVE, RISK_DESCRIPTION), rules.RISK_WITHOUT_DESCRIPTION),
    ),
    OUTCOME: (Need(("AdverseEventOutcome.OutcomeType",), rules.OUTCOME_WITHOUT_TYPE),),
    GOOD_CARE: (
        Need(("AdverseEventWentWell.HowFutureOccurrence",), rules.GOOD_CARE_WITHOUT_FUTURE),
    ),
}


def list_needs(event_type: str, version: str) -> list[Need]:
    """What an event of that type needs in that version, whatever else it says."""
    needs = list(_NEEDS[event_type])
    core = get_taxonomy(version).by_name.get(NARRATIVE_GROUP)
    if core is not None and core.min:
        # This version wants a narrative of every event.
        needs = [need for need in needs if NARRATIVE not in need.targets]
        needs.append(Need((NARRATIVE,), narrative.NARRATIVE_MISSING))
    return needs


def find_remarks(profile: Profile) -> Iterator[Fault]:
    filled = list_filled(profile)
    if profile.narrative is not None:
        filled.add(NARRATIVE)
    unmet = {kind: _list_unmet(profile, kind, filled) for kind in list_event_types(profile)}
    # What every type of event needs is told once, with both of the findings it may have.
    told = set.intersection(*(_list_targets(needs) for needs in unmet.values()))
    lacking = {
        target
        for version in profile.versions
        for target in _list_lacking(get_taxonomy(version), filled)
    }
    yield from _find_unmet_needs(profile, unmet, told & lacking)
    for version in profile.versions:
        yield from _find_unmet_cardinalities(profile, get_taxonomy(version), filled, told)
    yield from _find_missing_other_texts(profile, filled)
    yield from _find_missing_dates(profile, filled)


def list_event_types(profile: Profile) -> list[str]:
    """Those that a record of this profile can have."""
    if isinstance(profile.event_type, Constant):
        return [profile.event_type.value]
    codes = profile.codes_of(profile.event_type)
    given = set(EVENT_TYPES) if codes is None else set(codes.values())
    return [code for code in EVENT_TYPES if code in given]


def _list_unmet(profile: Profile, event_type: str, filled: set[str]) -> dict[Need, list[str]]:
    """What nothing fills → the versions that need it."""
    unmet: dict[Need, list[str]] = {}
    for version in profile.versions:
        for need in list_needs(event_type, version):
            if not filled.intersection(need.targets):
                unmet.setdefault(need, []).append(version)
    return unmet


def _list_targets(needs: Iterable[Need]) -> set[str]:
    return {need.targets[0] for need in needs if len(need.targets) == 1}


def _find_unmet_needs(
    profile: Profile, unmet: dict[str, dict[Need, list[str]]], lacking: set[str]
) -> Iterator[Fault]:
    for event_type, needs in unmet.items():
        name = EVENT_TYPES[event_type].name.replace("_", " ")
        for need, versions in needs.items():
            which = name if len(versions) == len(profile.versions) else f"{name} of {_of(versions)}"
            message = f"nothing fills {' or '.join(need.targets)}: every {which}"
            # An event that has others of the group has the second one instead.
            also = f" or {taxonomy.MISSING_ELEMENT.code}" if lacking & {*need.targets} else ""
            yield (), f"{message} will have finding {need.code.code}{also}"


def _of(versions: list[str]) -> str:
    return f"version{'' if len(versions) == 1 else 's'} {' and '.join(versions)}"


def _find_unmet_cardinalities(
    profile: Profile, taxonomy_of: Taxonomy, filled: set[str], told: set[str]
) -> Iterator[Fault]:
    several = len(profile.versions) > 1
    of_version = f" of version {taxonomy_of.version}" if several else ""
    for group in taxonomy_of.groups:
        if group.min and group.name != NARRATIVE_GROUP and not _has_any(group.name, filled):
            code = taxonomy.MISSING_GROUP.code
            message = f"nothing fills {group.name}: every event{of_version}"
            yield (), f"{message} will have finding {code}"
    for target in _list_lacking(taxonomy_of, filled):
        if target not in told:
            code = taxonomy.MISSING_ELEMENT.code
            group_name = target.partition(".")[0]
            message = f"nothing fills {target}, which {group_name} needs: every event"
            yield (), f"{message}{of_version} that has the group will have finding {code}"


def _has_any(group: str, filled: set[str]) -> bool:
    return any(name.startswith(f"{group}.") and name != REFERENCE for name in filled)


def _list_lacking(taxonomy_of: Taxonomy, filled: set[str]) -> Iterator[str]:
    """The elements without which a group is not whole that the profile fills otherwise."""
    for group in taxonomy_of.groups:
        own = {f"{group.name}.{element.name}": element for element in group.elements}
        if group.name != NARRATIVE_GROUP and (own.keys() & filled) - {REFERENCE}:
            yield from (name for name, one in own.items() if one.min and name not in filled)


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

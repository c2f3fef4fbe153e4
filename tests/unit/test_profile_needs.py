"""What a profile check says every event would lack is what validation says of such an event."""

from pathlib import Path

import pytest

from mappers.profile_faults.needs import NARRATIVE, list_needs
from mappers.profile_load import make_shelf
from schemas.catalogue import taxonomy
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK, NationalEvent
from schemas.taxonomy import NARRATIVE_GROUP, TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.events import make_event, make_submission
from validation.validate import validate_event

TYPES = (INCIDENT, RISK, OUTCOME, GOOD_CARE)
AGENTS = "AdverseEventAgent.InvolvedAgents"
CHALLENGES = "AdverseEventSafetyChallenges.SafetyChallenges"
EVERY = [(kind, version) for kind in TYPES for version in TAXONOMY_VERSIONS]


def find_errors(event: NationalEvent) -> list[str]:
    return [one.code for one in validate_event(event, make_submission()) if one.severity == "error"]


def leave_out(event: NationalEvent, targets: tuple[str, ...]) -> NationalEvent:
    """Without these: a narrative, or all of the group; of two that will do, the element alone."""
    changes: dict[str, object] = {}
    for target in targets:
        group, _, element = target.partition(".")
        if target == NARRATIVE:
            changes["narrative"] = None
        elif len(targets) > 1:
            kept = {name: value for name, value in event.group(group).items() if name != element}
            changes[group] = kept
        else:
            changes[group] = None
    return make_event(event.event_type, event.taxonomy_version, **changes)


@pytest.mark.parametrize(("kind", "version"), EVERY)
def test_an_event_without_what_it_needs_has_that_finding(kind: str, version: str) -> None:
    event = make_event(kind, version)
    assert find_errors(event) == []
    for need in list_needs(kind, version):
        found = find_errors(leave_out(event, need.targets))
        # Version 4 requires RiskDescription within its group besides.
        assert need.code.code in found, need
        assert set(found) <= {need.code.code, taxonomy.MISSING_ELEMENT.code}


@pytest.mark.parametrize(("kind", "version"), EVERY)
def test_an_event_with_nothing_but_what_it_needs_is_valid(kind: str, version: str) -> None:
    """So that the table lacks nothing."""
    whole = make_event(kind, version)
    needed = {target for need in list_needs(kind, version) for target in need.targets}
    groups = {
        group.name: {
            name: value
            for name, value in whole.group(group.name).items()
            if f"{group.name}.{name}" in needed or group.by_name[name].min or group.min
        }
        for group in get_taxonomy(version).groups
        if group.min or any(target.startswith(f"{group.name}.") for target in needed)
    }
    groups.pop(NARRATIVE_GROUP, None)
    told = whole.narrative if NARRATIVE in needed else None
    event = NationalEvent(taxonomy_version=version, event_type=kind, narrative=told, groups=groups)
    assert find_errors(event) == []


@pytest.mark.parametrize(("kind", "version"), EVERY)
def test_a_group_that_is_required_has_that_finding(kind: str, version: str) -> None:
    for group in get_taxonomy(version).groups:
        if group.min and group.name != NARRATIVE_GROUP:
            found = find_errors(make_event(kind, version, **{group.name: None}))
            assert taxonomy.MISSING_GROUP.code in found


def remarks_of(folder: Path, text: str) -> list[str]:
    (folder / "x.yaml").write_text(f"name: x\nversion: 1\nformat: csv\n{text}")
    examined = make_shelf().examine(str(folder / "x.yaml"))
    assert examined.faults == []
    return [one.message for one in examined.remarks]


def test_a_profile_that_fills_nothing_is_told_all_of_it(tmp_path: Path) -> None:
    assert remarks_of(tmp_path, "taxonomy_version: 5\nevent_type: {value: 1}\n") == [
        f"nothing fills {AGENTS}: every incident will have finding RULE-001",
        f"nothing fills {CHALLENGES}: every incident will have finding RULE-002",
        "nothing fills narrative: every incident will have finding TEXT-001",
        "nothing fills LocationDetails: every event will have finding TAX-003",
        "nothing fills PractitionerDetails: every event will have finding TAX-003",
        "nothing says when it happened: event_date, or AdverseEventEstimatedDate",
    ]


def test_what_every_type_needs_is_told_once_with_both_findings(tmp_path: Path) -> None:
    text = "taxonomy_version: 5\nevent_type: {value: 1}\n"
    told = remarks_of(tmp_path, text + "elements: {a: AdverseEventAgent.DrugsInvolved}\n")
    (about,) = [one for one in told if AGENTS in one]
    assert about.endswith("every incident will have finding RULE-001 or TAX-004")


def test_what_a_draft_left_to_be_decided_is_a_remark(tmp_path: Path) -> None:
    text = "taxonomy_version: 5\nevent_type: {value: 1}\nignored: {a: 'TODO: b', c: d, e: TODO}\n"
    assert remarks_of(tmp_path, text)[-1].startswith("2 fields still to be decided")


def test_only_the_types_a_profile_can_give_are_asked_for(tmp_path: Path) -> None:
    text = "taxonomy_version: v\nevent_type: {field: t, codes: {a: '3', b: '4', c: ''}}\n"
    told = "\n".join(remarks_of(tmp_path, text))
    assert "OutcomeType" in told
    assert "HowFutureOccurrence" in told
    assert "InvolvedAgents" not in told
    assert "RiskImminent" not in told
    assert "nothing fills narrative: every good care of version 6 will have" in told


def test_an_element_that_its_group_needs_is_asked_for_where_the_group_is_filled(
    tmp_path: Path,
) -> None:
    text = "taxonomy_version: 5\nevent_type: {value: 4}\n"
    told = remarks_of(tmp_path, text + "elements: {a: AdverseEventAgent.DrugsInvolved}\n")
    assert any("nothing fills AdverseEventAgent.InvolvedAgents, which" in one for one in told)
    assert not any("AdverseEventAgent" in one for one in remarks_of(tmp_path, text))
    reference = "elements: {a: AdverseEventReferenceMetadata.ReferenceNumber}\n"
    assert not any("Metadata" in one for one in remarks_of(tmp_path, text + reference))


def test_a_day_other_than_today_needs_a_date(tmp_path: Path) -> None:
    text = "taxonomy_version: 5\nevent_type: {value: 4}\nelements: {\n"
    today = "  a: AdverseEventEstimatedDate.IncidentOccurredToday,\n"
    assert any(
        "of another day than today" in one for one in remarks_of(tmp_path, text + today + "}\n")
    )
    about = "  b: AdverseEventEstimatedDate.ApproximateDate}\n"
    assert not any("today" in one for one in remarks_of(tmp_path, text + today + about))

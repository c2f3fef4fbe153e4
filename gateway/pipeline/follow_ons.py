"""Leaves out what is said only because something else is wrong already: one fault, one finding.

Every record this touches is rejected for the fault itself. Once that is corrected, whatever was
left out is looked at again.
"""

from collections.abc import Sequence
from typing import Final

from schemas.catalogue import get_catalogue, mapping, organisations, taxonomy
from schemas.finding import Finding
from schemas.taxonomy import get_taxonomy

# Errors that leave out what the record does give. (Others keep it, or the first of it.)
_LOSING: Final = frozenset(
    code.code
    for code in (
        mapping.WRONG_VALUE,
        mapping.NO_VALUE,
        mapping.WRONG_STRUCTURE,
        mapping.BAD_DATE,
        mapping.UNKNOWN_LOCAL_CODE,
        mapping.NOT_A_NUMBER,
        mapping.NOT_TRUE_OR_FALSE,
        mapping.NOT_A_PROFILE_DATE,
        mapping.NOT_A_PROFILE_TIME,
        mapping.SEVERAL_VALUES,
        mapping.FIELDS_DISAGREE,
        mapping.TWO_DIGIT_YEAR,
        mapping.NOT_AN_AGE,
        mapping.IMPOSSIBLE_AGE,
        mapping.BIRTH_AFTER_EVENT,
        organisations.NAME_AMBIGUOUS,
        organisations.NAME_UNKNOWN,
    )
)
# Whatever stands in these was not read, and which groups that would have been is not known.
_HOLDS_GROUPS: Final = ("contained", "extension")
_ANY_GROUP: Final = "*"

# What is said of organisations on the day of the event says nothing where that day is wrong.
_BY_DAY: Final = frozenset(
    code.code
    for code in (
        organisations.REPLACED_BY_SUCCESSOR,
        organisations.CLOSED_WITHOUT_SUCCESSOR,
        organisations.OPENED_AFTER_EVENT,
    )
)
_ORGANISATIONS: Final = "ORG-"
_DAY: Final = ("event_date", "AdverseEventEstimatedDate.TodaysDate")


def drop_follow_ons(findings: Sequence[Finding], version: str) -> list[Finding]:
    """The findings of one record of a known taxonomy version, in their order, without those that
    miss what mapping had to leave out, and without those that go by a day that is wrong."""
    errors = [finding for finding in findings if finding.severity == "error"]
    lost = _find_lost(errors)
    is_day_wrong = any(error.path in _DAY for error in errors)
    return [
        finding
        for finding in findings
        if not (lost and _only_misses(finding, lost, version))
        and not (is_day_wrong and finding.code in _BY_DAY)
    ]


def drop_repeats(findings: Sequence[Finding]) -> list[Finding]:
    """What is said of an organisation in one field, told once, where the field fills several
    elements. The findings have their source paths."""
    told: set[tuple[object, ...]] = set()
    kept = []
    for finding in findings:
        if finding.code.startswith(_ORGANISATIONS) and finding.source_path:
            said = (finding.code, finding.source_path, *finding.params.items())
            if said in told:
                continue
            told.add(said)
        kept.append(finding)
    return kept


def _find_lost(errors: Sequence[Finding]) -> set[str]:
    """The elements, and groups as a whole, that the record gives and the event lacks; those of a
    repeated group with and without its number."""
    lost: set[str] = set()
    for error in errors:
        if error.code not in _LOSING:
            continue
        path = _without_item(error.path)
        if path:
            lost |= {path, _without_numbers(path)}
        elif error.params.get("field") in _HOLDS_GROUPS:
            lost.add(_ANY_GROUP)
    return lost


def _only_misses(finding: Finding, lost: set[str], version: str) -> bool:
    for name in get_catalogue()[finding.code].misses:
        path = _without_item(finding.path)
        if name.startswith("."):
            path = path.rpartition(".")[0] + name.format_map(finding.params)
        elif name:
            path = name
        group = path.rpartition(".")[0] or path
        if path in lost or group in lost:
            return True
        if _ANY_GROUP in lost and _without_numbers(group) in get_taxonomy(version).by_name:
            return True
    return finding.code == taxonomy.MISSING_GROUP.code and _is_emptied(finding.path, lost, version)


def _is_emptied(group: str, lost: set[str], version: str) -> bool:
    """Whether the group is missing because what it needs was left out: its required elements, or,
    where it has none, whatever stood in it."""
    elements = get_taxonomy(version).by_name[group].elements
    left_out = [f"{group}.{one.name}" in lost for one in elements]
    required = [is_lost for one, is_lost in zip(elements, left_out, strict=True) if one.min]
    return all(required) if required else any(left_out)


def _without_item(path: str) -> str:
    """``Group[1].Element[0]`` → ``Group[1].Element``: an element, whichever of its values."""
    group, dot, element = path.rpartition(".")
    return f"{group}{dot}{element.partition('[')[0]}" if dot else path


def _without_numbers(path: str) -> str:
    group, dot, element = path.partition(".")
    return f"{group.partition('[')[0]}{dot}{element}"

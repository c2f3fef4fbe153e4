"""What is wrong with a profile beyond the shape of its single fields: targets the taxonomy does
not have, two fields for one value, separators and formats where they mean nothing."""

from collections import Counter
from collections.abc import Iterator

from mappers.profile_model import (
    MEDICATIONS,
    PLACE,
    REFERENCE,
    FieldRule,
    HeadRule,
    Profile,
    Rules,
    as_list,
    find_spec,
)
from mappers.profile_tables import make_reader
from mappers.profile_values import Unreadable
from mappers.profile_problems import Path
from schemas.event import PATIENTS
from schemas.taxonomy import EVENT_TYPES, NARRATIVE_GROUP, TAXONOMY_VERSIONS, ElementSpec

_KEY_OF_GROUP = {PATIENTS: "patients", MEDICATIONS: "medications"}
Fault = tuple[Path, str]


def find_faults(profile: Profile) -> Iterator[Fault]:
    """(path of the key, what is wrong and what is accepted) of each fault."""
    yield from _find_format_faults(profile)
    for name, head in profile.heads.items():
        yield from _find_head_faults(profile, name, head)
    for field, rule in _each(profile.elements):
        yield from _find_rule_faults(profile, ("elements", field), rule)
        key = _KEY_OF_GROUP.get(rule.to.partition(".")[0])
        if key is not None:
            yield ("elements", field), f"{rule.to} occurs several times: place it under {key}"
    for group in profile.repeated:
        yield from _find_repeat_faults(profile, group)
    yield from _find_constant_faults(profile)
    yield from _find_double_use(profile)


def find_remarks(profile: Profile) -> Iterator[Fault]:
    """What looks wrong; the profile can be used all the same."""
    yield from ()


def _each(elements: dict[str, Rules]) -> Iterator[tuple[str, FieldRule]]:
    for field, rules in elements.items():
        for rule in as_list(rules):
            yield field, rule


def _find_repeat_faults(profile: Profile, group: str) -> Iterator[Fault]:
    repeated, key = profile.repeated[group], _KEY_OF_GROUP[group]
    number = repeated.number
    if number is not None and not find_spec(f"{group}.{number}", profile.versions):
        yield (key, "number"), f"{group} has no element {number}"
    for field, rule in _each(repeated.elements):
        path = (key, "elements", field)
        yield from _find_rule_faults(profile, path, rule)
        if not rule.to.startswith(f"{group}."):
            yield path, f"{rule.to} is not of {group}"


def _find_format_faults(profile: Profile) -> Iterator[Fault]:
    if profile.format == "xml" and not profile.record:
        yield (), "an xml profile names its record: the path from the root, as incidents/incident"
    if profile.format == "csv" and (profile.record or profile.namespaces):
        yield ("record",), "a csv profile has no record and no namespaces"
    for group, repeated in profile.repeated.items():
        key = _KEY_OF_GROUP[group]
        if (repeated.at is None) == (profile.format == "xml"):
            yield (key,), "xml says 'at' which path the group repeats; csv has no 'at'"
        for field in repeated.elements:
            if profile.format == "csv" and field.count(PLACE) != 1:
                yield (key, "elements", field), "the column name holds {n} once, for the number"
    if profile.format == "xml":
        yield from _find_path_faults(profile)


def _find_path_faults(profile: Profile) -> Iterator[Fault]:
    paths = [profile.record or "", *profile.elements, *profile.ignored]
    paths += [rule.field for rule in profile.heads.values()]
    for repeated in profile.repeated.values():
        paths += [repeated.at or "", *repeated.elements]
    if any("{" in path for path in paths):
        yield ("namespaces",), "declare a prefix for each namespace and write prefix:name in paths"
        return
    steps = [step.lstrip("@") for path in paths for step in path.split("/")]
    used = {step.rpartition(":")[0] for step in steps}
    # 'xml' is declared by XML itself.
    for prefix in sorted(used - set(profile.namespaces) - {"", "xml"}):
        yield ("namespaces",), f"prefix '{prefix}' is used and not declared"


def _find_head_faults(profile: Profile, name: str, rule: HeadRule) -> Iterator[Fault]:
    yield from _find_code_list_faults(profile, (name,), rule)
    if rule.date_format is not None:
        if name != "event_date":
            yield (name, "date_format"), "only event_date has a date format"
        yield from _find_date_format_faults((name,), rule.date_format)
    accepted = {"event_type": tuple(EVENT_TYPES), "taxonomy_version": TAXONOMY_VERSIONS}.get(name)
    if accepted and isinstance(rule.codes, dict):
        for code, national in rule.codes.items():
            if national and national not in accepted:
                yield (name, "codes", code), f"'{national}': accepted are {', '.join(accepted)}"


def _find_rule_faults(profile: Profile, path: Path, rule: FieldRule) -> Iterator[Fault]:
    spec = find_spec(rule.to, profile.versions)
    if rule.to.startswith(f"{NARRATIVE_GROUP}."):
        yield (*path, "to"), "the narrative of every version is mapped by the key 'narrative'"
        return
    if spec is None:
        versions = " or ".join(profile.versions)
        yield (*path, "to"), f"{rule.to} is not an element of taxonomy version {versions}"
        return
    yield from _find_code_list_faults(profile, path, rule)
    if rule.separator is not None and not spec.many:
        yield (*path, "separator"), f"{rule.to} holds one value"
    if rule.separator is not None and not rule.separator.strip():
        yield (*path, "separator"), "a separator is more than blanks"
    if rule.date_format is not None:
        if spec.type not in ("date", "time"):
            yield (*path, "date_format"), f"{rule.to} is not a date or a time but a {spec.type}"
        yield from _find_date_format_faults(path, rule.date_format)
    if rule.booleans is not None and spec.type != "boolean":
        yield (*path, "booleans"), f"{rule.to} is not true or false but a {spec.type}"
    if rule.codes is not None and spec.type != "code":
        yield (*path, "codes"), f"{rule.to} is not a code but a {spec.type}"


def _find_code_list_faults(
    profile: Profile, path: Path, rule: FieldRule | HeadRule
) -> Iterator[Fault]:
    if isinstance(rule.codes, str) and rule.codes not in profile.code_lists:
        known = ", ".join(sorted(profile.code_lists)) or "none"
        yield (*path, "codes"), f"no code list '{rule.codes}'; there are: {known}"


def _find_date_format_faults(path: Path, given: str | list[str]) -> Iterator[Fault]:
    text = given if isinstance(given, str) else given[0]
    if "%y" in text:
        yield (*path, "date_format"), "years have four digits: %Y, not %y"
    elif "%" not in text:
        yield (*path, "date_format"), "a format such as %d/%m/%Y or %H:%M"


def _find_constant_faults(profile: Profile) -> Iterator[Fault]:
    for target, value in profile.constants.items():
        spec = find_spec(target, profile.versions)
        if spec is None or target.partition(".")[0] in (*_KEY_OF_GROUP, NARRATIVE_GROUP):
            yield (
                ("constants", target),
                "a constant fills an element of a group that occurs once",
            )
        elif isinstance(value, list) != spec.many:
            wanted = "a list" if spec.many else "one value"
            yield ("constants", target), f"{target} is {wanted}"
        else:
            yield from _find_unreadable(profile, target, value, spec)


def _find_unreadable(
    profile: Profile, target: str, value: str | list[str], spec: ElementSpec
) -> Iterator[Fault]:
    read = make_reader(profile, FieldRule.model_validate(target), spec)
    for text in value if isinstance(value, list) else [value]:
        try:
            read(text)
        except Unreadable as problem:
            yield ("constants", target), f"'{text}': {problem.code.title.lower()}"


def _find_double_use(profile: Profile) -> Iterator[Fault]:
    """A field read twice is fine only as different things; a value said twice never is."""
    rules = [rule for _, rule in _each(profile.elements)]
    for repeated in profile.repeated.values():
        rules += [rule for _, rule in _each(repeated.elements)]
    targets = Counter([rule.to for rule in rules] + list(profile.constants))
    for target, times in targets.items():
        spec = find_spec(target, profile.versions)
        if times > 1 and (spec is None or not spec.many):
            yield ("elements",), f"{target} holds one value and {times} fields fill it"
    heads = [rule.field for rule in profile.heads.values()]
    fields = Counter([*heads, *profile.elements, *profile.ignored])
    for field, times in fields.items():
        if times > 1:
            yield (), f"field '{field}' is named {times} times: mapped or ignored, once"
    if REFERENCE in profile.constants:
        yield ("constants", REFERENCE), "a reference number is no constant"

"""Each rule for one field: its element, and whether what it says means something for that."""

from collections.abc import Iterator

from mappers.profile_dates import NAMED_FORMATS, has_day, has_time
from mappers.profile_faults.uses import KEY_OF_GROUP, Fault, RuleUse, list_heads, list_rules
from mappers.profile_model import REFERENCE, Profile, find_spec
from mappers.profile_parts import FieldRule, HeadRule
from mappers.profile_problems import Path
from mappers.profile_tables import make_reader
from mappers.profile_values import Unreadable
from schemas.taxonomy import NARRATIVE_GROUP, ORGANISATION_CODES, ElementSpec

_AGES = ("AgeAtTimeOfIncidentDays", "AgeBracket", "AgeAtTimeOfIncident", "AgeYears")


def find_faults(profile: Profile) -> Iterator[Fault]:
    for path, head in list_heads(profile):
        yield from _find_code_list_faults(profile, path, head)
        if path == ("event_date",):
            yield from _find_date_format_faults(path, head.date_format, "date")
    if profile.rows is not None:
        yield from _find_date_format_faults(("rows",), profile.rows.date_format, "date")
    for use in list_rules(profile):
        yield from _find_rule_faults(profile, use)
    for target, value in profile.constants.items():
        yield from _find_value_faults(profile, ("constants", target), target, value)
    for target, cases in profile.derive.items():
        for place, case in enumerate(cases):
            yield from _find_value_faults(profile, ("derive", target, place), target, case.value)


def _find_rule_faults(profile: Profile, use: RuleUse) -> Iterator[Fault]:
    rule, path = use.rule, use.path
    group = rule.to.partition(".")[0]
    spec = find_spec(rule.to, profile.versions)
    if group == NARRATIVE_GROUP:
        yield (*path, "to"), "the narrative of every version is mapped by the key 'narrative'"
        return
    if spec is None:
        yield (*path, "to"), _word_unknown(rule.to, profile)
        return
    if group in KEY_OF_GROUP and group != use.group:
        message = f"{rule.to} occurs several times: place it under {KEY_OF_GROUP[group]}"
        yield (*path, "to"), message
    elif group != use.group and use.group:
        yield (*path, "to"), f"{rule.to} is not of {use.group}"
    yield from _find_code_list_faults(profile, path, rule)
    yield from _find_kind_faults(path, rule, spec)


def _word_unknown(target: str, profile: Profile) -> str:
    versions = " or ".join(profile.versions)
    return f"{target} is not an element of taxonomy version {versions}"


def _find_kind_faults(path: Path, rule: FieldRule, spec: ElementSpec) -> Iterator[Fault]:
    """What the element's type gives no meaning to."""
    is_age = rule.to.partition(".")[2] in _AGES
    is_organisation = spec.value_set == ORGANISATION_CODES
    wrong = (
        ("separator", rule.separator is not None and not spec.many, "holds one value"),
        ("age", rule.age is not None and not is_age, f"is no age; ages are {', '.join(_AGES)}"),
        ("booleans", rule.booleans and spec.type != "boolean", _is_no("true or false", spec)),
        ("codes", rule.codes is not None and spec.type != "code", _is_no("a code", spec)),
        ("heading", rule.heading is not None and spec.type != "string", _is_no("a text", spec)),
        ("by_name", rule.by_name and not is_organisation, "is not an organisation"),
    )
    for key, is_wrong, message in wrong:
        if is_wrong:
            yield (*path, key), f"{rule.to} {message}"
    if rule.separator is not None and not rule.separator.strip():
        yield (*path, "separator"), "a separator is more than blanks"
    if rule.take is not None and rule.take.part == 0:
        yield (*path, "take", "part"), "pieces count from 1; from the end: -1"
    if rule.codes is not None and rule.age:
        yield (*path, "codes"), "codes mean nothing beside age"
    yield from _find_use_of_date_format(path, rule, spec)


def _is_no(wanted: str, spec: ElementSpec) -> str:
    return f"is not {wanted} but a {spec.type}"


def _find_use_of_date_format(path: Path, rule: FieldRule, spec: ElementSpec) -> Iterator[Fault]:
    here = (*path, "date_format")
    if rule.date_format is None:
        return
    if rule.age not in (None, "date_of_birth"):
        yield here, "only an age that is a date of birth has a date format"
    elif rule.age is None and spec.type not in ("date", "time"):
        yield here, f"{rule.to} {_is_no('a date or a time', spec)}"
    else:
        kind = "time" if spec.type == "time" else "date"
        yield from _find_date_format_faults(path, rule.date_format, kind)


def _find_code_list_faults(
    profile: Profile, path: Path, rule: FieldRule | HeadRule
) -> Iterator[Fault]:
    if isinstance(rule.codes, str) and rule.codes not in profile.code_lists:
        known = ", ".join(sorted(profile.code_lists)) or "none"
        yield (*path, "codes"), f"no code list '{rule.codes}'; there are: {known}"


def _find_date_format_faults(
    path: Path, given: str | list[str] | None, kind: str
) -> Iterator[Fault]:
    for date_format in [given] if isinstance(given, str) else given or ():
        here = (*path, "date_format")
        says = has_time if kind == "time" else has_day
        if "%y" in date_format or "%D" in date_format or "%x" in date_format:
            yield here, f"'{date_format}': years have four digits: %Y"
        elif date_format not in NAMED_FORMATS and "%" not in date_format:
            named = ", ".join(NAMED_FORMATS)
            yield here, f"'{date_format}': one of {named}; or as in strptime, as %d/%m/%Y"
        elif not says(date_format):
            whole = "a time of day" if kind == "time" else "a whole day, with its year"
            yield here, f"'{date_format}' does not say {whole}"


def _find_value_faults(
    profile: Profile, path: Path, target: str, value: str | list[str]
) -> Iterator[Fault]:
    """Of a constant, or the value of a case."""
    spec, group = find_spec(target, profile.versions), target.partition(".")[0]
    if target == REFERENCE:
        yield path, "a reference number is no constant"
    elif group == NARRATIVE_GROUP:
        yield path, "a narrative is what the sender tells, never a fixed text"
    elif spec is None:
        yield path, _word_unknown(target, profile)
    elif isinstance(value, list) and not spec.many:
        yield path, f"{target} holds one value"
    else:
        read = make_reader(profile, FieldRule.model_validate(target), spec)
        for text in value if isinstance(value, list) else [value]:
            try:
                read(text)
            except Unreadable as problem:
                yield path, f"'{text}': {problem.code.title.lower()}"

"""Code maps and fixed values beside the value sets of the taxonomy. Organisations are left out:
their codes are the register's."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from mappers.profile_faults.uses import Fault, list_heads, list_rules
from mappers.profile_model import Profile
from mappers.profile_parts import Codes
from mappers.profile_problems import Path
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS, get_taxonomy

# In characters: most lists are named whole, with labels.
_MOST_SHOWN = 600


class _Said(NamedTuple):
    """A national code that the profile would write, and where it says so."""

    path: Path
    target: str
    code: str


def find_faults(profile: Profile) -> Iterator[Fault]:
    yield from _find_head_faults(profile)
    for said in _list_said(profile):
        lists = _value_sets(said.target, profile.versions)
        if lists and not any(said.code in codes for codes in lists.values()):
            yield said.path, f"'{said.code}' is not a code of {said.target}; {_word(lists)}"


def find_remarks(profile: Profile) -> Iterator[Fault]:
    for said in _list_said(profile):
        lists = _value_sets(said.target, profile.versions)
        without = [version for version, codes in lists.items() if said.code not in codes]
        if without:
            versions = " and ".join(without)
            yield said.path, f"version {versions} has no code '{said.code}' of {said.target}"
    for path, codes in _list_maps(profile):
        yield from _find_clashes(path, codes)
    used = {rule.codes for _, rule in list_heads(profile) if isinstance(rule.codes, str)}
    used |= {use.rule.codes for use in list_rules(profile) if isinstance(use.rule.codes, str)}
    for name in profile.code_lists.keys() - used:
        yield ("code_lists", name), "no rule uses this code list"


def _find_head_faults(profile: Profile) -> Iterator[Fault]:
    accepted: dict[str, Mapping[str, str]] = {
        "event_type": {code: one.label for code, one in EVENT_TYPES.items()},
        "taxonomy_version": dict.fromkeys(TAXONOMY_VERSIONS, ""),
    }
    for path, rule in list_heads(profile):
        known = accepted.get(str(path[0]))
        if known is None:
            continue
        for here, national in _list_codes(profile, path, rule.codes):
            if national and national not in known:
                yield here, f"'{national}': accepted are {_list(known)}"
    event_type = profile.event_type
    if not hasattr(event_type, "field") and event_type.value not in EVENT_TYPES:
        known = accepted["event_type"]
        yield ("event_type", "value"), f"'{event_type.value}': accepted are {_list(known)}"


def _list_said(profile: Profile) -> Iterator[_Said]:
    for use in list_rules(profile):
        for path, national in _list_codes(profile, use.path, use.rule.codes):
            if national:
                yield _Said(path, use.rule.to, national)
    for target, value in profile.constants.items():
        for code in value if isinstance(value, list) else [value]:
            yield _Said(("constants", target), target, code)
    for target, cases in profile.derive.items():
        for place, case in enumerate(cases):
            # '' is "nothing is derived there".
            for code in filter(None, [case.value] if isinstance(case.value, str) else case.value):
                yield _Said(("derive", target, place, "value"), target, code)


def _list_codes(
    profile: Profile, path: Path, codes: Codes | str | None
) -> Iterator[tuple[Path, str]]:
    """Of a code map, or of the code list that is named: where each stands."""
    if isinstance(codes, str):
        start: Path = ("code_lists", codes)
        given = profile.code_lists.get(codes, {})
    else:
        start, given = (*path, "codes"), codes or {}
    for theirs, national in given.items():
        yield (*start, theirs), national


def _list_maps(profile: Profile) -> Iterator[tuple[Path, Codes]]:
    for name, codes in profile.code_lists.items():
        yield ("code_lists", name), codes
    rules = [(use.path, use.rule.codes) for use in list_rules(profile)]
    for path, given in [*rules, *((path, rule.codes) for path, rule in list_heads(profile))]:
        if isinstance(given, dict):
            yield (*path, "codes"), given


def _find_clashes(path: Path, codes: Codes) -> Iterator[Fault]:
    """Their codes count whatever their case, unless that would be ambiguous."""
    seen: dict[str, str] = {}
    for theirs, national in codes.items():
        first = seen.setdefault(theirs.casefold(), theirs)
        if first != theirs and codes[first] != national:
            message = f"'{theirs}' and '{first}' differ only in case, and mean different codes"
            yield (*path, theirs), message


def _value_sets(target: str, versions: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Version → its codes of the element, code to label; versions without such a list left out."""
    group, _, element = target.partition(".")
    found = {}
    for version in versions:
        taxonomy = get_taxonomy(version)
        spec = taxonomy.find_element(group, element)
        codes = taxonomy.codes_of(spec) if spec is not None else None
        if codes is not None:
            found[version] = codes
    return found


def _word(lists: Mapping[str, dict[str, str]]) -> str:
    version, codes = list(lists.items())[-1]
    return f"version {version} accepts {_list(codes)}"


def _list(codes: Mapping[str, str]) -> str:
    labelled = ", ".join(f"{code} {label}".strip() for code, label in codes.items())
    if len(labelled) <= _MOST_SHOWN:
        return labelled
    plain = ", ".join(codes)
    return plain if len(plain) <= _MOST_SHOWN else f"{plain[:_MOST_SHOWN]} … ({len(codes)} codes)"

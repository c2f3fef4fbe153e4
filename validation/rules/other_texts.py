"""The code "Other" and the text that says what it was, wherever the taxonomy has such a pair."""

from collections.abc import Iterable
from functools import lru_cache

from schemas.catalogue import rules as codes
from schemas.event import NationalEvent
from schemas.finding import Finding, FindingCode
from schemas.submission import Submission
from schemas.taxonomy import get_taxonomy
from validation.rules.rule import has_any

# Element, its text, the codes labelled "Other".
Pair = tuple[str, str, tuple[str, ...]]


def the_code_other_has_its_text(event: NationalEvent, submission: Submission) -> Iterable[Finding]:
    findings: list[Finding] = []
    groups = event.groups
    for group, pairs in get_pairs(event.taxonomy_version):
        given = groups.get(group)
        if not isinstance(given, dict):
            continue
        for element, text, other in pairs:
            if element in given and text not in given and has_any(given[element], other):
                findings.append(_word(codes.OTHER_WITHOUT_TEXT, group, element, text, other))
    return findings


def the_text_of_other_has_its_code(
    event: NationalEvent, submission: Submission
) -> Iterable[Finding]:
    findings: list[Finding] = []
    groups = event.groups
    for group, pairs in get_pairs(event.taxonomy_version):
        given = groups.get(group)
        if not isinstance(given, dict):
            continue
        for element, text, other in pairs:
            if text in given and not has_any(given.get(element), other):
                findings.append(_word(codes.TEXT_WITHOUT_OTHER, group, element, text, other))
    return findings


@lru_cache
def get_pairs(version: str) -> tuple[tuple[str, tuple[Pair, ...]], ...]:
    """The pairs by group. A few lists have an …Other text but no code "Other" (specialty): there
    the text stands by itself, and no rule holds."""
    pairs: dict[str, list[Pair]] = {}
    for group, element, text, other in get_taxonomy(version).other_texts:
        if other:
            pairs.setdefault(group, []).append((element, text, tuple(sorted(other))))
    return tuple((group, tuple(found)) for group, found in pairs.items())


def _word(
    code: FindingCode, group: str, element: str, text: str, other: tuple[str, ...]
) -> Finding:
    return code.at(f"{group}.{text}", element=element, text=text, other=" or ".join(other))

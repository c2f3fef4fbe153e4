"""Organisations that a record names instead of giving their codes: found in the register by name.

Compared is the name as it stands, but for case, punctuation, blanks and "&" for "and". Nothing is
guessed: "Northmoor Trust" is not "Northmoor University Hospitals NHS Foundation Trust". A name that
an organisation had before it was renamed is still its name, unless another has it now.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Final

import msgspec

from schemas.catalogue import organisations as codes
from schemas.event import Group, NationalEvent, Value
from schemas.finding import Finding
from schemas.submission import Organisation, Submission
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from schemas.values import shown
from validation.organisations import Register, is_closed

_APOSTROPHES = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}`]")
# The dots of N.H.S., not that of St. Hilda's.
_DOTS_OF_INITIALS = re.compile(r"(?<=\b\w)\.")
_BETWEEN_WORDS = re.compile(r"[\W_]+")
_MOST_CANDIDATES: Final = 8


def resolve_names(
    event: NationalEvent, names: Mapping[str, list[str]], submission: Submission
) -> tuple[NationalEvent, list[Finding]]:
    """The event with the codes of the organisations named, ``names`` by ``Group.Element``, and a
    finding for each name that is not that of one organisation. Of several of one name the only one
    open on the day of the event is meant; the day of receipt stands in where that is unknown. A
    code given in place of the name is taken as it is. Never raises."""
    if not names:
        return event, []
    findings: list[Finding] = []
    groups = dict(event.groups)
    day = event.occurred_on or submission.received_on
    for path, given in names.items():
        found = []
        for position, name in enumerate(given):
            code = _find(name, submission.register, day)
            if isinstance(code, str):
                found.append(code)
            elif name.strip():
                place = f"{path}[{position}]" if _is_list(path, event) else path
                findings.append(_word(place, name, code))
        group, _, element = path.partition(".")
        target = groups.get(group, {})
        if found and isinstance(target, dict):
            groups[group] = _put(target, element, found, is_list=_is_list(path, event))
    return msgspec.structs.replace(event, groups=groups), findings


def normal_name(name: str) -> str:
    """What two spellings of one name have in common."""
    text = unicodedata.normalize("NFKC", name).casefold().replace("&", " and ")
    text = _DOTS_OF_INITIALS.sub("", _APOSTROPHES.sub("", text))
    return _BETWEEN_WORDS.sub(" ", text).strip()


def _find(name: str, register: Register, day: date) -> str | list[str]:
    """The code of the organisation meant, or those it could be."""
    if name.strip() in register:
        return name.strip()
    candidates = _index(_Identical(register)).get(normal_name(name), ())
    if len(candidates) != 1:
        is_open = [one for one in candidates if _is_open(register[one], day)]
        candidates = tuple(is_open) if len(is_open) == 1 else candidates
    return candidates[0] if len(candidates) == 1 else list(candidates)


def _is_open(organisation: Organisation, day: date) -> bool:
    has_opened = organisation.opened is None or organisation.opened <= day
    return has_opened and not is_closed(organisation, day)


def _is_list(path: str, event: NationalEvent) -> bool:
    if event.taxonomy_version not in TAXONOMY_VERSIONS:
        return False
    group, _, element = path.partition(".")
    spec = get_taxonomy(event.taxonomy_version).find_element(group, element)
    return spec is not None and spec.many


def _put(group: Group, element: str, found: list[str], *, is_list: bool) -> Group:
    before = group.get(element)
    value: Value = found[0]
    if is_list:
        # Canonical: each once and in order, with what other fields gave as codes.
        value = sorted({*found, *(before if isinstance(before, list) else ())})
    return {**group, element: value}


def _word(path: str, name: str, candidates: str | list[str]) -> Finding:
    if not candidates:
        return codes.NAME_UNKNOWN.at(path, value=shown(name))
    listed = ", ".join(candidates[:_MOST_CANDIDATES])
    if len(candidates) > _MOST_CANDIDATES:
        listed += " …"
    return codes.NAME_AMBIGUOUS.at(
        path, value=shown(name), count=len(candidates), candidates=listed
    )


class _Identical:
    """A register as the key of a cache: it is that very one, whose content does not change while
    it is in use. Comparing 16,000 organisations for every name would cost more than the search."""

    __slots__ = ("register",)

    def __init__(self, register: Register) -> None:
        self.register = register

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identical) and self.register is other.register

    def __hash__(self) -> int:
        return id(self.register)


# Built when the first name is asked for, once for the batches of one register. The cache holds the
# register it compares with, so its identity cannot come to mean another one.
@lru_cache(maxsize=2)
def _index(key: _Identical) -> dict[str, tuple[str, ...]]:
    """Name → the codes of the organisations that have it, in order; of a name that none has any
    more, of those that had it."""
    found: dict[str, tuple[str, ...]] = {}
    former: dict[str, tuple[str, ...]] = {}
    for code, organisation in sorted(key.register.items()):
        name = normal_name(organisation.name)
        if name:
            found[name] = (*found.get(name, ()), code)
        for one in map(normal_name, organisation.former_names):
            former[one] = (*former.get(one, ()), code)
    return former | found

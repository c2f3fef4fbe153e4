"""The organisations of an event: which they are, which carried on when they closed, and whether
the source may submit for them."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

import msgspec

from schemas.catalogue import organisations as codes
from schemas.event import Group, NationalEvent
from schemas.finding import Finding
from schemas.identifiers import get_trust, is_same_organisation
from schemas.submission import Organisation, Submission
from schemas.taxonomy import ORGANISATION_CODES, TAXONOMY_VERSIONS, get_taxonomy
from schemas.values import shown

Register = Mapping[str, Organisation]


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where an event names an organisation; ``position`` in a list of them, else None."""

    group: str
    element: str
    position: int | None
    code: str

    @property
    def path(self) -> str:
        position = "" if self.position is None else f"[{self.position}]"
        return f"{self.group}.{self.element}{position}"


def find_organisations(event: NationalEvent) -> list[Place]:
    """Every place where the event names an organisation, whether or not that exists."""
    found = []
    groups = event.groups
    for group, element in get_elements(event.taxonomy_version):
        given = groups.get(group)
        if not isinstance(given, dict) or element not in given:
            continue
        value = given[element]
        if isinstance(value, str):
            found.append(Place(group, element, None, value))
        elif isinstance(value, list):
            for position, code in enumerate(value):
                if isinstance(code, str):
                    found.append(Place(group, element, position, code))
    return found


def list_organisations(event: NationalEvent) -> list[str]:
    """The codes at these places."""
    codes: list[str] = []
    groups = event.groups
    for group, element in get_elements(event.taxonomy_version):
        given = groups.get(group)
        if not isinstance(given, dict):
            continue
        value = given.get(element)
        if isinstance(value, str):
            codes.append(value)
        elif isinstance(value, list):
            codes += [code for code in value if isinstance(code, str)]
    return codes


def resolve_organisations(
    event: NationalEvent, submission: Submission
) -> tuple[NationalEvent, list[Finding]]:
    """The event with each organisation that was closed on its day replaced by its successor, and
    what is to be said of closed and of not yet opened ones. The day of receipt stands in where
    that of the event is unknown. Nothing to replace: the very same event."""
    # Nearly every organisation of nearly every event was open on its day.
    day = event.occurred_on or submission.received_on
    for code in list_organisations(event):
        organisation = submission.register.get(code)
        if organisation is not None and not _is_open(organisation, day):
            return _resolve(event, submission, day)
    return event, []


def _is_open(organisation: Organisation, day: date) -> bool:
    begun = organisation.opened is None or organisation.opened <= day
    return begun and not is_closed(organisation, day)


def _resolve(
    event: NationalEvent, submission: Submission, day: date
) -> tuple[NationalEvent, list[Finding]]:
    findings: list[Finding] = []
    successors: dict[str, str] = {}
    for place in find_organisations(event):
        organisation = submission.register.get(place.code)
        if organisation is None:
            continue
        if organisation.opened is not None and organisation.opened > day:
            opened = organisation.opened.isoformat()
            findings.append(
                codes.OPENED_AFTER_EVENT.at(place.path, value=shown(place.code), opened=opened)
            )
        if not is_closed(organisation, day):
            continue
        successor = find_successor(organisation, day, submission.register)
        if successor is not None:
            successors[place.code] = successor
        findings.append(_word_closed(place.path, organisation, successor))
    return (_replace(event, successors) if successors else event), findings


def is_closed(organisation: Organisation, day: date) -> bool:
    return organisation.closed is not None and organisation.closed <= day


def find_successor(organisation: Organisation, day: date, register: Register) -> str | None:
    """The organisation that carries on and is open on the day, over any number of mergers; None
    where the chain ends in a closed or unknown one, or in a circle."""
    seen = {organisation.code}
    while is_closed(organisation, day):
        code = organisation.successor
        if code is None or code in seen or code not in register:
            return None
        seen.add(code)
        organisation = register[code]
    return organisation.code


def may_submit_for(code: str, submission: Submission) -> bool:
    """Its own organisation and those that granted it, their sites, and those that carried on
    from them (the grant may be older than the merger, or the record may be)."""
    granted = submission.source.submits_for
    if code in granted:
        return True
    now = _carried_on_by(code, submission)
    return any(
        _is_same(one, other, submission.register)
        for grant in granted
        for one in (code, now)
        for other in (grant, _carried_on_by(grant, submission))
    )


@lru_cache
def get_elements(version: str) -> tuple[tuple[str, str], ...]:
    """(group, element) of every element that holds ODS codes; none for an unknown version."""
    if version not in TAXONOMY_VERSIONS:
        return ()
    return tuple(
        (group.name, element.name)
        for group in get_taxonomy(version).groups
        for element in group.elements
        if element.value_set == ORGANISATION_CODES
    )


def _is_same(one: str, other: str, register: Register) -> bool:
    # Pharmacies have five characters too (FF526) and are nobody's site: a site's trust is itself
    # an organisation of the register.
    return one == other or (is_same_organisation(one, other) and get_trust(one) in register)


def _carried_on_by(code: str, submission: Submission) -> str:
    organisation = submission.register.get(code)
    if organisation is None or organisation.closed is None:
        return code
    return find_successor(organisation, submission.received_on, submission.register) or code


def _word_closed(path: str, organisation: Organisation, successor: str | None) -> Finding:
    value = shown(organisation.code)
    closed = organisation.closed.isoformat() if organisation.closed else ""
    if successor is None:
        return codes.CLOSED_WITHOUT_SUCCESSOR.at(path, value=value, closed=closed)
    return codes.REPLACED_BY_SUCCESSOR.at(path, value=value, closed=closed, successor=successor)


def _replace(event: NationalEvent, successors: Mapping[str, str]) -> NationalEvent:
    groups = dict(event.groups)
    for group_name, element in get_elements(event.taxonomy_version):
        group: Group = dict(event.group(group_name))
        value = group.get(element)
        if isinstance(value, str) and value in successors:
            group[element] = successors[value]
        elif isinstance(value, list) and any(_in(code, successors) for code in value):
            # Canonical again: two that merged are one, and the order is that of the codes.
            group[element] = sorted({successors.get(str(code), str(code)) for code in value})
        else:
            continue
        groups[group_name] = group
    return msgspec.structs.replace(event, groups=groups)


def _in(code: object, successors: Mapping[str, str]) -> bool:
    return isinstance(code, str) and code in successors

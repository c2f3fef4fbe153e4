"""What the register of organisations says, beside what we keep: what becomes of it, and what that
changes. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from gateway.reference.ods_read import Facts, Found
from schemas.reference import ChangeKind, KeptOrganisation, OrganisationChange
from schemas.submission import Organisation
from validation.organisation_names import normal_name

Shown = dict[str, str | None]
_SHOWN: Final = ("name", "opened", "closed", "successor", "icb", "region")


def merge(
    known: KeptOrganisation | None, found: Found, facts: Facts | None, region: str | None
) -> KeptOrganisation:
    """What is kept from now on. Nothing that we know and the register does not say is taken away:
    a successor given by hand, an ICB, a date. ``facts``: None where they were not asked for;
    ``region``: its name."""
    before = known.organisation if known else Organisation(found.code, found.name)
    is_renamed = normal_name(before.name) != normal_name(found.name)
    successors = facts.successors if facts else known.successors if known else ()
    closed = found.closed
    if not found.is_active and closed is None:
        closed = before.closed
    organisation = Organisation(
        code=found.code,
        # Theirs is in capitals; one that only looks nicer stays.
        name=found.name if is_renamed else before.name,
        opened=found.opened or before.opened,
        closed=closed,
        successor=_find_successor(before.successor, known, successors),
        icb=(facts.icb if facts else None) or before.icb,
        region=region or before.region,
        former_names=_add_former(before, found.name) if is_renamed else before.former_names,
    )
    return KeptOrganisation(organisation, successors, found.roles, found.changed_on)


def compare(
    known: KeptOrganisation | None, kept: KeptOrganisation, found: Found
) -> OrganisationChange | None:
    """None where nothing that anybody would notice is other than before."""
    after = kept.organisation
    if known is None:
        values = _show(after)
        told: Shown = {name: value for name, value in values.items() if value is not None}
        kinds: list[ChangeKind] = ["added"]
        return _make(after, kinds + _find_doubts(kept, found), {}, told)
    before = known.organisation
    old, new = _show(before), _show(after)
    differs = [name for name in _SHOWN if old[name] != new[name]]
    kinds = _find_kinds(before, after, differs)
    is_told = known.successors == kept.successors and "closed" not in differs
    kinds += [one for one in _find_doubts(kept, found) if not (is_told and one == "several")]
    if not kinds:
        return None
    if "several" in kinds:
        old["successors"], new["successors"] = _join(known.successors), _join(kept.successors)
        differs.append("successors")
    return _make(
        after, kinds, {name: old[name] for name in differs}, {name: new[name] for name in differs}
    )


def _find_successor(
    given: str | None, known: KeptOrganisation | None, successors: Sequence[str]
) -> str | None:
    """One that carried on is the successor; of several nobody can say which is meant. Where they
    name none, what was given by hand stays, and what they had named before goes."""
    if successors:
        return successors[0] if len(successors) == 1 else None
    return None if known is not None and known.successors else given


def _add_former(before: Organisation, name: str) -> tuple[str, ...]:
    """Feeds name organisations, and go on to name them as they were called; unless it is called so
    again."""
    again = {normal_name(one) for one in (before.name, name)}
    kept = tuple(one for one in before.former_names if normal_name(one) not in again)
    return (*kept, before.name)


def _find_kinds(
    before: Organisation, after: Organisation, differs: Sequence[str]
) -> list[ChangeKind]:
    kinds: list[ChangeKind] = []
    if "name" in differs:
        kinds.append("renamed")
    if "closed" in differs:
        kinds.append(_name_closing(before.closed, after.closed))
    elif "opened" in differs:
        kinds.append("dates")
    if "successor" in differs:
        kinds.append("successor")
    if "icb" in differs or "region" in differs:
        kinds.append("place")
    return kinds


def _name_closing(before: date | None, after: date | None) -> ChangeKind:
    if before is None:
        return "closed"
    return "reopened" if after is None else "dates"


def _find_doubts(kept: KeptOrganisation, found: Found) -> list[ChangeKind]:
    doubts: list[ChangeKind] = []
    if len(kept.successors) > 1:
        doubts.append("several")
    if not found.is_active and kept.organisation.closed is None:
        doubts.append("undated")
    return doubts


def _show(organisation: Organisation) -> Shown:
    values = {name: getattr(organisation, name) for name in _SHOWN}
    return {name: None if value is None else str(value) for name, value in values.items()}


def _join(codes: Sequence[str]) -> str | None:
    return " ".join(codes) or None


def _make(
    organisation: Organisation,
    kinds: Sequence[ChangeKind],
    before: Shown,
    after: Shown,
) -> OrganisationChange:
    return OrganisationChange(
        code=organisation.code,
        name=organisation.name,
        kinds=tuple(dict.fromkeys(kinds)),
        before=before,
        after=after,
    )


def mark_used(change: OrganisationChange, used_by: Sequence[str]) -> OrganisationChange:
    return msgspec.structs.replace(change, used_by=tuple(used_by))

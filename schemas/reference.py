"""Reference data that is synced: what is kept of an organisation, and what a sync changed."""

from datetime import date, datetime
from typing import Literal

import msgspec

from schemas.submission import Organisation

# dates: opened or closed on another day than was known, or to close. several: more than one carried
# on. undated: no longer active, and nobody says since when. place: its ICB or region.
ChangeKind = Literal[
    "added", "renamed", "closed", "reopened", "dates", "successor", "several", "undated", "place"
]
RunState = Literal["running", "done", "failed"]


class KeptOrganisation(msgspec.Struct, frozen=True):
    """An organisation with what only the sync needs: all that carried on from it, its roles, and
    the day on which ODS last changed it."""

    organisation: Organisation
    successors: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    changed_on: date | None = None


class OrganisationChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync changed about an organisation. ``before`` and ``after`` hold only what differs;
    ``used_by``: sources, grants and users that stand on it."""

    code: str
    name: str
    kinds: tuple[ChangeKind, ...]
    before: dict[str, str | None]
    after: dict[str, str | None]
    used_by: tuple[str, ...] = ()


class ReferenceRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a sync. ``upto``: the newest change it brought, where the next one begins;
    ``report`` is JSON."""

    number: int
    name: str
    began_at: datetime
    ended_at: datetime | None
    state: RunState
    since: date | None
    upto: date | None
    failure: str | None
    report: str | None

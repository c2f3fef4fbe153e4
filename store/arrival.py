"""Order of arrival decides: what each record makes of its event. Pure; both ways of loading, in
order and late, go through :func:`settle`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from schemas.event import changed_paths, decode_event
from schemas.judged import Acceptance
from schemas.statuses import Disposition


class Position(NamedTuple):
    """A record's place in the order of arrival: its batch's number, its number in the batch."""

    batch: int
    record: int


class Settled(NamedTuple):
    """What a record became of its event, and the event's revision from then on."""

    disposition: Disposition
    revision: int


class Arrival(NamedTuple):
    """A record that is being loaded."""

    position: Position
    acceptance: Acceptance


class Revision(msgspec.Struct, frozen=True):
    """A content the event has had, as stored; ``payload``, ``changes`` and ``derived`` are JSON."""

    number: int
    position: Position
    content_hash: bytes
    payload: str
    changes: str | None
    derived: str | None
    recorded_at: datetime


class History(msgspec.Struct, frozen=True):
    """All that is stored of an event: its revisions, and the position and revision of each record
    that changed nothing."""

    revisions: list[Revision]
    unchanged: list[tuple[Position, int]]


class Moved(NamedTuple):
    """A stored record whose outcome is another now that an earlier one has come."""

    position: Position
    before: Settled
    after: Settled


class Resettled(NamedTuple):
    """``arrivals``: the outcome of each arrival, in their order. ``revisions``: the whole history
    anew."""

    arrivals: list[Settled]
    moved: list[Moved]
    revisions: list[Revision]


def settle(
    contents: Iterable[bytes], revision: int = 0, newest: bytes | None = None
) -> list[Settled]:
    """What records with these contents become, in order of arrival, where the event stands at
    ``revision`` with the content ``newest`` (none: there is no event yet)."""
    settled: list[Settled] = []
    for content in contents:
        if content == newest:
            settled.append(Settled("unchanged", revision))
            continue
        revision += 1
        settled.append(Settled("created" if newest is None else "revised", revision))
        newest = content
    return settled


class _Step(NamedTuple):
    position: Position
    content_hash: bytes
    before: Settled | None
    content: Revision | Arrival


def resettle(history: History, arrivals: Sequence[Arrival], now: datetime) -> Resettled:
    """The event as if all its records had been loaded in order of arrival."""
    steps = sorted(_list_steps(history, arrivals), key=lambda step: step.position)
    after = settle(step.content_hash for step in steps)
    outcomes = {step.position: outcome for step, outcome in zip(steps, after, strict=True)}
    moved = [
        Moved(step.position, step.before, outcome)
        for step, outcome in zip(steps, after, strict=True)
        if step.before is not None and step.before != outcome
    ]
    revisions: list[Revision] = []
    for step, outcome in zip(steps, after, strict=True):
        if outcome.disposition != "unchanged":
            previous = revisions[-1] if revisions else None
            revisions.append(_make_revision(step, outcome.revision, previous, now))
    return Resettled([outcomes[one.position] for one in arrivals], moved, revisions)


def _list_steps(history: History, arrivals: Sequence[Arrival]) -> Iterable[_Step]:
    by_number = {revision.number: revision for revision in history.revisions}
    for one in history.revisions:
        first: Disposition = "created" if one.number == 1 else "revised"
        yield _Step(one.position, one.content_hash, Settled(first, one.number), one)
    for position, number in history.unchanged:
        same = by_number[number]
        yield _Step(position, same.content_hash, Settled("unchanged", number), same)
    for arrival in arrivals:
        yield _Step(arrival.position, arrival.acceptance.content_hash, None, arrival)


def _make_revision(step: _Step, number: int, previous: Revision | None, now: datetime) -> Revision:
    content = step.content
    if isinstance(content, Arrival):
        accepted = content.acceptance
        payload, derived = accepted.payload.decode(), encode_names(accepted.derived)
        recorded_at = now
    else:
        payload, derived, recorded_at = content.payload, content.derived, content.recorded_at
    changes = None
    if previous is not None:
        paths = changed_paths(decode_event(previous.payload), decode_event(payload))
        changes = encode_names(paths)
    return Revision(
        number, step.position, step.content_hash, payload, changes, derived, recorded_at
    )


def encode_names(names: Sequence[str]) -> str | None:
    """A list of element paths as JSON; None for none."""
    return msgspec.json.encode(names).decode() if names else None

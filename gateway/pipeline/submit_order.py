"""Which of the requests of a group can be loaded together, and which seem to be about new events.
Pure."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from gateway.pipeline.judge_single import JudgedSingle
from gateway.pipeline.make_single import find_named_event
from schemas.asked import Asked
from schemas.identifiers import make_event_id
from schemas.single import Single


class Ready(msgspec.Struct, frozen=True):
    """A request that is judged and to be loaded. ``place``: of its answer."""

    place: int
    judged: JudgedSingle
    single: Single


def pick_plain(asked: Sequence[Asked]) -> list[int]:
    """The places of creates without a condition, whose Idempotency-Key no other of them has."""
    keys = Counter((one.source_id, one.key) for one in asked if one.key is not None)
    return [
        place
        for place, one in enumerate(asked)
        if not one.is_update and one.only_new is None and keys[one.source_id, one.key or ""] < 2
    ]


def leave_named(ready: Sequence[Ready], asked: Sequence[Asked]) -> list[Ready]:
    """Without those about an event that another request names: they are loaded in their order."""
    named = {find_named_event(one) for one in asked} - {None}
    return [one for one in ready if not named or _find_event(one.single) not in named]


def _find_event(single: Single) -> int | None:
    return make_event_id(single.source_id, single.identity) if single.identity else None


def take_distinct(ready: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
    """Those that can be loaded together, no two of one batch or one event, and those after."""
    now: list[Ready] = []
    later: list[Ready] = []
    taken: set[tuple[str, str]] = set()
    for one in ready:
        single = one.single
        marks = {(single.source_id, single.batch_id)}
        if single.identity is not None:
            marks.add((single.source_id, single.identity))
        (later if marks & taken else now).append(one)
        taken |= marks
    return now, later

"""Submit creates of events that seem to be new: judged as they come in, by the event loop itself,
and loaded together in one statement. Whatever is not as it seems is for
``gateway.pipeline.submit``, which does any request, to the same end."""

import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.bootstrap import Gateway
from gateway.monitoring.spans import span
from gateway.pipeline.answers import answer_loaded
from gateway.pipeline.fault import word_fault
from gateway.pipeline.judge_single import JudgedSingle, SingleJudge
from gateway.pipeline.make_single import fingerprint, make_single
from schemas.asked import Answer, Asked
from schemas.errors import GatewayError
from schemas.single import Single
from store.at_once import AtOnce
from store.reservations import Wanted

log = logging.getLogger(__name__)
# Whoever sends more must not keep the others waiting while it is judged: a millisecond.
_MOST_BYTES: Final = 64 * 2**10


class New(msgspec.Struct, frozen=True):
    """A request that is judged, and may be loaded so."""

    asked: Asked
    judged: JudgedSingle
    single: Single


class NewSubmitting:
    """For one event loop. PostgreSQL only."""

    def __init__(self, gateway: Gateway, judge: SingleJudge, at_once: AtOnce) -> None:
        self._gateway = gateway
        self._judge = judge
        self._at_once = at_once

    def prepare(self, asked: Asked) -> New | None:
        """None where it is for the other way: an update, one with a condition, a large one; one
        that may not be submitted, or over which our own code fails."""
        if asked.is_update or asked.only_new is not None or len(asked.body) > _MOST_BYTES:
            return None
        try:
            judged = self._judge.judge_now(asked)
            if judged is None or judged.not_allowed:
                return None
            return New(asked, judged, make_single(asked, judged, None))
        except Exception as error:  # noqa: BLE001 - the other way tells what it is
            _warn("a new request is judged again", error)
            return None

    async def submit(self, group: Sequence[New]) -> list[Answer] | None:
        """The answers to a group of :func:`take_distinct`, in their order. None: of all of it the
        other way is to find out what it is, and whether it is stored."""
        asked = {one.single.batch_id: one.asked for one in group}
        wanted = {
            batch_id: Wanted(one.source_id, one.key, fingerprint(one))
            for batch_id, one in asked.items()
            if one.key is not None
        }
        try:
            with span("submit", requests=len(group)):
                outcomes = await self._at_once.load_new(
                    [one.single for one in group], wanted, self._gateway.now()
                )
                if outcomes is None:
                    return None
                return [
                    answer_loaded(self._gateway, one.judged, outcome)
                    for one, outcome in zip(group, outcomes, strict=True)
                ]
        except Exception as error:  # noqa: BLE001 - the other way tells what it is
            _warn(f"a group of {len(group)} new requests is loaded again", error)
            return None

    async def close(self) -> None:
        await self._at_once.close()


def take_distinct(group: Sequence[New]) -> list[int]:
    """The places of those that can be loaded together: the first of each batch, event and key."""
    places: list[int] = []
    taken: set[tuple[str, str, str]] = set()
    for place, one in enumerate(group):
        single = one.single
        named = (("batch", single.batch_id), ("event", single.identity), ("key", one.asked.key))
        marks = {(single.source_id, kind, name) for kind, name in named if name is not None}
        if not marks & taken:
            places.append(place)
        taken |= marks
    return places


def _warn(what: str, error: Exception) -> None:
    told = str(error) if isinstance(error, GatewayError) else word_fault(error)
    log.warning("%s: %s", what, told)

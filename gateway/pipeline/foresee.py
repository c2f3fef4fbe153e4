"""Foresee what a replay would make of records: as order of arrival decides, and nothing stored."""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.bootstrap import Gateway
from schemas.batch import Batch
from schemas.identifiers import make_event_id, make_identity, make_reference
from schemas.judged import JudgedRecord
from schemas.statuses import Disposition
from store.arrival import Position, settle
from store.replays import Steps


class Foreseen(NamedTuple):
    disposition: Disposition
    reference: str | None = None
    revision: int | None = None


class Foresight:
    """Of one dry run: a record that would be loaded counts for those after it."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._steps: dict[int, Steps] = {}

    def foresee(self, batch: Batch, judged: Mapping[int, JudgedRecord]) -> dict[int, Foreseen]:
        """By number. To be called in order of arrival."""
        ids = {number: _find_event(batch, record) for number, record in judged.items()}
        unknown = {one for one in ids.values() if one is not None and one not in self._steps}
        with self._gateway.store.read() as work:
            known = work.replays.find_steps(unknown)
        self._steps |= {event_id: known.get(event_id, []) for event_id in unknown}
        return {
            number: self._foresee(Position(batch.number, number), ids[number], record)
            for number, record in sorted(judged.items())
        }

    def _foresee(self, position: Position, event_id: int | None, record: JudgedRecord) -> Foreseen:
        accepted = record.acceptance
        if event_id is None or accepted is None:
            return Foreseen(record.unloaded)
        steps = self._steps[event_id]
        steps.append((position, accepted.content_hash))
        steps.sort()
        settled = settle(content for _, content in steps)
        disposition, revision = settled[steps.index((position, accepted.content_hash))]
        return Foreseen(disposition, make_reference(event_id), revision)


def _find_event(batch: Batch, record: JudgedRecord) -> int | None:
    if record.acceptance is None:
        return None
    identity = make_identity(record.local_id, record.acceptance.content_hash)
    return make_event_id(batch.source_id, identity)

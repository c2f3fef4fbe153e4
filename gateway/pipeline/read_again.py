"""Records that were not loaded, read again from the bytes that are kept, and judged anew: by the
profile, the rules and the register as they are now, on the day their batch was received."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from gateway.adapters.broken import BrokenFeed, tell_nobody
from gateway.adapters.poisoned import UNKNOWN_HASH
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import FeedTerms, make_feed_terms, make_mapper
from gateway.pipeline.judge import Judge, judge_all, make_submission
from gateway.pipeline.process import open_part
from gateway.pipeline.read import read_part
from gateway.sandbox.rejecting import reject_as_asked
from schemas.batch import Batch, Part
from schemas.judged import JudgedRecord
from schemas.quarantine import UnloadedRecord
from schemas.record import SourceRecord
from store.raw_files import DamagedError

_GONE: Final = "its bytes are pruned or damaged: received again, they are there again"
_OTHER: Final = "another record stands there: its profile reads the feed otherwise now"


class ReadAgain(msgspec.Struct, frozen=True):
    """By record number: ``judged``, and of those that cannot be, ``lost``: why. ``profile``: name
    and version that they were mapped with."""

    profile: str
    judged: dict[int, JudgedRecord]
    lost: dict[int, str]


def judge_again(gateway: Gateway, batch: Batch, records: Sequence[UnloadedRecord]) -> ReadAgain:
    """Records of one batch."""
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
        register = work.organisations.get_register()
        quiet_before = work.quiet.find(batch.number)
        parts = work.parts.find(batch.number)
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    mapper = make_mapper(source, terms)
    judging = reject_as_asked(mapper, source, in_sandbox=gateway.settings.sandbox)
    judge = Judge(judging, make_submission(source, batch.received_at, register, quiet_before))
    found, lost = _read_parts(gateway, batch, terms, parts, records)
    judged = {one.number: one for one in judge_all(judge, found.values())}
    return ReadAgain(f"{mapper.name} {mapper.version}", judged, lost)


def find_record(gateway: Gateway, batch: Batch, number: int) -> SourceRecord | None:
    """One record, as it came."""
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
        parts = work.parts.find(batch.number)
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    earlier = [part for part in parts if part.first_record <= number]
    if not earlier:
        return None
    return next(_read_part(gateway, batch, terms, earlier[-1], {number: None}), None)


def _read_parts(
    gateway: Gateway,
    batch: Batch,
    terms: FeedTerms,
    parts: Sequence[Part],
    records: Sequence[UnloadedRecord],
) -> tuple[dict[int, SourceRecord], dict[int, str]]:
    found: dict[int, SourceRecord] = {}
    lost: dict[int, str] = {}
    for part, wanted in _group_by_part(parts, records):
        try:
            for record in _read_part(gateway, batch, terms, part, wanted):
                if _is_same(wanted[record.number], record):
                    found[record.number] = record
                else:
                    lost[record.number] = _OTHER
        except DamagedError:
            lost |= dict.fromkeys(wanted, _GONE)
        lost |= dict.fromkeys(wanted.keys() - found.keys() - lost.keys(), _OTHER)
    return found, lost


def _group_by_part(
    parts: Sequence[Part], records: Sequence[UnloadedRecord]
) -> list[tuple[Part, dict[int, UnloadedRecord]]]:
    """Each part with those of the records that stand in it."""
    groups: defaultdict[int, dict[int, UnloadedRecord]] = defaultdict(dict)
    for record in records:
        number = record.line.number
        places = [at for at, part in enumerate(parts) if part.first_record <= number]
        groups[places[-1]][number] = record
    return [(parts[at], groups[at]) for at in sorted(groups)]


def _read_part(
    gateway: Gateway, batch: Batch, terms: FeedTerms, part: Part, wanted: Mapping[int, object]
) -> Iterator[SourceRecord]:
    shape = part.shape or batch.shape
    if shape is None:
        return
    last = max(wanted)
    with open_part(gateway, batch, part, terms) as stream:
        try:
            for record in read_part(stream, shape, part, terms, tell_nobody):
                if record.number in wanted:
                    yield record
                if record.number >= last:
                    return
        except BrokenFeed:
            return


def _is_same(known: UnloadedRecord, record: SourceRecord) -> bool:
    """Of a record over which its reader failed the hash may not be known."""
    return known.raw_hash in (record.raw_hash, UNKNOWN_HASH)

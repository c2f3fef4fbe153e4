"""Re-validate what is stored against another version of the taxonomy: a report before the switch.
Nothing is written, and nothing of any event is in the report."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from itertools import pairwise
from multiprocessing import get_context
from typing import Final

import msgspec

from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from gateway.pipeline.judge import LONDON, make_submission
from schemas.catalogue import get_catalogue
from schemas.errors import WrongUseError
from schemas.event import NationalEvent, decode_event, encode_event
from schemas.finding import Finding
from schemas.identifiers import EVENT_ID_BITS
from schemas.revalidation import FoundByElement, FoundBySource, Revalidation
from schemas.submission import Organisation, Source, Submission
from schemas.taxonomy import TAXONOMY_VERSIONS
from schemas.taxonomy.carry import carry_over
from store.contents import StoredContent
from validation.validate import validate_event

_POSITION: Final = re.compile(r"\[\d+\]")
_END: Final = 2**EVENT_ID_BITS


class Tally(msgspec.Struct):
    """Counts of events, so small that it travels between processes: by code, severity and element;
    by source (or organisation) and code; the empty code counts all, and the refused apart."""

    events: int = 0
    refused: int = 0
    warned: int = 0
    carried: Counter[str] = msgspec.field(default_factory=Counter)
    elements: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    sources: Counter[tuple[str, str, bool]] = msgspec.field(default_factory=Counter)
    organisations: Counter[tuple[str, str, bool]] = msgspec.field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def revalidate(
    gateway: Gateway, to: str, *, source_id: str | None = None, processes: int = 1
) -> Revalidation:
    """What the current content of each event of an older version would be under version ``to``:
    what can be carried over is, and then the version's own checks and every rule are asked.
    Streams; ``processes`` share the events. WrongUseError for no such version."""
    if to not in TAXONOMY_VERSIONS[1:]:
        raise WrongUseError(f"--to {to!r}: one of {', '.join(TAXONOMY_VERSIONS[1:])}")
    with gateway.store.read() as work:
        if source_id is not None:
            work.sources.get(source_id)
        already = work.contents.count(to, source_id)
    if processes == 1:
        tally = tally_events(gateway, to, 0, _END, source_id)
    else:
        tally = _tally_at_once(gateway.settings, to, source_id, processes)
    return _make_report(to, tally, already)


def tally_events(
    gateway: Gateway, to: str, first: int, end: int, source_id: str | None = None
) -> Tally:
    """Of the events with numbers from ``first`` to before ``end``."""
    with gateway.store.read() as work:
        register = work.organisations.get_register()
        sources = {one.id: one for one in work.sources.find_all()}
        versions = TAXONOMY_VERSIONS[: TAXONOMY_VERSIONS.index(to)]
        tallying = _Tallying(to, sources, register)
        for content in work.contents.read(versions, first, end, source_id):
            tallying.look(content)
    return tallying.tally


def _tally_at_once(settings: Settings, to: str, source_id: str | None, processes: int) -> Tally:
    # Numbers of events are drawn evenly, so that stretches of them are as long as each other.
    edges = [_END * place // processes for place in range(processes + 1)]
    tally = Tally()
    # Not forked: a connection to the database must not be shared.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = [
            pool.submit(_tally_stretch, settings, to, *stretch, source_id)
            for stretch in pairwise(edges)
        ]
        for one in running:
            tally.add(one.result())
    return tally


def _tally_stretch(
    settings: Settings, to: str, first: int, end: int, source_id: str | None
) -> Tally:
    with open_gateway(settings) as gateway:
        return tally_events(gateway, to, first, end, source_id)


class _Tallying:
    def __init__(
        self, to: str, sources: dict[str, Source], register: dict[str, Organisation]
    ) -> None:
        self.tally = Tally()
        self._to = to
        self._sources = sources
        self._register = register
        self._submissions: dict[tuple[str, date], Submission] = {}

    def look(self, content: StoredContent) -> None:
        event = decode_event(content.payload)
        submission = self._find_submission(content)
        carried, moved = carry_over(event, self._to)
        found = validate_event(carried, submission, encode_event(carried))
        if found:
            # What is wrong with it already is no news.
            known = {
                (one.code, one.path)
                for one in validate_event(event, submission, content.payload.encode())
            }
            found = [one for one in found if (one.code, one.path) not in known]
        self._count(event, content.source_id, found, moved)

    def _find_submission(self, content: StoredContent) -> Submission:
        """As on the day on which the content was recorded."""
        key = content.source_id, content.recorded_at.astimezone(LONDON).date()
        known = self._submissions.get(key)
        if known is None:
            source = self._sources[content.source_id]
            known = make_submission(source, content.recorded_at, self._register)
            self._submissions[key] = known
        return known

    def _count(
        self,
        event: NationalEvent,
        source_id: str,
        found: Sequence[Finding],
        moved: Sequence[str],
    ) -> None:
        tally = self.tally
        is_refused = any(one.severity == "error" for one in found)
        tally.events += 1
        tally.refused += is_refused
        tally.warned += bool(found) and not is_refused
        tally.carried.update(moved)
        tally.elements.update({(one.code, one.severity, _find_element(one)) for one in found})
        organisation = event.reporter_organisation or self._sources[source_id].organisation
        for code in {"", *(one.code for one in found)}:
            tally.sources[source_id, code, is_refused] += 1
            tally.organisations[organisation, code, is_refused] += 1


def _find_element(finding: Finding) -> str:
    return _POSITION.sub("", finding.path)


def _make_report(to: str, tally: Tally, already: int) -> Revalidation:
    titles = get_catalogue()
    return Revalidation(
        to=to,
        events=tally.events,
        refused=tally.refused,
        warned=tally.warned,
        already=already,
        carried=dict(tally.carried.most_common()),
        findings=[
            FoundByElement(code, titles[code].title, severity, element, count)  # type: ignore[arg-type]
            for (code, severity, element), count in sorted(
                tally.elements.items(), key=lambda item: (-item[1], item[0])
            )
        ],
        sources=list(_list_by(tally.sources)),
        organisations=list(_list_by(tally.organisations)),
    )


def _list_by(counted: Counter[tuple[str, str, bool]]) -> Iterator[FoundBySource]:
    for name, code in sorted({key[:2] for key in counted}):
        refused = counted[name, code, True]
        yield FoundBySource(name, code, refused + counted[name, code, False], refused)

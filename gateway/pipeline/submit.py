"""Submit single events: many requests at once, one transaction. Each gets the answer it would have
got alone; what fails for one is tried again without the others."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import msgspec

from gateway.bootstrap import Gateway
from gateway.monitoring.spans import spanned
from gateway.pipeline.access import record_refusal
from gateway.pipeline.answers import answer_again, answer_known, answer_loaded
from gateway.pipeline.fault import word_fault
from gateway.pipeline.judge_single import JudgedSingle, SingleJudge
from gateway.pipeline.make_single import find_named_event, fingerprint, make_single
from schemas.asked import Answer, AnswerState, Asked
from schemas.errors import GatewayError
from schemas.identifiers import make_identity
from schemas.single import KeptAnswer, Reservation, Single, SingleOutcome
from store.reservations import Reserved, Wanted
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)


class Ready(msgspec.Struct, frozen=True):
    """A request that is judged and to be loaded. ``place``: of its answer."""

    place: int
    judged: JudgedSingle
    single: Single


class Submitting:
    """Submits one group after the other, and keeps what it looked up for some seconds."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.judge = SingleJudge(gateway)

    def validate(self, asked: Asked) -> JudgedSingle:
        """What would be found, and nothing stored but a refused attempt in the audit log."""
        judged = self.judge.judge(asked)
        if judged.not_allowed:
            record_refusal(self._gateway, asked.source_id, judged.not_allowed, asked.request_id)
        return judged

    @spanned("submit")
    def submit(self, asked: Sequence[Asked]) -> list[Answer]:
        """The answers, in their order. Where a request cannot be served its answer is ``busy`` or
        ``fault``, and nothing of it is stored."""
        group = _Group(self._gateway, self.judge, asked)
        return group.answer()


class _Group:
    def __init__(self, gateway: Gateway, judge: SingleJudge, asked: Sequence[Asked]) -> None:
        self._gateway = gateway
        self._judge = judge
        self._asked = asked
        self._answers: dict[int, Answer] = {}
        self._reservations: dict[int, Reservation] = {}
        self._identities: dict[int, str] = {}
        self._again: list[Ready] = []

    def answer(self) -> list[Answer]:
        everyone = list(range(len(self._asked)))
        self._try(everyone, self._reserve)
        self._try(self._open(everyone), self._look_up)
        ready: list[Ready] = []
        for place in self._open(everyone):
            self._try([place], lambda places: ready.extend(self._prepare(places[0])))
        while ready:
            now, ready = _take_distinct(ready)
            self._load(now)
            ready += self._again
            self._again = []
        self._free()
        return [self._answers[place] for place in everyone]

    def _open(self, places: Sequence[int]) -> list[int]:
        return [place for place in places if place not in self._answers]

    def _try(self, places: list[int], step: Callable[[list[int]], object]) -> bool:
        """Whether the step was taken; where it fails, these requests are answered so."""
        try:
            step(places)
        except Exception as error:  # noqa: BLE001 - one request must not cost the others
            is_busy = isinstance(error, GatewayError) and error.retryable
            for place in self._open(places):
                self._answers[place] = Answer(state="busy" if is_busy else "fault")
                told = str(error) if isinstance(error, GatewayError) else word_fault(error)
                log.error("request %s: %s", self._asked[place].request_id, told)  # noqa: TRY400
            return False
        return True

    def _reserve(self, places: list[int]) -> None:
        """Idempotency keys first: what stands under them may be all the answer."""
        wanted: dict[tuple[str, str], list[int]] = {}
        for place in places:
            asked = self._asked[place]
            if asked.key is not None:
                wanted.setdefault((asked.source_id, asked.key), []).append(place)
        if not wanted:
            return
        prints = {one: fingerprint(self._asked[one]) for group in wanted.values() for one in group}
        with self._begin() as work:
            found = work.reservations.reserve(
                [Wanted(*key, prints[group[0]]) for key, group in wanted.items()]
            )
        for group, reserved in zip(wanted.values(), found, strict=True):
            for place in group:
                told = reserved if place == group[0] else _share(reserved)
                if prints[place] != prints[group[0]]:
                    told = Reserved("in_flight" if reserved.state == "reused" else "reused")
                self._try([place], partial(self._use_key, told))

    def _use_key(self, reserved: Reserved, places: list[int]) -> None:
        (place,) = places
        if reserved.reservation is not None:
            self._reservations[place] = reserved.reservation
        elif reserved.kept is not None:
            self._answers[place] = answer_again(self._gateway, reserved.kept)
        else:
            is_reused = reserved.state == "reused"
            self._answers[place] = Answer(state="reused" if is_reused else "in_flight")

    def _look_up(self, places: list[int]) -> None:
        """The events that requests name: those of updates, and those that If-None-Exist asks
        for."""
        named = {place: find_named_event(self._asked[place]) for place in places}
        ids = {event_id for event_id in named.values() if event_id is not None}
        if not ids:
            return
        with self._gateway.store.read() as work:
            known = work.events.find_identities(ids)
        for place, event_id in named.items():
            asked = self._asked[place]
            source_id, identity = known.get(event_id or 0, ("", ""))
            is_own = source_id == asked.source_id
            if asked.is_update and not is_own:
                self._answers[place] = Answer(state="unknown")
            elif asked.is_update:
                self._identities[place] = identity
            elif event_id and is_own and identity == make_identity(asked.only_new, b""):
                known_as = SingleOutcome(state="exists", event_id=event_id)
                self._answers[place] = answer_known(self._gateway, "exists", known_as, None)

    def _prepare(self, place: int) -> list[Ready]:
        asked = self._asked[place]
        judged = self._judge.judge(asked, self._identities.get(place))
        if judged.not_allowed:
            record_refusal(self._gateway, asked.source_id, judged.not_allowed, asked.request_id)
            self._answers[place] = Answer(state="refused", findings=judged.record.findings)
            return []
        if asked.only_new is not None and judged.record.local_id != asked.only_new:
            self._answers[place] = Answer(state="mismatch")
            return []
        return [Ready(place, judged, make_single(asked, judged, self._reservations.get(place)))]

    def _load(self, group: list[Ready]) -> None:
        """Together; where that fails, each alone."""
        places = [one.place for one in group]
        if len(group) == 1:
            self._try(places, lambda _: self._load_once(group))
            return
        try:
            self._load_once(group)
        except Exception as error:  # noqa: BLE001 - whichever it is, it must not cost the others
            told = str(error) if isinstance(error, GatewayError) else word_fault(error)
            log.warning("a group of %d requests is loaded one by one: %s", len(group), told)
            for one in group:
                self._load([one])

    def _load_once(self, group: list[Ready]) -> None:
        with self._begin() as work:
            outcomes = work.singles.load([one.single for one in group])
        for one, outcome in zip(group, outcomes, strict=True):
            if outcome.is_outdated:
                self._again.append(self._renew(one))
                continue
            self._reservations.pop(one.place, None)
            self._answers[one.place] = self._tell(one, outcome)

    def _renew(self, one: Ready) -> Ready:
        """The same request as a batch of its own."""
        asked, held = self._asked[one.place], self._reservations.get(one.place)
        single = make_single(asked, one.judged, held, is_own=True)
        return msgspec.structs.replace(one, single=single)

    def _tell(self, one: Ready, outcome: SingleOutcome) -> Answer:
        if outcome.state == "loaded":
            return answer_loaded(self._gateway, one.judged, outcome)
        if outcome.state == "stale":
            return Answer(state="stale", revision=outcome.revision)
        if outcome.event_id is None:
            # Another attempt has the key, or the same bytes wait as a feed.
            return Answer(state="in_flight")
        is_asked = outcome.state == "exists" and self._asked[one.place].only_new is not None
        state: AnswerState = "exists" if is_asked else "known"
        revision = outcome.revision if outcome.state == "exists" else outcome.current
        return answer_known(self._gateway, state, outcome, revision)

    def _free(self) -> None:
        """The keys of requests that loaded nothing. Only an event that was there is an answer to
        keep; of anything else the same request may come again."""
        if not self._reservations:
            return
        try:
            with self._begin() as work:
                work.reservations.settle(
                    (self._asked[place].source_id, reservation, _find_kept(self._answers[place]))
                    for place, reservation in self._reservations.items()
                )
        except GatewayError as error:
            # They come free by themselves, in a minute.
            log.warning("idempotency keys are not freed: %s", error)

    def _begin(self) -> AbstractContextManager[UnitOfWork]:
        return self._gateway.store.begin(actor="api", at=self._gateway.now())


def _share(reserved: Reserved) -> Reserved:
    """What stands under a key, to another request of the same group with it."""
    return Reserved("in_flight") if reserved.state == "held" else reserved


def _find_kept(answer: Answer) -> KeptAnswer | None:
    found = answer.version
    if found is None:
        return None
    return KeptAnswer(state="exists", event_id=found.event_id, revision=found.revision)


def _take_distinct(ready: list[Ready]) -> tuple[list[Ready], list[Ready]]:
    """Those that can be loaded together, no two of one batch or one event, and those after."""
    now: list[Ready] = []
    later: list[Ready] = []
    taken: set[tuple[str, str]] = set()
    for one in ready:
        single = one.single
        marks = {(single.source_id, single.batch_id), (single.source_id, single.identity or "")}
        if single.identity is None:
            marks = {(single.source_id, single.batch_id)}
        (later if marks & taken else now).append(one)
        taken |= marks
    return now, later

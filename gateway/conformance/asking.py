"""Asks a server what a step says: once, side by side, over a bare socket, or until it is done."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from gateway.conformance.answer import Answer, find_header
from gateway.conformance.case import Step
from gateway.conformance.matching import shorten
from gateway.conformance.raw_sending import send_raw
from gateway.conformance.report_model import Fault
from gateway.conformance.sending import Request, send
from gateway.conformance.target import Target
from schemas.errors import WrongUseError

_WAITING: Final = 202
_LONGEST_PAUSE: Final = 2.0
_TOO_MANY: Final = 429
_LONGEST_LIMIT: Final = 60.0
_MOST_WAITS: Final = 2


class Asked(msgspec.Struct, frozen=True):
    """At least one answer; ``faults`` are of the asking itself."""

    answers: list[Answer]
    faults: list[Fault]


def ask(target: Target, step: Step, request: Request) -> Asked:
    try:
        target.url_of(request.path)
    except WrongUseError as error:
        # The server named it, and the key goes to no other server.
        return Asked([Answer()], [Fault("address", "one on this server", str(error))])
    if step.at_once > 1:
        with ThreadPoolExecutor(step.at_once) as pool:
            waiting = [pool.submit(send, target, request) for _ in range(step.at_once)]
            return Asked([one.result() for one in waiting], [])
    if step.raw is not None:
        return Asked([send_raw(target, request, step.raw)], [])
    answer = _send_patiently(target, request)
    return _wait(target, step, request, answer) if step.within else Asked([answer], [])


def _send_patiently(target: Target, request: Request) -> Answer:
    """A limit on requests is nothing that a case is about: what it asks for is waited."""
    answer = send(target, request)
    for _ in range(_MOST_WAITS):
        pause = _find_pause(answer)
        if answer.status != _TOO_MANY or pause is None or pause > _LONGEST_LIMIT:
            break
        time.sleep(pause)
        answer = send(target, request)
    return answer


def _wait(target: Target, step: Step, request: Request, answer: Answer) -> Asked:
    """Asks again while the answer is 202, as its Retry-After says."""
    ends = time.perf_counter() + step.within
    faults: list[Fault] = []
    while answer.status == _WAITING and time.perf_counter() < ends:
        pause = _find_pause(answer)
        if pause is None and not faults:
            came = shorten(", ".join(find_header(answer.headers, "Retry-After")) or "nothing")
            faults = [Fault("header Retry-After of a 202", "seconds to wait", came)]
        time.sleep(min(_LONGEST_PAUSE, 1.0 if pause is None else pause))
        answer = _send_patiently(target, request)
    return Asked([answer], faults)


def _find_pause(answer: Answer) -> float | None:
    for value in find_header(answer.headers, "Retry-After"):
        if value.strip().isdecimal():
            return float(value)
    return None

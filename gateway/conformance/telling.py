"""A step as the report tells it: never the key, whatever a server sends back."""

from collections import Counter
from collections.abc import Sequence

from gateway.conformance.answer import Answer
from gateway.conformance.bodies import word_body
from gateway.conformance.case import Step
from gateway.conformance.checks import word_expectations
from gateway.conformance.matching import shorten
from gateway.conformance.report_model import Came, Fault, Sent, StepResult
from gateway.conformance.sending import Request
from gateway.conformance.target import KEY_HEADER


def tell_step(
    step: Step, request: Request, answers: Sequence[Answer], faults: Sequence[Fault], *, key: str
) -> StepResult:
    return StepResult(
        sent=_tell_sent(step, request, key),
        expected=[_hide(one, key) for one in word_expectations(step.expect)],
        came=_tell_came(answers, key),
        faults=[
            Fault(_hide(one.what, key), _hide(one.expected, key), _hide(one.came, key))
            for one in faults
        ],
    )


def _tell_sent(step: Step, request: Request, key: str) -> Sent:
    raw = step.raw
    target = raw.target if raw is not None and raw.target else step.path
    names = {*request.headers, *(line.partition(":")[0] for line in (raw.lines if raw else ()))}
    body = "" if step.body is None else word_body(step.body)
    if raw is not None and raw.drip:
        body += f", byte by byte over {raw.drip:.0f} s"
    if raw is not None and raw.breaks_off:
        body += f", broken off; Content-Length said {raw.content_length}"
    return Sent(
        method=request.method,
        path=_hide(shorten(target), key),
        headers=[_word_header(name, step) for name in sorted(names)],
        body=_hide(body, key),
        bytes=len(request.body or b""),
        times=step.at_once,
    )


def _tell_came(answers: Sequence[Answer], key: str) -> Came:
    first = answers[0]
    return Came(
        status=first.status,
        statuses=dict(sorted(Counter(one.status for one in answers).items())),
        media_type=_hide(shorten(first.media_type), key),
        bytes=len(first.body),
        milliseconds=max(one.milliseconds for one in answers),
    )


def _word_header(name: str, step: Step) -> str:
    wrong = name == KEY_HEADER and step.key == "wrong"
    return f"{name} (a key that nobody has)" if wrong else shorten(name)


def _hide(text: str, key: str) -> str:
    return text.replace(key, "(the key)")

"""Holds an answer to what a step expects; gives a fault for each difference."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.conformance.answer import Answer, find_header
from gateway.conformance.case import Expect, ExpectedFinding, Status
from gateway.conformance.matching import matches, shorten, word_found, word_wanted
from gateway.conformance.places import as_expression, find_all, find_texts
from gateway.conformance.report_model import Fault
from schemas.values import plain


def check_answer(expect: Expect, answer: Answer, earlier: Mapping[str, Answer]) -> list[Fault]:
    """``earlier``: the answers to named steps of the same case."""
    if not answer.status:
        if expect.or_closed and answer.silence == "closed":
            return []
        return [Fault("answer", _word_statuses(expect), _word_silence(answer))]
    if not is_expected(expect, answer):
        # What stands in an answer of another kind says nothing more.
        return [Fault("status", _word_statuses(expect), _word_answer(answer))]
    return [
        *_check_media_type(expect, answer),
        *_check_headers(expect, answer),
        *_check_document(expect, answer),
        *_check_sameness(expect, answer, earlier),
    ]


def is_expected(expect: Expect, answer: Answer) -> bool:
    """Whether the status is one of those that may come."""
    return any(_is_status(answer.status, wanted) for wanted in expect.status)


def check_together(expect: Expect, answers: Sequence[Answer]) -> Iterator[Fault]:
    """What is expected of several answers side by side."""
    good = [one for one in answers if 200 <= one.status < 300]
    for place in expect.one:
        values = {str(found) for one in good for found in find_all(one.document, place)}
        if len(values) != 1:
            yield Fault(
                f"{place} of {len(good)} answers", "the same value", f"{len(values)} values"
            )
    for status, times in expect.times.items():
        came = sum(one.status == status for one in answers)
        if came != times:
            yield Fault(f"answers with {status}", str(times), str(came))


def word_expectations(expect: Expect) -> list[str]:
    """The same in words, for the report."""
    words = [f"status {_word_statuses(expect)}"]
    if expect.media_type:
        words.append(f"media type {' or '.join(expect.media_type)}")
    words += [f"header {name}: {word_wanted(one)}" for name, one in expect.headers.items()]
    for status, headers in expect.headers_when.items():
        words += [f"on {status}, header {name}: {word_wanted(v)}" for name, v in headers.items()]
    words += [f"{place}: {word_wanted(wanted)}" for place, wanted in expect.json.items()]
    words += [f"somewhere a text that matches {pattern}" for pattern in expect.somewhere]
    words += [_word_finding(one) for one in expect.findings]
    if expect.same_as:
        words.append(f"status and body as in step {expect.same_as}")
    words += [f"all agree at {place}" for place in expect.one]
    words += [f"{times} answers with {status}" for status, times in expect.times.items()]
    if expect.clean:
        words.append("nothing of the server's inside, of the key or of the event's text")
    return words


def _check_media_type(expect: Expect, answer: Answer) -> Iterator[Fault]:
    if expect.media_type and answer.media_type not in expect.media_type:
        came = answer.media_type or "none"
        yield Fault("media type", " or ".join(expect.media_type), shorten(came))


def _check_headers(expect: Expect, answer: Answer) -> Iterator[Fault]:
    wanted = expect.headers | expect.headers_when.get(answer.status, {})
    for name, one in wanted.items():
        found = find_header(answer.headers, name)
        if not matches(one, found):
            yield Fault(f"header {name}", word_wanted(one), word_found(found))


def _check_document(expect: Expect, answer: Answer) -> Iterator[Fault]:
    if not (expect.json or expect.somewhere or expect.findings):
        return
    document = answer.document
    if document is None:
        yield Fault("body", f"a document of {answer.media_type or 'JSON'}", "it cannot be read")
        return
    for place, wanted in expect.json.items():
        found = find_all(document, place)
        if not matches(wanted, found):
            yield Fault(place or "body", word_wanted(wanted), word_found(found))
    texts = list(find_texts(document)) if expect.somewhere else []
    for pattern in expect.somewhere:
        if not any(re.search(pattern, text) for text in texts):
            yield Fault("body", f"somewhere a text that matches {pattern}", "none")
    for finding in expect.findings:
        yield from _check_finding(finding, document)


def _check_finding(wanted: ExpectedFinding, document: Any) -> Iterator[Fault]:
    issues = find_all(document, "/issue/*")
    of_code = [one for one in issues if wanted.code in find_all(one, "/details/coding/0/code")]
    if not of_code:
        yield Fault("issue[].details.coding[0].code", wanted.code, _word_codes(issues))
        return
    place = as_expression(wanted.at) if wanted.at else ""
    at_place = [one for one in of_code if not place or place in find_all(one, "/expression/*")]
    if not at_place:
        came = word_found([found for one in of_code for found in find_all(one, "/expression/*")])
        yield Fault(f"expression of {wanted.code}", place, came)
    issue = (at_place or of_code)[0]
    if issue.get("severity") != wanted.severity:
        came = shorten(issue.get("severity"))
        yield Fault(f"severity of {wanted.code}", wanted.severity, came)
    for name, at in (("details.text", "/details/text"), ("diagnostics", "/diagnostics")):
        if not matches({"present": True}, find_all(issue, at)):
            yield Fault(f"{name} of {wanted.code}", "what is wrong, or what to do", "nothing")


def _check_sameness(
    expect: Expect, answer: Answer, earlier: Mapping[str, Answer]
) -> Iterator[Fault]:
    if not expect.same_as:
        return
    first = earlier[expect.same_as]
    if answer.status != first.status:
        yield Fault(f"status, beside step {expect.same_as}", str(first.status), str(answer.status))
    if answer.body != first.body:
        yield Fault(f"body, beside step {expect.same_as}", "the same bytes", "other bytes")


def _is_status(came: int, wanted: Status) -> bool:
    if isinstance(wanted, str):
        return wanted == f"{came // 100}xx"
    return came == wanted


def _word_statuses(expect: Expect) -> str:
    words = [str(one) for one in expect.status]
    if expect.or_closed:
        words.append("the connection closed")
    return " or ".join(words)


def _word_silence(answer: Answer) -> str:
    if answer.silence == "late":
        return f"no answer in {answer.milliseconds / 1000:.0f} s"
    return "the connection was closed without an answer"


def _word_answer(answer: Answer) -> str:
    """The status, and what an OperationOutcome or a problem says of it."""
    document = answer.document
    told = [*find_all(document, "/issue/*/details/text"), *find_all(document, "/detail")]
    told = [one for one in told if isinstance(one, str)][:2]
    codes = _word_codes(find_all(document, "/issue/*"))
    words = [str(answer.status)]
    words += [codes] if codes != "no issue" else []
    words += [shorten(plain(one)) for one in told]
    return "; ".join(words)


def _word_codes(issues: list[Any]) -> str:
    codes = [str(code) for one in issues for code in find_all(one, "/details/coding/0/code")]
    return shorten(", ".join(codes)) if codes else "no issue"


def _word_finding(one: ExpectedFinding) -> str:
    place = f" at {as_expression(one.at)}" if one.at else ""
    return f"an issue {one.code} ({one.severity}){place}, with text and diagnostics"

"""Plays one case: its steps in order, each with what earlier ones gave."""

import time
from collections.abc import Iterator, Sequence

import msgspec

from gateway.conformance.answer import Answer, find_header
from gateway.conformance.asking import ask
from gateway.conformance.bodies import make_body
from gateway.conformance.case import Case, Expect, Step
from gateway.conformance.checks import check_answer, check_together, is_expected
from gateway.conformance.filling import UnfilledError, fill
from gateway.conformance.hygiene import find_echo, find_leaks
from gateway.conformance.places import find_all
from gateway.conformance.report_model import CaseResult, Fault, StepResult
from gateway.conformance.sending import Request, key_headers
from gateway.conformance.target import Target
from gateway.conformance.telling import tell_step


def play_case(target: Target, case: Case, *, after: Sequence[Step] = (), run: str) -> CaseResult:
    """The result of a case and of the steps ``after`` it. ``run`` is part of every local id, so
    that no run meets the events of another."""
    playing = _Playing(target, make_values(target, case.name, run))
    started = time.perf_counter()
    reason = ""
    for step in [*case.steps, *after]:
        try:
            playing.play(step)
        except UnfilledError as missing:
            reason = f"not played to its end: an earlier step did not give '{missing}'"
            break
    failed = bool(reason) or any(one.faults for one in playing.results)
    return CaseResult(
        name=case.name,
        says=case.says,
        of=case.of,
        verdict="failed" if failed else "passed",
        milliseconds=round((time.perf_counter() - started) * 1000),
        to_do=case.to_do,
        reason=reason,
        steps=playing.results,
    )


def make_values(target: Target, case: str, run: str) -> dict[str, str]:
    """What fills the placeholders before anything is kept."""
    return {
        "organisation": target.organisation,
        "not_granted": target.not_granted,
        "run": run,
        "local_id": f"CONF-{run}-{case}",
        "marker": make_marker(run),
        "long_key": "k" * 300,
        "long_line": "x" * 100_000,
    }


def make_marker(run: str) -> str:
    """A word that stands in the narratives of a run and nowhere else: letters only, so that no
    rule takes it for somebody's number."""
    return "qzx" + "".join(chr(ord("a") + ord(one) % 26) for one in run)


class _Playing:
    """One case under way: what was kept, the answers by step, the results so far."""

    def __init__(self, target: Target, values: dict[str, str]) -> None:
        self._target = target
        self._key = target.key.reveal()
        self._values = values
        self._answers: dict[str, Answer] = {}
        self.results: list[StepResult] = []

    def play(self, step: Step) -> None:
        """UnfilledError where the step needs what none before it gave."""
        filled = msgspec.convert(fill(msgspec.to_builtins(step), self._values), Step)
        request = self._make_request(filled)
        asked = ask(self._target, filled, request)
        first = asked.answers[0]
        faults = asked.faults
        if first.status or first.silence:
            faults = [*faults, *self._check(filled.expect, asked.answers)]
        if filled.name:
            self._answers[filled.name] = first
        faults = [*faults, *self._keep(filled, first)]
        told = tell_step(filled, request, asked.answers, faults, key=self._key)
        self.results.append(told)

    def _make_request(self, step: Step) -> Request:
        headers = key_headers(self._target, step.key)
        body = None
        if step.body is not None:
            body = make_body(step.body, self._values)
            headers["Content-Type"] = step.body.media_type
        # An empty value takes a header away.
        headers = {name: value for name, value in (headers | step.headers).items() if value}
        return Request(method=step.method, path=step.path, headers=headers, body=body)

    def _check(self, expect: Expect, answers: Sequence[Answer]) -> list[Fault]:
        found = [fault for one in answers for fault in check_answer(expect, one, self._answers)]
        # Twenty answers with one fault are one fault.
        faults = list(dict.fromkeys(found))
        if len(answers) > 1:
            faults += check_together(expect, answers)
        if expect.clean:
            for one in answers:
                faults += find_leaks(one, self._key)
                # An event that was taken and should not be comes back: one fault is enough.
                if one.status >= 400 or is_expected(expect, one):
                    faults += find_echo(one, self._values["marker"])
        return faults

    def _keep(self, step: Step, answer: Answer) -> Iterator[Fault]:
        for name, where in step.keep.items():
            kind, _, place = where.partition(" ")
            found = find_header(answer.headers, place)
            if kind == "json":
                found = [str(one) for one in find_all(answer.document, place)[:1]]
            if found and found[0]:
                self._values[name] = found[0]
            elif 200 <= answer.status < 300:
                yield Fault(where, f"a value, to be used as {name}", "nothing")

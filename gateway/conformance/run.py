"""A run of the kit: which cases can be asked of the server, their playing, and the report."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Final

from gateway.conformance.answer import Answer
from gateway.conformance.case import CONTRACTS, Case, Group
from gateway.conformance.play import play_case
from gateway.conformance.report_model import CaseResult, GroupResult, Report, count
from gateway.conformance.sending import Request, key_headers, send
from gateway.conformance.target import Target
from schemas.errors import UnavailableError

METADATA: Final = "/adverse-event/fhir/metadata"
# So many cases in a row without any answer: the server is gone, and no case would tell more.
_MOST_SILENT: Final = 3
_NO_SUCH_ROUTE: Final = (404, 405, 501)

Told = Callable[[GroupResult], None]


def run_kit(
    target: Target, groups: Sequence[Group], *, run: str, started_at: datetime, told: Told
) -> Report:
    """Plays the groups in order; ``told`` hears of each when it is done. ``run`` makes the local
    ids of this run its own. UnavailableError where the server does not answer at all."""
    started = time.perf_counter()
    _check_reachable(target)
    playing = _Run(target, run)
    results = []
    for group in groups:
        result = playing.play(group)
        told(result)
        results.append(result)
    return Report(
        kit=version("lrms-gateway"),
        base=target.base,
        contract=target.contract,
        organisation=target.organisation,
        versions=list(target.versions),
        run=run,
        started_at=started_at.isoformat(timespec="seconds"),
        milliseconds=_since(started),
        counts=count(case.verdict for one in results for case in one.cases),
        groups=results,
    )


def _check_reachable(target: Target) -> None:
    answer = send(target, Request(method="GET", path=METADATA))
    if not answer.status:
        why = "no answer in time" if answer.silence == "late" else "no connection, or no HTTP"
        raise UnavailableError(f"{target.base}{METADATA}: {why}")


class _Run:
    def __init__(self, target: Target, run: str) -> None:
        self._target = target
        self._run = run
        self._silent = 0
        self._has: dict[str, bool] = {}

    def play(self, group: Group) -> GroupResult:
        started = time.perf_counter()
        cases = list(self._play_all(group))
        return GroupResult(
            name=group.name,
            title=group.title,
            says=group.says,
            counts=count(case.verdict for case in cases),
            milliseconds=_since(started),
            cases=cases,
        )

    def _play_all(self, group: Group) -> Iterator[CaseResult]:
        for case in group.cases:
            if reason := self._find_obstacle(case):
                yield _not_played(case, reason, is_failed=False)
            elif self._silent >= _MOST_SILENT:
                yield _not_played(case, "not played: the server answers no more", is_failed=True)
            else:
                result = play_case(self._target, case, after=group.after, run=self._run)
                is_silent = not any(step.came.status for step in result.steps)
                self._silent = self._silent + 1 if is_silent else 0
                yield result

    def _find_obstacle(self, case: Case) -> str:
        """Why the case says nothing of this server; empty where it does."""
        target = self._target
        if target.contract == "national" and case.of == "gateway":
            return f"it is of {CONTRACTS['gateway']}; asked for was {CONTRACTS['national']}"
        if case.version and case.version not in target.versions:
            return f"taxonomy version {case.version} was not asked for"
        if case.needs and not self._is_there(case.needs):
            return f"the server has no {case.needs}"
        return ""

    def _is_there(self, route: str) -> bool:
        if route not in self._has:
            answer = self._probe(route)
            self._has[route] = bool(answer.status) and answer.status not in _NO_SUCH_ROUTE
        return self._has[route]

    def _probe(self, route: str) -> Answer:
        headers = key_headers(self._target, "own")
        return send(self._target, Request(method="GET", path=route, headers=headers))


def _not_played(case: Case, reason: str, *, is_failed: bool) -> CaseResult:
    return CaseResult(
        name=case.name,
        says=case.says,
        of=case.of,
        verdict="failed" if is_failed else "not_applicable",
        milliseconds=0,
        reason=reason,
    )


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)

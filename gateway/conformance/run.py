"""A run of the kit: which cases can be asked of the server, their playing, and the report."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.metadata import version
from typing import Final

import urllib3

from gateway.conformance.answer import Answer
from gateway.conformance.case import CONTRACTS, Case, Group
from gateway.conformance.play import play_case
from gateway.conformance.report_model import CaseResult, GroupResult, Report, count
from gateway.conformance.sending import Request, key_headers, send
from gateway.conformance.target import Target
from schemas.errors import UnavailableError, WrongUseError

METADATA: Final = "/adverse-event/fhir/metadata"
_EVENTS: Final = "/adverse-event/fhir/AdverseEvent"
_NOT_LET_IN: Final = 401
# So many cases in a row without any answer: the server is gone, and no case would tell more.
_MOST_SILENT: Final = 3
# No more: a stub may answer one after the other.
_SIDE_BY_SIDE: Final = 4
_NO_SUCH_ROUTE: Final = (404, 405, 501)

_SILENCES: Final = {
    "late": "no answer in time",
    "closed": "no connection, or no HTTP",
    "untrusted": "TLS failed: name the certificate's authority by --ca-file",
}

Told = Callable[[GroupResult], None]


def run_kit(
    target: Target, groups: Sequence[Group], *, run: str, started_at: datetime, told: Told
) -> Report:
    """Plays the groups in order; ``told`` hears of each when it is done. ``run`` makes the local
    ids of this run its own. UnavailableError where the server does not answer at all,
    WrongUseError where it refuses the key."""
    started = time.perf_counter()
    if target.verify is False:
        # The caller asked for it: a warning with each request tells nothing new.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    _check_reachable(target)
    _check_key(target)
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
        raise UnavailableError(f"{target.base}{METADATA}: {_SILENCES[answer.silence]}")


def _check_key(target: Target) -> None:
    """A wrong key is no fault of the server, and would fail nearly every case."""
    headers = key_headers(target, "own") | {"Content-Type": "application/fhir+json"}
    answer = send(target, Request(method="POST", path=_EVENTS, headers=headers, body=b"{}"))
    if answer.status == _NOT_LET_IN:
        raise WrongUseError(f"{target.base} refuses the subscription key ({_NOT_LET_IN})")


class _Run:
    def __init__(self, target: Target, run: str) -> None:
        self._target = target
        self._run = run
        self._silent = 0
        self._has: dict[str, bool] = {}

    def play(self, group: Group) -> GroupResult:
        started = time.perf_counter()
        cases = self._play_all(group)
        return GroupResult(
            name=group.name,
            title=group.title,
            says=group.says,
            counts=count(case.verdict for case in cases),
            milliseconds=_since(started),
            cases=cases,
        )

    def _play_all(self, group: Group) -> list[CaseResult]:
        """In the order of the file, whenever each was played."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            beside = {
                case.name: pool.submit(self._play_one, case, group)
                for case in group.cases
                if case.beside and not self._find_obstacle(case)
            }
            played = {
                case.name: self._play_in_turn(case, group)
                for case in group.cases
                if case.name not in beside
            }
            return [
                beside[case.name].result() if case.name in beside else played[case.name]
                for case in group.cases
            ]

    def _play_in_turn(self, case: Case, group: Group) -> CaseResult:
        if reason := self._find_obstacle(case):
            return _not_played(case, reason, is_failed=False)
        if self._silent >= _MOST_SILENT:
            return _not_played(case, "not played: the server answers no more", is_failed=True)
        result = self._play_one(case, group)
        is_silent = not any(step.came.status for step in result.steps)
        self._silent = self._silent + 1 if is_silent else 0
        return result

    def _play_one(self, case: Case, group: Group) -> CaseResult:
        return play_case(self._target, case, after=group.after, run=self._run)

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

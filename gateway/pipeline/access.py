"""Who may send for whom: grants are given and end, attempts outside of them are put on record, and
what a source used is told."""

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

import msgspec

from gateway.bootstrap import Gateway
from gateway.identity.limits import KEPT_SECONDS
from gateway.pipeline.judge import LONDON
from schemas.errors import WrongUseError
from schemas.identifiers import is_ods_code
from schemas.identity import Usage, begin_window
from schemas.submission import Grant, Source
from schemas.values import shown, storable

log = logging.getLogger(__name__)

_LONGEST_REQUEST_ID = 128


class HourOfUse(msgspec.Struct, frozen=True):
    """What a source used within an hour, and its busiest minute."""

    begins: datetime
    requests: int
    records: int
    bytes: int
    refused: int
    busiest_minute: int


def give_grant(gateway: Gateway, source_id: str, grant: Grant) -> None:
    """Gives a grant, or gives it anew in place of what was there. WrongUseError for what cannot
    be granted."""
    given = msgspec.structs.replace(grant, given_by=_check_who(grant.given_by))
    if given.starts_on and given.ends_on and given.ends_on < given.starts_on:
        raise WrongUseError(f"the grant would end on {given.ends_on}, before it begins")
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        if work.sources.get(source_id).organisation == given.organisation:
            raise WrongUseError(f"{source_id} is of {given.organisation}: it needs no grant")
        if work.organisations.find(given.organisation) is None:
            raise WrongUseError(f"organisation {given.organisation} is not in the register")
        work.grants.give(source_id, given)


def end_grant(
    gateway: Gateway, source_id: str, organisation: str, *, by: str, on: date | None = None
) -> date:
    """Ends a grant: ``on`` (today, in Europe/London) is the last day on which it holds."""
    last = on or find_today(gateway)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.sources.get(source_id)
        work.grants.end(source_id, organisation, on=last, by=_check_who(by))
    return last


def find_today(gateway: Gateway) -> date:
    return gateway.now().astimezone(LONDON).date()


def find_sources(gateway: Gateway, source_id: str | None) -> list[Source]:
    """One, or all. UnknownError for no such source."""
    with gateway.store.read() as work:
        return [work.sources.get(source_id)] if source_id else work.sources.find_all()


def record_refusal(gateway: Gateway, source_id: str, organisation: str, request_id: str) -> None:
    """An attempt to submit for an organisation that did not grant it: nothing of it is kept but
    this entry. ``organisation`` is what the sender wrote, so it is shown only if it is a code."""
    told = organisation if is_ods_code(organisation) else shown(organisation)
    details = {
        "organisation": told,
        "request": storable(request_id[:_LONGEST_REQUEST_ID]),
    }
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.audit.add("submission.refused", source_id, details)
    log.info("request %s: %s may not submit for %s", details["request"], source_id, told)


def find_usage(gateway: Gateway, source_id: str) -> list[HourOfUse]:
    """Of the last day, hour by hour; hours without any are left out."""
    since = int((gateway.now() - timedelta(seconds=KEPT_SECONDS)).timestamp())
    with gateway.store.read() as work:
        work.sources.get(source_id)
        found = work.usage.find(source_id, begin_window(since))
    hours: dict[int, list[Usage]] = {}
    for minute in found:
        hours.setdefault(minute.window - minute.window % 3600, []).append(minute)
    return [_sum_up(begins, minutes) for begins, minutes in hours.items()]


def _sum_up(begins: int, minutes: Iterable[Usage]) -> HourOfUse:
    rows = list(minutes)
    return HourOfUse(
        begins=datetime.fromtimestamp(begins, UTC),
        requests=sum(row.requests for row in rows),
        records=sum(row.records for row in rows),
        bytes=sum(row.bytes for row in rows),
        refused=sum(row.refused for row in rows),
        busiest_minute=max(row.requests for row in rows),
    )


def _check_who(who: str) -> str:
    told = storable(who.strip())
    if not told:
        raise WrongUseError("say who: whoever reads the audit log will ask")
    return told

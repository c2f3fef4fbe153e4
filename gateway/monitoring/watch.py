"""Watch: look at everything, open the alarms that are new, tell the operators of them once, close
those that are over. At once with another watch, one of the two opens and tells."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager

from gateway.bootstrap import Gateway
from gateway.monitoring.instants import LONDON
from gateway.monitoring.looking import Looking
from gateway.monitoring.watches import WATCHES
from gateway.notifications.alarm_wording import draft_alarms
from schemas.alarm import Alarm, Seen
from schemas.alarm_codes import ALARM_CODES
from schemas.errors import GatewayError, WrongUseError
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)


def watch(gateway: Gateway) -> dict[str, int]:
    """``{"opened", "closed"}`` by this call, and how many are ``open`` after it. A watch that
    cannot look leaves its alarms as they are, and is raised once the others have looked."""
    seen, looked, failure = look(gateway)
    opened, closed = _settle(gateway, seen, looked)
    with _begin(gateway) as work:
        work.feed_days.write(gateway.now().astimezone(LONDON).date())
        still = work.alarms.count_open()
    if failure is not None:
        raise failure
    return {"opened": len(opened), "closed": len(closed), "open": sum(still.values())}


def look(gateway: Gateway) -> tuple[list[Seen], frozenset[str], GatewayError | None]:
    """What is seen now, of which codes, and the first failure to look. Nothing is written: also
    for who asks while Airflow stands still."""
    seen: list[Seen] = []
    looked: set[str] = set()
    failure: GatewayError | None = None
    for name, one in WATCHES.items():
        try:
            with gateway.store.read() as work:
                found = {(alarm.code, alarm.subject): alarm for alarm in work.alarms.find_open()}
                seen += one.look(Looking(gateway.settings, work, gateway.now(), found))
        except GatewayError as error:
            log.error("the watch over %s cannot look: %s", name, error)  # noqa: TRY400 - no trace
            failure = failure or error
        else:
            looked |= one.codes
    return seen, frozenset(looked), failure


def raise_alarm(gateway: Gateway, seen: Seen) -> bool:
    """An alarm that somebody else saw, and no watch closes; whether it is new."""
    with _begin(gateway) as work:
        return bool(_open(gateway, work, [seen]))


def acknowledge(gateway: Gateway, number: int, reason: str) -> Alarm:
    """Somebody looks into it: the alarm stays until its cause is gone, and troubles nobody else."""
    if not reason.strip():
        raise WrongUseError("acknowledging needs a reason: whoever comes next will ask")
    with _begin(gateway) as work:
        return work.alarms.acknowledge(number, reason.strip())


def _settle(
    gateway: Gateway, seen: Sequence[Seen], looked: frozenset[str]
) -> tuple[list[Alarm], list[Alarm]]:
    now_seen = {(one.code, one.subject): one for one in seen}
    with _begin(gateway) as work:
        known = {(one.code, one.subject): one for one in work.alarms.find_open()}
        opened = _open(gateway, work, [one for key, one in now_seen.items() if key not in known])
        work.alarms.update(
            [
                one
                for key, one in now_seen.items()
                if key in known and known[key].params != one.params
            ]
        )
        over = [
            one.number for key, one in known.items() if one.code in looked and key not in now_seen
        ]
        closed = work.alarms.close(over)
    for alarm in closed:
        log.info("alarm %d closed: %s %s", alarm.number, alarm.code, alarm.subject)
    return opened, closed


def _open(gateway: Gateway, work: UnitOfWork, seen: Sequence[Seen]) -> list[Alarm]:
    """With the mail about them, in one transaction."""
    opened = work.alarms.open(seen)
    if opened and gateway.settings.operators:
        work.messages.add_many([draft_alarms(gateway.settings, opened)])
    for alarm in opened:
        told = ALARM_CODES[alarm.code].word(alarm.params)
        log.warning("alarm %d: %s %s: %s", alarm.number, alarm.code, alarm.subject, told)
    return opened


def _begin(gateway: Gateway) -> AbstractContextManager[UnitOfWork]:
    return gateway.store.begin(actor=gateway.actor, at=gateway.now())

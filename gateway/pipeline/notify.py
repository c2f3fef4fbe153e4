"""Tell admin users: make messages of the alerts that wait, deliver the messages that are due.

Each may be killed anywhere and run again, and run beside another of its kind.
"""

import logging
from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from gateway.bootstrap import Gateway
from gateway.monitoring.spans import spanned
from gateway.notifications.drafts import (
    draft_digest,
    draft_no_admin,
    draft_unreached,
    draft_urgent,
    word_for_admins,
)
from gateway.notifications.envelope import make_email
from gateway.notifications.mailer import AddressRefusedError, DeferredError, MailDownError
from schemas.identifiers import get_trust
from schemas.outbox import Message, WaitingAlert
from schemas.statuses import MessageState
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

LONDON = ZoneInfo("Europe/London")
# Urgent alerts announced in one transaction: memory and locks stay small however many wait.
URGENT_CHUNK = 500
DIGEST_LINES = 50
# Parked messages put back in one transaction.
RETRY_CHUNK = 500
# Longer than the worst a mail server can do within its time-outs: before it ends, nobody else
# sends the message.
LEASE = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=1)


@spanned("prepare messages")
def prepare_messages(gateway: Gateway) -> dict[str, int]:
    """Makes the messages of waiting alerts: one a recipient and urgent alert, and from the hour
    of the digest (Europe/London) on one digest a day, organisation and recipient. Gives how many
    of each kind are new."""
    made = {"urgent": 0, "digest": 0, "no_admin": 0}
    place: tuple[str, int] | None = ("", 0)
    while place is not None:
        place = _prepare_urgent(gateway, made, after=place)
    today = gateway.now().astimezone(LONDON)
    if today.hour >= gateway.settings.digest_hour:
        organisation: str | None = ""
        while organisation is not None:
            organisation = _prepare_digest(gateway, made, today.date(), after=organisation)
    return made


@spanned("deliver messages")
def deliver_messages(gateway: Gateway, *, limit: int | None = None) -> dict[str, int]:
    """Sends the messages that are due, at most ``limit``. One that fails is tried again after 1,
    2, 4 … minutes, at most an hour, for ever; one whose address is refused for good is parked,
    and the national leads are told in its place. Where mail is down altogether the rest is left
    for the next call.

    Gives ``{"sent", "failed"}`` of this call and ``{"waiting", "parked"}`` as it stands.
    """
    counts = {"sent": 0, "failed": 0}
    message: Message | None = None
    outcome = _NOTHING_SENT
    tried = 0
    while True:
        now = gateway.now()
        with gateway.store.begin(actor=gateway.actor, at=now) as work:
            if message is not None:
                tried += 1
                is_ours = _settle(gateway, work, message, outcome, now)
                counts["sent" if outcome.state == "sent" else "failed"] += is_ours
            goes_on = outcome.mail_is_up and (limit is None or tried < limit)
            message = work.messages.claim(LEASE) if goes_on else None
            if message is None:
                return counts | work.messages.count_unsent()
        # The claim is committed: from here to the next commit a kill leaves it unknown whether
        # the message went out, and it goes out again after the lease (docs/adr/0005).
        outcome = _send(gateway, message)


def retry_parked(gateway: Gateway) -> int:
    """Makes every parked message due again: once an address takes mail. Gives how many."""
    retried = 0
    while True:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            found = work.messages.retry_parked(RETRY_CHUNK)
        retried += found
        if found < RETRY_CHUNK:
            return retried


def _prepare_urgent(
    gateway: Gateway, made: dict[str, int], *, after: tuple[str, int]
) -> tuple[str, int] | None:
    """One transaction; the place it came to, None where nothing was left to do."""
    now = gateway.now()
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        waiting = work.alerts.find_urgent(URGENT_CHUNK, after)
        if not waiting:
            return None
        admins = _find_admins(work, {alert.organisation for alert in waiting})
        drafts = [
            draft
            for alert in waiting
            for draft in draft_urgent(gateway.settings, alert, admins[alert.organisation])
        ]
        made["urgent"] += work.messages.add_many(drafts)
        names = {alert.organisation: alert.organisation_name for alert in waiting}
        lacking = {code: name for code, name in names.items() if not admins[code]}
        made["no_admin"] += _report_no_admin(gateway, work, lacking, now)
        work.alerts.announce(waiting)
    return waiting[-1].organisation, waiting[-1].event_id


def _prepare_digest(gateway: Gateway, made: dict[str, int], day: date, *, after: str) -> str | None:
    """One transaction: the digest of the next organisation by code, which is given back. What
    came after an organisation's digest of the day waits for the next day's."""
    now = gateway.now()
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        organisation = work.alerts.find_digest_organisation(after)
        if organisation is None:
            return None
        admins = _find_admins(work, {organisation})[organisation]
        listed = _make_digest(gateway, work, organisation, day, admins)
        if listed:
            made["digest"] += len(admins) or 1
            lacking = {} if admins else {organisation: listed[0].organisation_name}
            made["no_admin"] += _report_no_admin(gateway, work, lacking, now)
    return organisation


def _make_digest(
    gateway: Gateway, work: UnitOfWork, organisation: str, day: date, admins: list[str]
) -> list[WaitingAlert]:
    """The alerts it lists; none where the organisation has its digest of the day already."""
    drafts = draft_digest(gateway.settings, organisation, day, admins)
    first = drafts[0]
    total = work.messages.add_digest(first)
    if total is None:
        return []
    listed = work.alerts.find_of_message(first.id, DIGEST_LINES)
    wording = word_for_admins(gateway.settings, day, listed, total, admins)
    for draft in drafts[1:]:
        work.messages.add_copy(draft, of=first.id)
    for draft in drafts:
        work.messages.word(draft.id, wording.subject, wording.body)
    work.alerts.announce_digest(organisation, first.id)
    return listed


def _find_admins(work: UnitOfWork, organisations: Collection[str]) -> dict[str, list[str]]:
    """The admin users of each organisation, else of its trust; none where neither has any."""
    trusts = {get_trust(code) for code in organisations}
    admins = work.users.find_admins({*organisations, *trusts})
    return {
        code: sorted(set(admins.get(code) or admins.get(get_trust(code)) or []))
        for code in organisations
    }


def _report_no_admin(
    gateway: Gateway, work: UnitOfWork, lacking: dict[str, str | None], now: datetime
) -> int:
    """Tells the national leads which organisations have nobody to tell, once a day each."""
    day = now.astimezone(LONDON).date()
    drafts = [
        draft_no_admin(gateway.settings, code, name, day) for code, name in sorted(lacking.items())
    ]
    return work.messages.add_many(drafts)


class _Outcome(msgspec.Struct, frozen=True):
    """What became of handing a message over."""

    state: MessageState
    reason: str | None = None
    mail_is_up: bool = True


_NOTHING_SENT = _Outcome("waiting")


def _send(gateway: Gateway, message: Message) -> _Outcome:
    try:
        gateway.mailer.send(make_email(message, gateway.settings.mail_from))
    except AddressRefusedError as refusal:
        outcome = _Outcome("parked", refusal.word)
    except DeferredError as refusal:
        outcome = _Outcome("waiting", refusal.word)
    except MailDownError as failure:
        outcome = _Outcome("waiting", failure.word, mail_is_up=False)
    else:
        return _Outcome("sent")
    log.warning(
        "message %s not sent (%s), attempt %d", message.id, outcome.reason, message.attempts
    )
    return outcome


def _settle(
    gateway: Gateway, work: UnitOfWork, message: Message, outcome: _Outcome, now: datetime
) -> bool:
    """Writes down how it ended; False where another sender has taken the message over meanwhile."""
    wait = min(timedelta(minutes=2 ** min(message.attempts - 1, 10)), LONGEST_WAIT)
    due_at = now + wait if outcome.state == "waiting" else now
    is_ours = work.messages.settle(message, outcome.state, due_at=due_at, reason=outcome.reason)
    if is_ours and outcome.state == "parked":
        _tell_leads(gateway, work, message)
    return is_ours


def _tell_leads(gateway: Gateway, work: UnitOfWork, refused: Message) -> None:
    """In the transaction that parks a message: what it says goes to the national leads, unless
    they are whom it was for. One message a message, however often that is parked."""
    is_for_others = refused.kind in {"no_admin", "alarm"}
    if is_for_others or refused.recipient == gateway.settings.national_leads:
        return
    day = refused.created_at.astimezone(LONDON).date()
    listed = work.alerts.find_of_message(refused.id, DIGEST_LINES)
    total = work.messages.count_alerts(refused.id)
    draft = draft_unreached(gateway.settings, refused, day, listed, total)
    work.messages.add_copy(draft, of=refused.id)

"""Tell admin users: make messages of the alerts that wait, deliver the messages that are due.

Each may be killed anywhere and run again, and run beside another of its kind.
"""

import hashlib
import logging
from collections.abc import Collection
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from gateway.bootstrap import Gateway
from gateway.notifications.envelope import make_email
from gateway.notifications.mailer import AddressRefusedError, DeferredError, MailDownError
from gateway.notifications.wording import word_digest, word_no_admin, word_urgent
from schemas.identifiers import get_trust
from schemas.outbox import Draft, Message, WaitingAlert
from schemas.statuses import MessageKind, MessageState
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

LONDON = ZoneInfo("Europe/London")
# Urgent alerts announced in one transaction: memory and locks stay small however many wait.
URGENT_CHUNK = 500
DIGEST_LINES = 50
# Longer than the worst a mail server can do within its time-outs: before it ends, nobody else
# sends the message.
LEASE = timedelta(minutes=15)
LONGEST_WAIT = timedelta(hours=1)


def prepare_messages(gateway: Gateway) -> dict[str, int]:
    """Makes the messages of waiting alerts: one a recipient and urgent alert, and from the hour
    of the digest (Europe/London) on one digest a day, organisation and recipient. Gives how many
    of each kind are new."""
    made = {"urgent": 0, "digest": 0, "no_admin": 0}
    while _prepare_urgent(gateway, made):
        pass
    today = gateway.now().astimezone(LONDON)
    if today.hour >= gateway.settings.digest_hour:
        organisation: str | None = ""
        while organisation is not None:
            organisation = _prepare_digest(gateway, made, today.date(), after=organisation)
    return made


def deliver_messages(gateway: Gateway, *, limit: int | None = None) -> dict[str, int]:
    """Sends the messages that are due, at most ``limit``. One that fails is tried again after 1,
    2, 4 … minutes, at most an hour, for ever; one whose address is refused for good is parked.
    Where mail is down altogether the rest is left for the next call.

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
                is_ours = _settle(work, message, outcome, now)
                counts["sent" if outcome.state == "sent" else "failed"] += is_ours
            goes_on = outcome.mail_is_up and (limit is None or tried < limit)
            message = work.messages.claim(LEASE) if goes_on else None
            if message is None:
                return counts | work.messages.count_unsent()
        # The claim is committed: from here to the next commit a kill leaves it unknown whether
        # the message went out, and it goes out again after the lease (docs/adr/0005).
        outcome = _send(gateway, message)


def make_message_id(kind: MessageKind, *parts: str) -> str:
    """The same message has the same id whenever it is made, and so is made once."""
    digest = hashlib.sha256("\0".join((kind, *parts)).encode()).hexdigest()
    return f"{kind}-{digest[:32]}"


def _prepare_urgent(gateway: Gateway, made: dict[str, int]) -> bool:
    """One transaction; whether there was anything to do."""
    now = gateway.now()
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        waiting = work.alerts.find_urgent(URGENT_CHUNK)
        if not waiting:
            return False
        admins = _find_recipients(work, {alert.organisation for alert in waiting})
        drafts = [
            _draft_urgent(gateway, alert, recipient, to_leads=not admins[alert.organisation])
            for alert in waiting
            for recipient in admins[alert.organisation] or [gateway.settings.national_leads]
        ]
        made["urgent"] += work.messages.add_many(drafts)
        names = {alert.organisation: alert.organisation_name for alert in waiting}
        lacking = {code: name for code, name in names.items() if not admins[code]}
        made["no_admin"] += _report_no_admin(gateway, work, lacking, now)
        work.alerts.announce(waiting)
    return True


def _prepare_digest(gateway: Gateway, made: dict[str, int], day: date, *, after: str) -> str | None:
    """One transaction: the digest of the next organisation by code, which is given back. What
    came after an organisation's digest of the day waits for the next day's."""
    now = gateway.now()
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        organisation = work.alerts.find_digest_organisation(after)
        if organisation is None:
            return None
        admins = _find_recipients(work, {organisation})[organisation]
        recipients = admins or [gateway.settings.national_leads]
        listed = _make_digest(gateway, work, organisation, day, recipients, to_leads=not admins)
        if listed:
            made["digest"] += len(recipients)
            lacking = {} if admins else {organisation: listed[0].organisation_name}
            made["no_admin"] += _report_no_admin(gateway, work, lacking, now)
    return organisation


def _make_digest(
    gateway: Gateway,
    work: UnitOfWork,
    organisation: str,
    day: date,
    recipients: list[str],
    *,
    to_leads: bool,
) -> list[WaitingAlert]:
    """The alerts it lists; none where the organisation has its digest of the day already."""
    # The id names the place in the list, not the recipient: the first one then stands for "the
    # digest of this day is made", also when the admin users change during the day.
    drafts = [
        Draft(
            id=make_message_id("digest", organisation, day.isoformat(), str(place)),
            kind="digest",
            organisation=organisation,
            recipient=recipient,
        )
        for place, recipient in enumerate(recipients)
    ]
    first = drafts[0]
    total = work.messages.add_digest(first)
    if total is None:
        return []
    listed = work.alerts.find_of_message(first.id, DIGEST_LINES)
    console = gateway.settings.console_url
    wording = word_digest(day, listed, total, console, to_leads=to_leads)
    for draft in drafts[1:]:
        work.messages.add_copy(draft, of=first.id)
    for draft in drafts:
        work.messages.word(draft.id, wording.subject, wording.body)
    work.alerts.announce_digest(organisation, first.id)
    return listed


def _find_recipients(work: UnitOfWork, organisations: Collection[str]) -> dict[str, list[str]]:
    """The admin users of each organisation, else of its trust; none where neither has any."""
    trusts = {get_trust(code) for code in organisations}
    admins = work.users.find_admins({*organisations, *trusts})
    return {
        code: sorted(set(admins.get(code) or admins.get(get_trust(code)) or []))
        for code in organisations
    }


def _draft_urgent(
    gateway: Gateway, alert: WaitingAlert, recipient: str, *, to_leads: bool
) -> Draft:
    wording = word_urgent(alert, gateway.settings.console_url, to_leads=to_leads)
    return Draft(
        id=make_message_id("urgent", alert.reference, alert.organisation, recipient),
        kind="urgent",
        organisation=alert.organisation,
        recipient=recipient,
        subject=wording.subject,
        body=wording.body,
        events=(alert.event_id,),
    )


def _report_no_admin(
    gateway: Gateway, work: UnitOfWork, lacking: dict[str, str | None], now: datetime
) -> int:
    """Tells the national leads which organisations have nobody to tell, once a day each."""
    day = now.astimezone(LONDON).date().isoformat()
    drafts = []
    for code, name in sorted(lacking.items()):
        wording = word_no_admin(code, name)
        draft = Draft(
            id=make_message_id("no_admin", code, day),
            kind="no_admin",
            organisation=code,
            recipient=gateway.settings.national_leads,
            subject=wording.subject,
            body=wording.body,
        )
        drafts.append(draft)
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


def _settle(work: UnitOfWork, message: Message, outcome: _Outcome, now: datetime) -> bool:
    """Writes down how it ended; False where another sender has taken the message over meanwhile."""
    wait = min(timedelta(minutes=2 ** min(message.attempts - 1, 10)), LONGEST_WAIT)
    due_at = now + wait if outcome.state == "waiting" else now
    return work.messages.settle(message, outcome.state, due_at=due_at, reason=outcome.reason)

"""Which messages there are, to whom, and under which id. What they say is in ``wording``; when they
are made, in ``gateway.pipeline.notify``."""

import hashlib
from collections.abc import Sequence
from datetime import date

from gateway.config import Settings
from gateway.notifications.wording import (
    ADMIN_USER,
    NO_ADMIN_USER,
    Reader,
    Wording,
    word_digest,
    word_no_admin,
    word_urgent,
)
from schemas.outbox import Draft, Message, WaitingAlert
from schemas.statuses import MessageKind


def make_message_id(kind: MessageKind, *parts: str) -> str:
    """The same message has the same id whenever it is made, and so is made once."""
    digest = hashlib.sha256("\0".join((kind, *parts)).encode()).hexdigest()
    return f"{kind}-{digest[:32]}"


def draft_urgent(settings: Settings, alert: WaitingAlert, admins: Sequence[str]) -> list[Draft]:
    """To each admin user; where there is none, to the national leads."""
    wording = word_urgent(alert, settings.console_url, _choose_reader(admins))
    return [
        Draft(
            id=make_message_id("urgent", alert.reference, alert.organisation, recipient),
            kind="urgent",
            organisation=alert.organisation,
            recipient=recipient,
            subject=wording.subject,
            body=wording.body,
            events=(alert.event_id,),
        )
        for recipient in admins or [settings.national_leads]
    ]


def draft_digest(
    settings: Settings, organisation: str, day: date, admins: Sequence[str]
) -> list[Draft]:
    """To the same; without words, which come when the first one has taken its alerts.

    The id names the place in the list, not the recipient: the first one then stands for "the
    digest of this day is made", also when the admin users change during the day.
    """
    return [
        Draft(
            id=make_message_id("digest", organisation, day.isoformat(), str(place)),
            kind="digest",
            organisation=organisation,
            recipient=recipient,
        )
        for place, recipient in enumerate(admins or [settings.national_leads])
    ]


def word_for_admins(
    settings: Settings,
    day: date,
    listed: Sequence[WaitingAlert],
    total: int,
    admins: Sequence[str],
) -> Wording:
    """What every digest of :func:`draft_digest` says."""
    return word_digest(day, listed, total, settings.console_url, _choose_reader(admins))


def draft_no_admin(settings: Settings, organisation: str, name: str | None, day: date) -> Draft:
    """To the national leads, once a day and organisation: nobody there can be told."""
    wording = word_no_admin(organisation, name)
    return Draft(
        id=make_message_id("no_admin", organisation, day.isoformat()),
        kind="no_admin",
        organisation=organisation,
        recipient=settings.national_leads,
        subject=wording.subject,
        body=wording.body,
    )


def draft_unreached(
    settings: Settings,
    refused: Message,
    day: date,
    listed: Sequence[WaitingAlert],
    total: int,
) -> Draft:
    """What a message would have told an admin user whose address is refused for good, to the
    national leads: otherwise nobody might ever know of the event. ``day`` is the message's."""
    reader = Reader(is_lead=True, refused=refused.recipient)
    if refused.kind == "urgent":
        wording = word_urgent(listed[0], settings.console_url, reader)
    else:
        wording = word_digest(day, listed, total, settings.console_url, reader)
    return Draft(
        id=make_message_id(refused.kind, "unreached", refused.id),
        kind=refused.kind,
        organisation=refused.organisation,
        recipient=settings.national_leads,
        subject=wording.subject,
        body=wording.body,
    )


def _choose_reader(admins: Sequence[str]) -> Reader:
    return ADMIN_USER if admins else NO_ADMIN_USER

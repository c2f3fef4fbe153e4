"""What the messages say: reference, type, when, worst harm, who recorded it, why you are told, and
a link. Never the narrative, never anything of a patient: a mailbox is not a clinical record."""

import unicodedata
from collections.abc import Sequence
from datetime import date

import msgspec

from schemas.identifiers import get_trust
from schemas.judged import ALERT_REASONS
from schemas.outbox import WaitingAlert
from schemas.taxonomy import EVENT_TYPES

# The scale of NationalEvent.worst_harm.
HARM_WORDS = {1: "fatal", 2: "severe", 3: "moderate", 4: "low", 5: "none"}
SUBJECT_REASONS = {
    "never_event": "never event",
    "fatal": "fatal harm",
    "severe": "severe harm",
    "recorded_elsewhere": "recorded by another organisation",
}
LEFT_OUT = (
    "This email leaves out the description of the event and all details of patients.\n"
    "They are in the record, for those who may read it.\n"
    "It was sent automatically. Please do not reply."
)
_NAME_LENGTH = 120


class Wording(msgspec.Struct, frozen=True):
    """Subject (one line) and plain-text body of a message."""

    subject: str
    body: str


class Reader(msgspec.Struct, frozen=True):
    """Who reads a message: an admin user, or a national lead in the place of one; then ``refused``
    is the admin user's address where there is one, but takes no mail."""

    is_lead: bool = False
    refused: str | None = None


ADMIN_USER = Reader()
NO_ADMIN_USER = Reader(is_lead=True)


def word_urgent(alert: WaitingAlert, console_url: str, reader: Reader = ADMIN_USER) -> Wording:
    """One event that cannot wait."""
    where = word_organisation(alert.organisation, alert.organisation_name)
    body = _paragraphs(
        f"A patient safety event at {where} has reached the national record.",
        *_word_task(reader, alert, where, "this event"),
        f"Reference: {alert.reference}\n"
        f"Type: {_word_type(alert)}\n"
        f"Date of event: {_word_date(alert.occurred_on)}\n"
        f"Worst harm: {_word_harm(alert)}\n"
        f"Where: {where}\n"
        f"Recorded by: {_word_recorder(alert)}",
        f"You are told at once because {ALERT_REASONS[alert.reason]}.",
        f"Read the event:\n{_link(console_url, alert)}",
        _word_why(reader, alert.organisation, where),
        LEFT_OUT,
    )
    short = SUBJECT_REASONS[alert.reason]
    urgent = f"Urgent for {where}" if reader.is_lead else "Urgent"
    return Wording(f"{urgent}: patient safety event {alert.reference} ({short})", body)


def word_digest(
    day: date,
    listed: Sequence[WaitingAlert],
    total: int,
    console_url: str,
    reader: Reader = ADMIN_USER,
) -> Wording:
    """The events of one organisation since its last digest: those ``listed``, of ``total``."""
    first = listed[0]
    where = word_organisation(first.organisation, first.organisation_name)
    count = "1 patient safety event" if total == 1 else f"{total:,} patient safety events"
    verb = "has" if total == 1 else "have"
    lines = [_word_line(alert, console_url) for alert in listed]
    if total > len(listed):
        everything = f"{console_url}/events?organisation={first.organisation}"
        lines.append(f"and {total - len(listed):,} more:\n{everything}")
    body = _paragraphs(
        f"{count} at {where} {verb} reached the national record since the last digest.",
        *_word_task(reader, first, where, "this event" if total == 1 else "these events"),
        *lines,
        "Never events, events with fatal or severe harm, and events that another organisation\n"
        "recorded are not in this list: each has an email of its own, sent at once.",
        _word_why(reader, first.organisation, where),
        LEFT_OUT,
    )
    return Wording(f"{count} at {where}: digest of {_word_date(day)}", body)


def word_no_admin(organisation: str, name: str | None) -> Wording:
    """To the national leads: nobody at the organisation can be told."""
    where = word_organisation(organisation, name)
    body = _paragraphs(
        f"Neither {where} nor its trust has an admin user."
        if _has_trust(organisation)
        else f"{where} has no admin user.",
        "Emails about patient safety events there come to you until it has one. Please make sure\n"
        "that the organisation knows of them.",
        f"Ask the organisation to name an admin user. {_word_remedy(organisation)}",
        "You get this as a national lead, once on each day on which there is something to tell.",
    )
    return Wording(f"No admin user at {where}", body)


def word_organisation(code: str, name: str | None) -> str:
    """``Example Hospital (RX1)``, or the code alone where the register has no name for it."""
    plain = make_plain(name) if name else ""
    return f"{plain} ({code})" if plain else code


def make_plain(text: str) -> str:
    """One line without control, format or separator characters: names come from files, and a line
    end in one would start a header of its own."""
    kept = (" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    return " ".join("".join(kept).split())[:_NAME_LENGTH]


def _word_line(alert: WaitingAlert, console_url: str) -> str:
    return (
        f"{alert.reference}\n"
        f"{_word_type(alert)}, {_word_date(alert.occurred_on)}, "
        f"worst harm: {_word_harm(alert)}\n"
        f"Recorded by: {_word_recorder(alert)}\n"
        f"{_link(console_url, alert)}"
    )


def _word_task(reader: Reader, alert: WaitingAlert, where: str, events: str) -> list[str]:
    """What a national lead has to do, as the message does not reach whom it is for."""
    if not reader.is_lead:
        return []
    please = f"Please make sure that the organisation knows of {events}."
    if reader.refused is None:
        return [f"{where} has no admin user who could be told.\n{please}"]
    return [
        f"An admin user there was not told: {make_plain(reader.refused)} refuses mail.",
        f"{please} If it has other admin users,\neach was sent an email of their own.",
        f"Ask the organisation for an address that works. {_word_remedy(alert.organisation)}",
    ]


def _word_remedy(organisation: str) -> str:
    return (
        "Whoever runs the gateway then adds the address:\n"
        f"lrms-gateway user add EMAIL --organisation {organisation} --role admin"
    )


def _word_why(reader: Reader, organisation: str, where: str) -> str:
    if reader.is_lead:
        return "You get this as a national lead."
    # A site's admin users, or where it has none its trust's.
    trust = " or of its trust" if _has_trust(organisation) else ""
    return f"You get this as an admin user of {where}{trust}."


def _has_trust(organisation: str) -> bool:
    return get_trust(organisation) != organisation


def _word_recorder(alert: WaitingAlert) -> str:
    return word_organisation(alert.recorded_by, alert.recorded_by_name)


def _word_type(alert: WaitingAlert) -> str:
    known = EVENT_TYPES.get(alert.event_type)
    return known.label if known else "Type not known"


def _word_harm(alert: WaitingAlert) -> str:
    return HARM_WORDS.get(alert.worst_harm or 0, "not recorded")


def _word_date(day: date | None) -> str:
    # No %-d: the day without a leading zero is not portable.
    return f"{day.day} {day:%B %Y}" if day else "not known"


def _link(console_url: str, alert: WaitingAlert) -> str:
    return f"{console_url}/events/{alert.reference}"


def _paragraphs(*paragraphs: str) -> str:
    return "\n\n".join(paragraphs) + "\n"

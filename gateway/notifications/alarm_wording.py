"""What operators are told of alarms: what, about what, since when, and where the runbook is."""

from collections.abc import Sequence
from typing import Final

from gateway.config import Settings
from gateway.notifications.drafts import make_message_id
from gateway.notifications.wording import Wording, make_plain
from schemas.alarm import Alarm
from schemas.alarm_codes import ALARM_CODES
from schemas.outbox import Draft

# In one mail; the rest is in lrms-gateway alarm list.
MOST_LISTED: Final = 30
_URGENT: Final = "urgent"
_FIRST: Final = "The gateway saw what somebody should look at."
_LAST: Final = """\
How it stands now: lrms-gateway status
Say that you look into it: lrms-gateway alarm acknowledge NUMBER --reason ...
An alarm is told once, and closes by itself when its cause is gone.
"""


def draft_alarms(settings: Settings, opened: Sequence[Alarm]) -> Draft:
    """One mail to the operators about all that one look found new."""
    wording = word_alarms(opened, settings.runbooks_url)
    return Draft(
        id=make_message_id("alarm", *(str(one.number) for one in opened)),
        kind="alarm",
        # Of no organisation: it is about the gateway.
        organisation="",
        recipient=settings.operators,
        subject=wording.subject,
        body=wording.body,
    )


def word_alarms(opened: Sequence[Alarm], runbooks: str) -> Wording:
    """Urgent ones first."""
    ordered = sorted(opened, key=lambda one: (not is_urgent(one), one.number))
    lines = [
        f"{word_alarm(one)}\nRunbook: {word_runbook(one, runbooks)}"
        for one in ordered[:MOST_LISTED]
    ]
    if len(ordered) > MOST_LISTED:
        lines.append(f"and {len(ordered) - MOST_LISTED} more")
    body = "\n\n".join([_FIRST, *lines, _LAST])
    return Wording(_word_subject(ordered), body)


def word_alarm(alarm: Alarm) -> str:
    """``12 ALARM-001 r0a-datix: a feed is silent. Nothing came since …``"""
    code = ALARM_CODES[alarm.code]
    about = f" {make_plain(alarm.subject)}" if alarm.subject else ""
    told = make_plain(code.word(alarm.params))
    return f"{alarm.number} {alarm.code}{about}: {code.title}.\n{told[:1].upper()}{told[1:]}."


def word_runbook(alarm: Alarm, runbooks: str) -> str:
    return f"{runbooks}#{ALARM_CODES[alarm.code].anchor}"


def is_urgent(alarm: Alarm) -> bool:
    return ALARM_CODES[alarm.code].urgency == _URGENT


def _word_subject(ordered: Sequence[Alarm]) -> str:
    first = ordered[0]
    urgent = "Urgent: " if is_urgent(first) else ""
    about = f" ({make_plain(first.subject)})" if first.subject else ""
    more = f", and {len(ordered) - 1} more" if len(ordered) > 1 else ""
    return f"{urgent}gateway: {ALARM_CODES[first.code].title}{about}{more}"

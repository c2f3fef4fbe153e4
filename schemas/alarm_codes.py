"""The alarms there are: code, title, wording. A code is never used for anything else; each has its
section in docs/operations/alarms.md (a test holds them together)."""

from typing import Final, Literal

import msgspec

from schemas.alarm import Params

# urgent: a person is woken. soon: within the working day.
Urgency = Literal["urgent", "soon"]


class AlarmCode(msgspec.Struct, frozen=True):
    """``wording`` is filled with the alarm's params."""

    code: str
    title: str
    urgency: Urgency
    wording: str

    @property
    def anchor(self) -> str:
        """Of its section in the runbooks."""
        return self.code.lower()

    def word(self, params: Params) -> str:
        return self.wording.format_map(params)


FEED_SILENT: Final = AlarmCode(
    "ALARM-001",
    "a feed is silent",
    "soon",
    "nothing came since {last}; due by {due} ({pattern})",
)
VOLUME_UNUSUAL: Final = AlarmCode(
    "ALARM-002",
    "a feed is unusually small or large",
    "soon",
    "{records} records on {day}; usual are {least} to {most} ({pattern})",
)
REJECTIONS_HIGH: Final = AlarmCode(
    "ALARM-003",
    "too many records are rejected",
    "soon",
    "{rejected} of {records} records rejected since {day}; usual are {most} % at most ({pattern})",
)
BATCH_STUCK: Final = AlarmCode(
    "ALARM-004",
    "a batch is not loaded",
    "urgent",
    "received {received} from {source}, still {state}: {loaded} of {parts} parts loaded",
)
BATCH_HELD: Final = AlarmCode(
    "ALARM-005",
    "a held batch waits for a decision",
    "soon",
    "received {received} from {source}; nothing of it is loaded until it is decided",
)
RECORDS_QUARANTINED: Final = AlarmCode(
    "ALARM-006",
    "records are in quarantine",
    "urgent",
    "{records} records broke our own code and are not loaded, the oldest since {oldest}",
)
ALERTS_WAITING: Final = AlarmCode(
    "ALARM-007",
    "alerts are not made into mail",
    "urgent",
    "{urgent} urgent alerts and {digest} of digests wait, the oldest since {oldest}",
)
MESSAGES_WAITING: Final = AlarmCode(
    "ALARM-008",
    "mail is not delivered",
    "urgent",
    "{messages} messages wait, the oldest since {oldest}",
)
MESSAGES_PARKED: Final = AlarmCode(
    "ALARM-009",
    "mail addresses are refused",
    "soon",
    "{messages} messages are parked, {to_leads} of them to the national leads",
)
MESH_EXPIRING: Final = AlarmCode(
    "ALARM-010",
    "a MESH message is about to expire",
    "urgent",
    "{messages} messages wait in the mailbox; the oldest expires {expires}",
)
COLLECTOR_FAILING: Final = AlarmCode(
    "ALARM-011",
    "a collector fails",
    "soon",
    "failed {failures} times since {since}: {reason}",
)
REFERENCE_LATE: Final = AlarmCode(
    "ALARM-012",
    "reference data is old",
    "soon",
    "last brought up to date {last}",
)
FORWARDING_UNKNOWN: Final = AlarmCode(
    "ALARM-013",
    "it is unknown whether events were forwarded",
    "urgent",
    "{events} events were sent on and not answered for, the oldest {oldest}",
)
PARTITION_MISSING: Final = AlarmCode(
    "ALARM-014",
    "events are outside the partitions",
    "soon",
    "{events} events of {years} are in no partition of their year",
)
DISK_FILLING: Final = AlarmCode(
    "ALARM-015",
    "the disk is nearly full",
    "urgent",
    "less than {least} % of the disk of LRMS_HOME is free: {free_mib} MiB",
)
LOAD_LATE: Final = AlarmCode(
    "ALARM-016",
    "the load is late",
    "urgent",
    "a run of {dag} that was to be over by {due} was not",
)
STEP_FAILING: Final = AlarmCode(
    "ALARM-017",
    "a step fails",
    "urgent",
    "failed {failures} times since it last ran to its end ({ran})",
)
STEP_SILENT: Final = AlarmCode(
    "ALARM-018",
    "a step does not run",
    "urgent",
    "last ran {ran}; it runs every {minutes} minutes",
)
ITEMS_REFUSED: Final = AlarmCode(
    "ALARM-019",
    "a collector refused feeds",
    "soon",
    "{items} refused within a week, the last {last}: {reasons}",
)
RECEIPTS_UNDELIVERED: Final = AlarmCode(
    "ALARM-020",
    "receipts do not arrive",
    "soon",
    "{undelivered} could not be delivered, {refused} are not taken, of {unknown} it is unknown",
)

ALARM_CODES: Final[dict[str, AlarmCode]] = {
    one.code: one
    for one in (
        FEED_SILENT,
        VOLUME_UNUSUAL,
        REJECTIONS_HIGH,
        BATCH_STUCK,
        BATCH_HELD,
        RECORDS_QUARANTINED,
        ALERTS_WAITING,
        MESSAGES_WAITING,
        MESSAGES_PARKED,
        MESH_EXPIRING,
        COLLECTOR_FAILING,
        REFERENCE_LATE,
        FORWARDING_UNKNOWN,
        PARTITION_MISSING,
        DISK_FILLING,
        LOAD_LATE,
        STEP_FAILING,
        STEP_SILENT,
        ITEMS_REFUSED,
        RECEIPTS_UNDELIVERED,
    )
}

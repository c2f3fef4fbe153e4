"""The states of batches, parts, messages and alarms, and the allowed transitions, as data."""

from typing import Final, Literal

BatchState = Literal["received", "held", "planned", "finished"]
PartState = Literal["waiting", "running", "loaded"]
MessageState = Literal["waiting", "sending", "sent", "parked"]
Disposition = Literal["created", "revised", "unchanged", "rejected", "quarantined"]
Verdict = Literal["accepted", "partly_accepted", "rejected"]
# A batch that waits for a decision has no verdict yet; its receipt says what loading it would do.
ReceiptVerdict = Literal["accepted", "partly_accepted", "rejected", "held"]
AlertKind = Literal["urgent", "digest"]
MessageKind = Literal["urgent", "digest", "no_admin", "alarm"]
AlarmState = Literal["open", "acknowledged", "closed"]

DISPOSITIONS: Final[tuple[Disposition, ...]] = (
    "created",
    "revised",
    "unchanged",
    "rejected",
    "quarantined",
)
# Records of which nothing is loaded. rejected: the sender is to correct it. quarantined: our own
# code failed over it; it is ours to load.
UNLOADED: Final[tuple[Disposition, ...]] = ("rejected", "quarantined")

# received → planned: cut into parts. planned → finished: every part loaded, receipt complete.
# received → finished: not one record could be read. received → held: it waits for a decision (it
# breaks off half-way, or is not what its profile expects). held → planned: released, to be loaded
# as far as it can be read. held → finished: discarded, nothing of it is loaded.
BATCH_TRANSITIONS: Final[frozenset[tuple[BatchState, BatchState]]] = frozenset(
    {
        ("received", "planned"),
        ("planned", "finished"),
        ("received", "finished"),
        ("received", "held"),
        ("held", "planned"),
        ("held", "finished"),
    }
)
# running → running: a later attempt takes over with a higher fencing token.
PART_TRANSITIONS: Final[frozenset[tuple[PartState, PartState]]] = frozenset(
    {("waiting", "running"), ("running", "running"), ("running", "loaded")}
)
# sending → waiting: delivery failed and is due again later. sending → sending: the sender died
# and another took over after the lease. parked: a person must look (the address is refused).
MESSAGE_TRANSITIONS: Final[frozenset[tuple[MessageState, MessageState]]] = frozenset(
    {
        ("waiting", "sending"),
        ("sending", "sent"),
        ("sending", "waiting"),
        ("sending", "sending"),
        ("sending", "parked"),
        ("parked", "waiting"),
    }
)
# open → acknowledged: somebody looks into it. → closed: it is seen no more; seen again later, it is
# another alarm.
ALARM_TRANSITIONS: Final[frozenset[tuple[AlarmState, AlarmState]]] = frozenset(
    {("open", "acknowledged"), ("open", "closed"), ("acknowledged", "closed")}
)

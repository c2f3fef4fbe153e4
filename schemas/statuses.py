"""The states of batches, parts and messages, and the transitions that are allowed, as data."""

from typing import Final, Literal

BatchState = Literal["received", "planned", "finished"]
PartState = Literal["waiting", "running", "loaded"]
MessageState = Literal["waiting", "sending", "sent", "parked"]
Disposition = Literal["created", "revised", "unchanged", "rejected"]
Verdict = Literal["accepted", "partly_accepted", "rejected"]
AlertKind = Literal["urgent", "digest"]
MessageKind = Literal["urgent", "digest", "no_admin"]

DISPOSITIONS: Final[tuple[Disposition, ...]] = ("created", "revised", "unchanged", "rejected")

# received → planned: cut into parts. planned → finished: every part loaded, receipt complete.
# received → finished: not one record could be read.
BATCH_TRANSITIONS: Final[frozenset[tuple[BatchState, BatchState]]] = frozenset(
    {("received", "planned"), ("planned", "finished"), ("received", "finished")}
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

"""What the gateway answers about feeds and their records, read."""

import msgspec

from gateway.client.bodies import read_as, read_json
from gateway.client.calls import Answer
from gateway.client.errors import BadAnswerError


class Counts(msgspec.Struct, frozen=True):
    """``records`` is the sum of the other five. ``quarantined``: kept by the gateway, which failed
    over them; it loads them, and they are not to be sent again."""

    records: int = 0
    created: int = 0
    revised: int = 0
    unchanged: int = 0
    rejected: int = 0
    quarantined: int = 0


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that was received, and how it stands (the gateway's own word for it is batch).
    ``state`` goes from ``received`` over ``planned`` to ``finished``, or to ``held``, where it
    waits for a decision; that of a dry run from ``waiting`` to ``checked`` or ``failed``. ``says``
    puts it in words. ``verdict`` is there once it is finished: accepted, partly_accepted or
    rejected; that of a dry run stands in its receipt. Times are as the gateway writes them."""

    id: str
    state: str
    dry_run: bool = False
    says: str = ""
    verdict: str | None = None
    counts: Counts | None = None
    filename: str = ""
    sha256: str = ""
    received_at: str | None = None
    finished_at: str | None = None

    @property
    def is_finished(self) -> bool:
        """Nothing more happens to it by itself."""
        return self.state in {"finished", "held", "checked", "failed"}


class RecordFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong with a record, as its receipt has it. ``source_path`` is the place
    in what you sent, ``fix`` what to do."""

    code: str
    severity: str
    path: str = ""
    source_path: str = ""
    message: str = ""
    fix: str = ""


class Correction(msgspec.Struct, frozen=True):
    """A record that was sent in the place of a rejected one: a feed of its own. ``disposition``
    is what became of it."""

    feed_id: str = msgspec.field(name="feed")
    disposition: str | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a feed and what became of it. ``number`` counts from 1, in feed order.
    ``corrected``: a record that was sent in its place was accepted."""

    feed_id: str = msgspec.field(name="feed")
    number: int
    disposition: str
    locator: str = ""
    local_id: str | None = None
    reference: str | None = None
    revision: int | None = None
    findings: list[RecordFinding] = []
    corrected: bool = False
    corrections: list[Correction] = []


class _ReceiptRecord(msgspec.Struct):
    number: int
    disposition: str
    locator: str = ""
    local_id: str | None = None
    reference: str | None = None
    revision: int | None = None
    findings: list[RecordFinding] = []


class _Receipt(msgspec.Struct):
    batch_id: str
    records: list[_ReceiptRecord]


def read_corrected(answer: Answer) -> Record:
    """The receipt of a correction: of one record."""
    receipt = read_as(_Receipt, read_json(answer.response, answer.told), answer.told)
    if len(receipt.records) != 1:
        raise BadAnswerError("the receipt of a correction is of one record", answer.told)
    told = msgspec.structs.asdict(receipt.records[0])
    return Record(feed_id=receipt.batch_id, **told)

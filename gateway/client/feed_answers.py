"""What the gateway answers about feeds and their records, read."""

import msgspec


class Counts(msgspec.Struct, frozen=True):
    """``records`` is the sum of the other four."""

    records: int = 0
    created: int = 0
    revised: int = 0
    unchanged: int = 0
    rejected: int = 0


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A feed that was received, and how it stands (the gateway's word for it is batch). ``state``
    goes from ``received`` to ``finished``; or to ``held``, where it waits for a decision.
    ``verdict``, once it is finished: accepted, partly_accepted or rejected."""

    id: str
    state: str
    verdict: str | None = None
    counts: Counts | None = None
    dry_run: bool = False
    filename: str = ""
    received_at: str = ""

    @property
    def is_finished(self) -> bool:
        """Nothing more happens to it by itself, and its receipt can be had."""
        return self.state in {"finished", "held"}


class RecordFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong with a record, as its receipt has it. ``source_path`` is the place
    in what you sent."""

    code: str
    severity: str
    path: str = ""
    source_path: str = ""
    message: str = ""
    fix: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a feed and what became of it. ``number`` counts from 1, in feed order."""

    feed_id: str
    number: int
    disposition: str
    locator: str = ""
    local_id: str | None = None
    reference: str | None = None
    revision: int | None = None
    findings: list[RecordFinding] = []

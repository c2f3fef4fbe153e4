"""How long things are kept, and what of a batch was pruned."""

from datetime import datetime
from typing import Literal

import msgspec

# bytes: the raw file, or the body of a request. unpacked: what was packed in the raw file.
# findings: what its receipt said of single records.
Prunable = Literal["bytes", "unpacked", "findings"]


class Pruning(msgspec.Struct, frozen=True):
    """``counts``: what was there, by finding code or by kind."""

    what: Prunable
    at: datetime
    counts: dict[str, int] = {}


class Pruned(msgspec.Struct, frozen=True):
    """What one transaction pruned: of how many ``batches``, and how many ``edits`` lost what they
    changed. ``place``: the number of the last batch; None where none is left."""

    batches: int
    edits: int
    place: int | None


class Aged(msgspec.Struct, frozen=True):
    """What became too old: of batches that are settled and were finished before ``before``; where
    records of theirs were rejected, before ``rejected_before`` (none: never)."""

    before: datetime
    rejected_before: datetime | None

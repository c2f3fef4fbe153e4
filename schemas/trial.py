"""A dry run: a feed that was sent to be checked, and is loaded only if it is promoted."""

from datetime import datetime
from typing import Literal

import msgspec

from schemas.batch import Route

TrialState = Literal["waiting", "checked"]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` is that of the batch it would become. ``receipt``: the sha256 of the raw file that
    holds what loading it would do, once it is checked."""

    id: str
    source_id: str
    sha256: str
    size: int
    filename: str
    route: Route
    received_at: datetime
    state: TrialState = "waiting"
    receipt: str | None = None
    finished_at: datetime | None = None

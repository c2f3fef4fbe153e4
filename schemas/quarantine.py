"""Records of which nothing is loaded: how they are asked for, and what is told of them."""

from datetime import datetime

import msgspec

from schemas.fault import Fault


class SeenFault(msgspec.Struct, frozen=True):
    """A fault of ours and how many records it cost."""

    fault: Fault
    first_seen: datetime
    last_seen: datetime
    records: int

"""An upload: a feed that comes in pieces, and can be taken up where it broke off."""

from datetime import datetime

import msgspec


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """``length`` in bytes. ``metadata`` is what the sender said of it, as they wrote it (tus:
    ``Upload-Metadata``). ``batch_id`` is there once all of it came and was received: the batch, or
    the dry run."""

    id: str
    source_id: str
    length: int
    filename: str
    metadata: str = ""
    dry_run: bool = False
    created_at: datetime
    expires_at: datetime
    batch_id: str | None = None

"""The sandbox: a gateway that holds nothing but what developers sent to try it, so that all of it
may be removed at any time."""

from datetime import datetime
from typing import Final

import msgspec

from schemas.submission import Organisation, Source

# Whose id does not begin so is no sandbox's, and neither is the database that holds it.
SOURCE_PREFIX: Final = "sandbox-"
# These are printed in documents: outside of a sandbox none of them is ever good.
KEY_PREFIX: Final = "lrms_sandbox_"


class FixedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription key that everybody may know."""

    id: str
    source_id: str
    secret: str
    label: str
    expires_at: datetime | None = None


class FixedSet(msgspec.Struct, frozen=True):
    """What every sandbox begins with, and has again after a reset."""

    organisations: tuple[Organisation, ...]
    sources: tuple[Source, ...]
    keys: tuple[FixedKey, ...]


class Removed(msgspec.Struct, frozen=True):
    """What a reset took away: numbers, and the files that nothing leads to any more."""

    events: int
    batches: int
    raw_files: frozenset[str] = frozenset()
    uploads: tuple[str, ...] = ()


def is_sandbox_source(source_id: str) -> bool:
    return source_id.startswith(SOURCE_PREFIX)

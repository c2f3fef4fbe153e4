"""msgspec looks at the fields of a struct when it is first decoded, and a second thread that
decodes it meanwhile ends the process: a segmentation fault (msgspec 0.22.0; seen on 2026-11-28 in
the first second of a server, and made at will by eight threads). So it looks while one thread alone
can ask: when a module is imported, or under this lock."""

from threading import RLock
from typing import Final, TypeVar

import msgspec

_T = TypeVar("_T")
# Of all structs together: they have pieces in common.
LOOKING: Final = RLock()


def prepared(kind: type[_T]) -> type[_T]:
    """For a struct that is decoded or converted to by its type, rather than by a decoder made when
    its module is imported."""
    with LOOKING:
        msgspec.json.Decoder(kind)
    return kind

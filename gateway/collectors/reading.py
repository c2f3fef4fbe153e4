"""Reads an item from its far end: never more than a feed may have, its failures told by reason."""

from collections.abc import Callable
from typing import Final

from gateway.collectors.far_end import ItemError, RefusedError
from store.raw_files import Readable

_BLOCK: Final = 1 << 20
# How often whoever waits for it hears that it still comes: of a slow line too, within its lease.
_PULSE_BYTES: Final = _BLOCK


class CappedStream:
    """Stops an endless stream at its first byte too many: RefusedError. ``pulse`` is called every
    so many bytes, so that a lease is renewed while a big item comes in."""

    def __init__(self, stream: Readable, most: int, pulse: Callable[[], None]) -> None:
        self._stream = stream
        self._left = most
        self._pulse = pulse
        self._until_pulse = _PULSE_BYTES

    def read(self, size: int = -1, /) -> bytes:
        wanted = min(_BLOCK if size < 0 else size, self._left + 1)
        try:
            block = self._stream.read(wanted)
        except TimeoutError:
            raise ItemError("timed-out") from None
        except OSError:
            # Not ours: what writes it tells its own failures as another error.
            raise ItemError("broken-off") from None
        self._left -= len(block)
        if self._left < 0:
            raise RefusedError("too-big")
        self._until_pulse -= len(block)
        if self._until_pulse <= 0:
            self._until_pulse = _PULSE_BYTES
            self._pulse()
        return block

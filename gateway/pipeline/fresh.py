"""Values that are looked up again once they are older than some seconds: what the database knows
and every request needs."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
_MOST = 10_000


class Fresh(Generic[K, V]):
    """``seconds`` 0: looked up every time. Errors are not kept."""

    def __init__(
        self, look_up: Callable[[K], V], seconds: float, monotonic: Callable[[], float]
    ) -> None:
        self._look_up = look_up
        self._seconds = seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._kept: dict[K, tuple[float, V]] = {}

    def peek(self, key: K) -> V | None:
        """None where it is to be looked up: for whoever must not wait."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept is not None and self._monotonic() < kept[0] else None

    def get(self, key: K) -> V:
        now = self._monotonic()
        found = self.peek(key)
        if found is not None:
            return found
        value = self._look_up(key)
        with self._lock:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[key] = (now + self._seconds, value)
        return value

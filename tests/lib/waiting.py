"""Waiting for what another process does."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_for(
    what: str,
    look: Callable[[], Found],
    *,
    seconds: float = 300,
    every: float = 0.05,
    explain: Callable[[], str] = str,
) -> Found:
    """What ``look`` finds, once it finds something; ``explain`` is asked where it never does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(every)
    raise AssertionError(f"waited in vain for {what}\n{explain()}")

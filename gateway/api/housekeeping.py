"""Beside the API: what was used is told to the other processes every second, and what is over is
removed every hour."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from gateway.bootstrap import Gateway
from gateway.identity.limits import Meter
from gateway.pipeline.prune import prune_expired
from schemas.errors import GatewayError

log = logging.getLogger(__name__)
_TELL_SECONDS: Final = 1.0
_PRUNE_SECONDS: Final = 3600.0


async def keep_house(gateway: Gateway, meter: Meter) -> None:
    """Until it is cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_repeat(lambda: meter.flush(gateway), _TELL_SECONDS))
        group.create_task(_repeat(lambda: prune_expired(gateway), _PRUNE_SECONDS))


async def _repeat(work: Callable[[], object], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await asyncio.to_thread(work)
        except GatewayError as error:
            # The next time does what this one did not.
            log.warning("housekeeping: %s", error)

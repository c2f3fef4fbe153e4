"""Collectors of an API: what it holds, and what was received of it."""

import json
from datetime import timedelta

from gateway.bootstrap import Gateway
from tests.lib.collecting import read_collector, read_items
from tests.lib.lrms_api import LrmsApi

BUNDLE = {"since": {}, "pages": {"by": "bundle"}}


def fill(api: LrmsApi, count: int, **more: object) -> None:
    """Records that changed one hour after the other, the last of them an hour ago."""
    for number in range(count):
        ago = timedelta(hours=count - number)
        api.add({"resourceType": "AdverseEvent", "id": f"{number}", **more}, api.now - ago)


def read_raw(gateway: Gateway) -> list[bytes]:
    """What was received, in order."""
    items = sorted(read_items(gateway).values(), key=lambda one: one.id)
    streams = [gateway.raw.open(one.sha256) for one in items if one.sha256]
    found = [stream.read() for stream in streams]
    for stream in streams:
        stream.close()
    return found


def read_cursor(gateway: Gateway) -> dict[str, str]:
    return json.loads(read_collector(gateway).cursor or "{}")

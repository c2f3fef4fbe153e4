"""A watched folder: its collector registered and run, and what lies in it and in the store
afterwards."""

import json
import os
from pathlib import Path

from gateway.bootstrap import Gateway
from schemas.collecting import CollectedItem
from tests.lib.collecting import add, list_batches, read_items, run

CONTROL = """<?xml version="1.0" encoding="UTF-8"?>
<DTSControl>
  <Version>1.0</Version><AddressType>DTS</AddressType><MessageType>Data</MessageType>
  <From_DTS>X26ABC1</From_DTS><To_DTS>X26ABC2</To_DTS><Subject>weekly</Subject>
  <LocalId>7</LocalId><DTSId>20261101101813838554_1B8F53</DTSId><WorkflowId>LFPSE</WorkflowId>
  <Encrypted>N</Encrypted><Compress>Y</Compress>
  <StatusRecord><DateTime>20261101101813</DateTime><Event>TRANSFER</Event><Status>SUCCESS</Status>
  <StatusCode>00</StatusCode><Description>Transferred to recipient mailbox</Description>
  </StatusRecord>
</DTSControl>
"""


def watch(gateway: Gateway, drop: Path, **settings: object) -> None:
    told = {"folder": str(drop), "still_seconds": 0, **settings}
    add(gateway, "folder", name="drop", settings=json.dumps(told))


def collect(gateway: Gateway) -> dict[str, int]:
    return run(gateway, "drop")


def find_items(gateway: Gateway) -> dict[str, CollectedItem]:
    return read_items(gateway, "drop")


def list_names(path: Path) -> list[str]:
    """The files in it and below, and no folder."""
    return sorted(
        os.path.relpath(found, path)
        for found in path.rglob("*")
        if found.is_symlink() or not found.is_dir()
    )


def list_filenames(gateway: Gateway) -> list[str]:
    return [name for _, name, _ in list_batches(gateway.settings.database)]


def read_whole(gateway: Gateway, item: CollectedItem) -> bytes:
    assert item.sha256 is not None
    with gateway.raw.open_verified(item.sha256) as stream:
        return stream.read()

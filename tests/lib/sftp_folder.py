"""What lies in a folder that is collected from by SFTP, and what was received of it."""

import random
from pathlib import Path

from gateway.bootstrap import Gateway
from tests.lib.collecting import read_items

BIG = random.Random(5).randbytes(3_000_000)


def read_raw(gateway: Gateway, name: str) -> bytes:
    item = read_items(gateway)[name]
    assert item.sha256 is not None
    with gateway.raw.open(item.sha256) as stream:
        return stream.read()


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())

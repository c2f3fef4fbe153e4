"""An S3-compatible object store (moto's server) in a process of its own, with a bucket in it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests

from tests.lib.ports import hold_port

_READY_SECONDS = 180
BUCKET = "feeds"


class ObjectStore:
    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self.url = f"s3://{BUCKET}/raw"
        self.environment = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-2",
        }

    def list_objects(self) -> list[str]:
        answer = requests.get(f"{self.endpoint}/{BUCKET}?list-type=2", timeout=60)
        return [part.partition("<")[0] for part in answer.text.split("<Key>")[1:]]


@contextmanager
def run_object_store() -> Iterator[ObjectStore]:
    port = hold_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-2"},
    )
    try:
        one = ObjectStore(port)
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until:
            with suppress(requests.ConnectionError):
                requests.put(f"{one.endpoint}/{BUCKET}", timeout=60).raise_for_status()
                yield one
                return
            time.sleep(0.2)
        raise AssertionError("the object store did not come up")
    finally:
        process.kill()
        process.wait()

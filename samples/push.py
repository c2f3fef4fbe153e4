"""A feed pushed over HTTP, as a vendor pushes it, to an API that is served while it lasts."""

from pathlib import Path

from gateway.api.app import make_app
from gateway.api.serve import serve_app
from gateway.bootstrap import Gateway
from gateway.client import GatewayClient
from gateway.pipeline.credentials import register_key
from schemas.batch import Batch

# Of the demo alone; a real one is made by "lrms-gateway key add" and told once.
KEY = "lrms_demo_0000000000000000000000000000000000"


def push_feed(gateway: Gateway, source_id: str, path: Path) -> Batch:
    """The batch it became. Nothing loads it here: that is for Airflow."""
    with gateway.store.read() as work:
        known = work.keys.find_all(source_id)
    if not known:
        register_key(gateway, source_id, KEY, label="demo")
    with serve_app(make_app(gateway)) as address:
        feed = GatewayClient(address, key=KEY).send_feed(path)
    with gateway.store.read() as work:
        return work.batches.get(feed.id)

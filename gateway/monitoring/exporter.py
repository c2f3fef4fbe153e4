"""Answers Prometheus, on a port of its own that the public does not reach: how the gateway stands,
and what the API's processes counted, added up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.bootstrap import open_gateway
from gateway.config import Settings
from schemas.errors import WrongUseError

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def serve_metrics(settings: Settings) -> Iterator[None]:
    """While the block lasts, where a port is set. The processes that are started meanwhile count
    into files in ``metrics`` of the home: prometheus_client is told by the environment, before it
    is imported."""
    if not settings.metrics_port:
        yield
        return
    folder = settings.metrics_folder
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()
    os.environ[_FOLDER] = str(folder)

    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    from gateway.monitoring.metrics import StoreGauges  # noqa: PLC0415

    with open_gateway(settings, actor="metrics") as gateway:
        registry = CollectorRegistry()
        registry.register(StoreGauges(gateway))
        MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
        try:
            server, thread = start_http_server(
                settings.metrics_port, settings.metrics_host, registry
            )
        except OSError as error:
            where = f"{settings.metrics_host}:{settings.metrics_port}"
            raise WrongUseError(
                f"LRMS_METRICS_PORT: nothing can be served on {where} ({error.strerror})"
            ) from None
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

"""A real API, and what registers a collector of it."""

import json
from collections.abc import Callable, Iterator

import pytest

from gateway.bootstrap import Gateway
from gateway.client.patience import Patience
from gateway.collectors import http_asking, http_identity
from tests.lib.collecting import NOW, add
from tests.lib.lrms_api import LrmsApi


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(attempts=3, total_seconds=600, first_wait=0.01, longest_wait=2)
    for module in (http_asking, http_identity):
        monkeypatch.setattr(module, "PATIENCE", patience)


@pytest.fixture
def api() -> Iterator[LrmsApi]:
    with LrmsApi(NOW) as started:
        yield started


@pytest.fixture
def make(gateway: Gateway, api: LrmsApi) -> Callable[..., str]:
    """Registers a collector of the API."""

    def make(path: str = "/fhir/AdverseEvent", name: str = "far", **settings: object) -> str:
        text = json.dumps({"url": api.url + path, "timeout": 60, **settings})
        return add(gateway, "http", name=name, settings=text).id

    return make

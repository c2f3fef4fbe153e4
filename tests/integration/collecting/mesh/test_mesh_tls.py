"""MESH over TLS on both sides, as the real one asks for: its sandbox with a certificate of its own
that lets in only whom it knows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError
from schemas.errors import WrongUseError
from tests.functional.test_client_tls import write_certificate
from tests.lib.collecting import add, open_collecting, run
from tests.lib.mesh import OURS, PASSWORD, SENDER, SHARED_KEY, WORKFLOW, Mesh, serve_sandbox
from tests.lib.mesh_box import FEED, SECRETS, make_settings

Certificates = dict[str, tuple[Path, Path]]
_REQUIRED = "2"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    return {name: write_certificate(folder, name) for name in ("server", "ours", "other")}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Mesh]:
    certificate, key = certificates["server"]
    options = ("--ssl-certfile", certificate, "--ssl-keyfile", key)
    asks = ("--ssl-ca-certs", certificates["ours"][0], "--ssl-cert-reqs", _REQUIRED)
    home = tmp_path_factory.mktemp("mesh")
    with serve_sandbox(home, *map(str, (*options, *asks)), scheme="https") as url:
        yield Mesh(url=url, direct=url)


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_args, **_rest: None)
    with open_collecting(tmp_path) as (opened, _clock):
        yield replace(opened, find_secret=SECRETS.get)


def add_box(gateway: Gateway, mesh: Mesh, *, ca: Path, pair: tuple[Path, Path] | None) -> None:
    told = {"ca": str(ca)}
    if pair is not None:
        told |= {"certificate": str(pair[0]), "key": str(pair[1])}
    add(gateway, "mesh", name="box", settings=make_settings(mesh, **told))


def send(mesh: Mesh, certificates: Certificates) -> None:
    from mesh_client import MeshClient  # noqa: PLC0415 - with certificates, unlike the library's

    certificate, key = certificates["ours"]
    with MeshClient(
        mesh.url,
        SENDER,
        PASSWORD,
        shared_key=SHARED_KEY.encode(),
        cert=(str(certificate), str(key)),
        verify=str(certificates["server"][0]),
    ) as client:
        client.send_message(OURS, FEED, workflow_id=WORKFLOW)


def test_both_sides_show_a_certificate(gateway, mesh, certificates):
    send(mesh, certificates)
    add_box(gateway, mesh, ca=certificates["server"][0], pair=certificates["ours"])
    assert run(gateway, "box") == {"received": 1}
    assert run(gateway, "box") == {}


def test_a_server_of_another_authority_is_not_believed(gateway, mesh, certificates):
    add_box(gateway, mesh, ca=certificates["other"][0], pair=certificates["ours"])
    with pytest.raises(CollectError, match="certificate"):
        run(gateway, "box")


@pytest.mark.parametrize("name", [None, "other"])
def test_without_its_certificate_nobody_is_let_in(gateway, mesh, certificates, name):
    pair = certificates[name] if name else None
    add_box(gateway, mesh, ca=certificates["server"][0], pair=pair)
    with pytest.raises(CollectError) as failed:
        run(gateway, "box")
    # As TLS 1.3 has it, the server says so only when it is asked something.
    assert failed.value.reason in {"certificate", "unreachable"}


@pytest.mark.parametrize("missing", ["certificate", "ca"])
def test_a_certificate_that_is_not_there(gateway, mesh, certificates, missing, tmp_path):
    certificate, key = certificates["ours"]
    told = {"certificate": certificate, "key": key, "ca": certificates["server"][0]}
    told[missing] = tmp_path / "nowhere.pem"
    settings = make_settings(mesh, **{name: str(path) for name, path in told.items()})
    add(gateway, "mesh", name="box", settings=settings)
    with pytest.raises(CollectError, match="settings"):
        run(gateway, "box")


@pytest.mark.parametrize(
    "url", ["http://mesh.example", "https://user:secret@mesh.example", "ftp://x", "https://", "x"]
)
def test_addresses_that_are_refused(gateway, mesh, url):
    with pytest.raises(WrongUseError) as refused:
        add(gateway, "mesh", name="box", settings=make_settings(mesh, url=url))
    assert "url: " in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_certificate_without_its_key_is_refused(gateway, mesh, certificates):
    settings = make_settings(mesh, certificate=str(certificates["ours"][0]))
    with pytest.raises(WrongUseError, match="certificate and key"):
        add(gateway, "mesh", name="box", settings=settings)
    assert json.loads(settings)["certificate"]

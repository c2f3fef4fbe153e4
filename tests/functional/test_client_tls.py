"""The client over TLS, really spoken: whom it trusts, what it shows, and that neither can be
skipped. The certificates are of this test alone."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.client import Certificates, GatewayClient, Patience, UnreachableError
from tests.lib.vendor import KEY, FakeTime


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"id": "b-1", "state": "received"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Nothing is printed."""


class Quiet(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A handshake that fails is what some of these tests are about."""


def write_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Signed by itself, good for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@contextmanager
def serve(server: tuple[Path, Path], *, asks_for: Path | None = None) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)
    if asks_for:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(asks_for)
    with Quiet(("127.0.0.1", 0), Answering) as listening:
        listening.socket = context.wrap_socket(listening.socket, server_side=True)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.server_port}"
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {name: write_certificate(folder, name) for name in ("server", "vendor", "other")}


def ask(base: str, certificates: Certificates | None, time: FakeTime | None = None) -> str:
    clock = (time or FakeTime()).clock
    patience = Patience(attempts=3)
    with GatewayClient(
        base, key=KEY, certificates=certificates, clock=clock, patience=patience
    ) as client:
        return client.feed("b-1").id


def test_a_certificate_that_is_trusted(certificates):
    server, _ = certificates["server"]
    with serve(certificates["server"]) as base:
        assert ask(base, Certificates(trusted=str(server))) == "b-1"


@pytest.mark.parametrize("trusted", ["other", None])
def test_one_that_is_not_is_told_at_once(certificates, trusted):
    given = Certificates(trusted=str(certificates[trusted][0])) if trusted else None
    time = FakeTime()
    with serve(certificates["server"]) as base, pytest.raises(UnreachableError) as raised:
        ask(base, given, time)
    assert raised.value.is_lasting
    assert not raised.value.may_have_arrived
    assert time.sleeps == []


def test_a_client_certificate_is_shown(certificates):
    server, (own, own_key) = certificates["server"][0], certificates["vendor"]
    shown = Certificates(trusted=str(server), own=str(own), own_key=str(own_key))
    with serve(certificates["server"], asks_for=own) as base:
        assert ask(base, shown) == "b-1"
        with pytest.raises(UnreachableError):
            ask(base, Certificates(trusted=str(server)))

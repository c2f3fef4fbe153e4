"""Client certificates: believed from a trusted proxy only, and only those that are registered."""

import base64
import hashlib
from datetime import timedelta
from itertools import count

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.identity.certificates import (
    CertificateError,
    check_certificate,
    find_thumbprint,
    read_thumbprint,
)
from gateway.identity.terms import parse_proxies
from schemas.errors import WrongUseError
from schemas.identity import Caller
from tests.lib.identity import NOW, make_ec

PROXIES = parse_proxies("10.1.0.0/16, ::1/128")
PROXY = "10.1.2.3"


def make_certificate(name: str) -> x509.Certificate:
    key = make_ec(name).private_key
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, hashes.SHA384())
    )


OURS, THEIRS = make_certificate("ours"), make_certificate("theirs")


def make_header(certificate: x509.Certificate) -> str:
    return f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"


def make_pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def make_caller(*certificates: x509.Certificate) -> Caller:
    prints = frozenset(one.fingerprint(hashes.SHA256()).hex() for one in certificates)
    return Caller(source_id="one", organisation="RZA", scopes=frozenset(), certificates=prints)


@pytest.mark.parametrize("host", [PROXY, "::1", "::ffff:10.1.2.3"])
def test_a_registered_certificate_that_a_trusted_proxy_saw_is_taken(host):
    check_certificate(make_caller(OURS, THEIRS), host, make_header(OURS), PROXIES)
    check_certificate(make_caller(OURS), host, f" {make_header(OURS)} ", PROXIES)


@pytest.mark.parametrize("host", ["10.2.0.1", "192.0.2.1", "::2", "", "testclient", "10.1.2.3.4"])
def test_from_anybody_else_the_header_is_worth_nothing(host):
    with pytest.raises(CertificateError, match="did not come through"):
        check_certificate(make_caller(OURS), host, make_header(OURS), PROXIES)


def test_without_trusted_proxies_nobody_is_believed():
    with pytest.raises(CertificateError):
        check_certificate(make_caller(OURS), "127.0.0.1", make_header(OURS), ())


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "::",
        ":AAAA:",
        ":not base64:",
        ":A:",
        make_header(THEIRS),
        make_header(OURS).strip(":"),
        make_header(OURS) + ", " + make_header(OURS),
        make_pem(OURS),
        hashlib.sha256(OURS.public_bytes(Encoding.DER)).hexdigest(),
    ],
    # Made anew by each process: their own values would name the tests differently in each.
    ids=count(),
)
def test_another_certificate_or_none_is_refused(header):
    with pytest.raises(CertificateError, match="one of its registered"):
        check_certificate(make_caller(OURS), PROXY, header, PROXIES)


def test_a_source_without_certificates_need_not_present_any():
    check_certificate(make_caller(), "192.0.2.1", None, PROXIES)
    check_certificate(make_caller(), "192.0.2.1", make_header(THEIRS), PROXIES)


def test_the_file_and_the_header_tell_the_same_certificate():
    told = read_thumbprint(f"subject=CN = ours\n{make_pem(OURS)}\n")
    assert told == find_thumbprint(make_header(OURS)) == OURS.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        ("", "holds 0 certificates"),
        (make_pem(OURS) + make_pem(THEIRS), "holds 2 certificates"),
        (make_pem(OURS).replace("\n", "x", 3), "holds 0 certificates"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can be read"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "can be read"),
        (make_ec("ours").as_pem(private=True).decode(), "private key"),
        (make_pem(OURS) + make_ec("ours").as_pem(private=True).decode(), "private key"),
    ],
    ids=count(),
)
def test_a_file_without_the_one_certificate_is_refused(pem, told):
    with pytest.raises(WrongUseError, match=told) as refusal:
        read_thumbprint(pem)
    assert "AAAA" not in str(refusal.value)


@pytest.mark.parametrize("text", ["10.1.2.3/16", "proxy.example", "10.0.0.0/33", "1"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match=r"network|IPv4|host bits|not permitted"):
        parse_proxies(text)

"""Client certificates (mutual TLS), as the proxy that ends TLS reports them: the header
``Client-Cert`` of RFC 9440. It must take away what clients send under that name themselves."""

import base64
import binascii
import hashlib
import ipaddress
import re
import ssl
from typing import Final

from gateway.identity.terms import Proxies
from schemas.errors import GatewayError, WrongUseError
from schemas.identity import Caller

# A structured field: bytes in base64 between colons (RFC 9440, section 2.1).
_CLIENT_CERT: Final = re.compile(r"\s*:([A-Za-z0-9+/=]{1,32768}):\s*", re.ASCII)
_PEM: Final = re.compile(
    r"-----BEGIN CERTIFICATE-----\s.+?-----END CERTIFICATE-----", re.ASCII | re.DOTALL
)


class CertificateError(GatewayError):
    """The caller did not present a certificate that is registered for its source."""


def check_certificate(caller: Caller, peer_host: str, header: str | None, proxies: Proxies) -> None:
    """CertificateError where the source has certificates and the peer, one of the proxies, saw
    none of them. A source that has none need not present any."""
    if not caller.certificates:
        return
    if not is_among(peer_host, proxies):
        raise CertificateError(
            "this source must present a client certificate, and the request did not come through"
            " a proxy that is trusted to see it"
        )
    if find_thumbprint(header or "") not in caller.certificates:
        raise CertificateError("this source must present one of its registered client certificates")


def is_among(host: str, networks: Proxies) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def find_thumbprint(header: str) -> str | None:
    """The sha256 of the certificate in the header; None where the header holds none."""
    found = _CLIENT_CERT.fullmatch(header)
    if found is None:
        return None
    try:
        return hashlib.sha256(base64.b64decode(found[1], validate=True)).hexdigest()
    except binascii.Error:
        return None


def read_thumbprint(pem: str) -> str:
    """The sha256 of the one certificate in a PEM file; WrongUseError for anything else."""
    if "PRIVATE KEY" in pem:
        raise WrongUseError("the file holds a private key: only the certificate is wanted")
    found = _PEM.findall(pem)
    if len(found) != 1:
        raise WrongUseError(f"the file holds {len(found)} certificates in PEM form, not one")
    try:
        der = ssl.PEM_cert_to_DER_cert(found[0])
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=der)
    except (ssl.SSLError, ValueError):
        raise WrongUseError("the file holds no certificate that can be read") from None
    return hashlib.sha256(der).hexdigest()

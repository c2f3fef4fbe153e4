"""The server under test: its address, the key, and what may be asked of it."""

import ipaddress
import socket
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.conformance.case import Contract
from schemas.errors import WrongUseError
from schemas.taxonomy import TAXONOMY_VERSIONS

KEY_HEADER: Final = "Ocp-Apim-Subscription-Key"


class Key:
    """A subscription key. It is written to one header of a request and nowhere else."""

    def __init__(self, text: str) -> None:
        key = text.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise WrongUseError("the subscription key is empty, or holds what no header can hold")
        self._text = key

    def __repr__(self) -> str:
        return "Key(…)"

    def reveal(self) -> str:
        return self._text


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """``base`` has no slash at its end. ``not_granted``: an organisation that the key may not
    submit for. ``contract``: whether the server is held to this gateway's interface, or to the
    national contract alone. ``verify``: False, or what certificates are checked by."""

    base: str
    key: Key
    organisation: str
    not_granted: str
    contract: Contract = "gateway"
    versions: tuple[str, ...] = tuple(TAXONOMY_VERSIONS)
    verify: bool | str = True
    timeout: float = 20

    @property
    def origin(self) -> str:
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}"

    def url_of(self, path: str) -> str:
        """The full address of a path of ours, or of one that the server named. WrongUseError for
        an address on another server: the key goes to no other."""
        if "://" in path.partition("?")[0] or path.startswith("//"):
            if not path.startswith(f"{self.origin}/"):
                raise WrongUseError("the address is on another server")
            return path
        prefix = urlsplit(self.base).path
        if prefix and path.startswith(f"{prefix}/"):
            return f"{self.origin}{path}"
        return f"{self.base}/{path.lstrip('/')}"


def parse_base(text: str, *, is_local: bool) -> str:
    """The address without a slash at its end. WrongUseError where it is none, or where the key
    would go over a network in clear. ``is_local``: the caller says that the server is near, so
    that no TLS, or a certificate that nobody signed, will do."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise WrongUseError(f"--base {text}: an address such as https://gateway.example")
    if parts.query or parts.fragment or parts.username or parts.password:
        raise WrongUseError("--base: an address without a query, a fragment or a password")
    if is_local and not _is_near(parts.hostname):
        raise WrongUseError(
            "--insecure-local is for a server on this machine or in a private network"
        )
    if parts.scheme == "http" and not is_local and not _is_loopback(parts.hostname):
        raise WrongUseError(
            "--base: the key would be sent in clear; use https"
            " (or --insecure-local in a private network)"
        )
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    return all(one.is_loopback for one in _resolve(host))


def _is_near(host: str) -> bool:
    return all(one.is_private or one.is_loopback for one in _resolve(host))


def _resolve(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise WrongUseError(f"--base: no such host as {host}") from None
    return [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]

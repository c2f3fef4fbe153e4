"""The terms of identity that are settings: algorithms, trusted proxies, our own address."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final
from urllib.parse import urlsplit

Proxies = tuple[IPv4Network | IPv6Network, ...]

# Asymmetric ones only: with a secret of both sides, whoever verifies could sign.
ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES384"})


def split_list(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def parse_proxies(text: str) -> Proxies:
    """Networks by commas; ValueError for what is none."""
    return tuple(ip_network(word) for word in split_list(text))


def check_algorithms(text: str) -> str:
    named = split_list(text)
    # An empty list would have the library fall back on its own, HS256 among them.
    if not named or not ALGORITHMS.issuperset(named):
        raise ValueError(f"one or more of {', '.join(sorted(ALGORITHMS))}, by commas")
    return text


def check_proxies(text: str) -> str:
    try:
        parse_proxies(text)
    except ValueError:
        raise ValueError("networks in CIDR form by commas, as 10.1.0.0/16,::1/128") from None
    return text


def check_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("an address as https://gateway.example, without a query")
    return text

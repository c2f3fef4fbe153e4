"""Who asks an API: nobody, whoever has a key, or a client that signs for its tokens. The parts are
those of our own client."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import requests

from gateway.bootstrap import Gateway
from gateway.client.calls import Certificates, Identity
from gateway.client.credentials import ClientCredentials, Nobody, Tokens
from gateway.client.patience import Clock, Patience
from gateway.client.sending import Sender
from gateway.collectors.far_end import CollectError
from gateway.collectors.http import HttpSettings, Key, OAuth

PATIENCE: Final = Patience(attempts=4, total_seconds=90, first_wait=1, longest_wait=30)
# requests shows the value of a header that it refuses: so a bad one is refused before.
_HEADER_VALUE = re.compile(r"[\x20-\x7e]+", re.ASCII)


class _KeyHeader(Nobody):
    def __init__(self, key: Key, secret: str) -> None:
        value = key.prefix + secret
        if not _HEADER_VALUE.fullmatch(value):
            raise CollectError("secret")
        self._headers = {key.header: value}

    def make_headers(self) -> Mapping[str, str]:
        return self._headers


def make_identity(
    gateway: Gateway, settings: HttpSettings, session: requests.Session, clock: Clock
) -> Identity:
    """CollectError where its secret is not there, or of no use."""
    if settings.key is not None:
        return _KeyHeader(settings.key, settings.key.secret.read(gateway))
    if settings.oauth is not None:
        return _make_tokens(gateway, settings, settings.oauth, session, clock)
    return Nobody()


def make_certificates(settings: HttpSettings) -> Certificates:
    files = (settings.ca_file, settings.certificate, settings.certificate_key)
    if any(file is not None and not file.is_file() for file in files):
        # Else requests names its path, and takes it for a fault of the line.
        raise CollectError("secret")
    trusted, own, own_key = (str(file) if file else None for file in files)
    return Certificates(trusted, own, own_key)


def _make_tokens(
    gateway: Gateway,
    settings: HttpSettings,
    oauth: OAuth,
    session: requests.Session,
    clock: Clock,
) -> Tokens:
    parts = urlsplit(oauth.token_url)
    sender = Sender(
        f"{parts.scheme}://{parts.netloc}",
        session=session,
        identity=Nobody(),
        certificates=make_certificates(settings),
        timeout=settings.timeout,
        patience=PATIENCE,
        clock=clock,
    )
    credentials = ClientCredentials(
        client_id=oauth.client_id,
        private_key=oauth.private_key.read(gateway),
        kid=oauth.kid,
        algorithm=oauth.algorithm,
        scope=oauth.scope,
        audience=oauth.audience or oauth.token_url,
    )
    path = parts._replace(scheme="", netloc="").geturl()
    try:
        return Tokens(credentials, sender, path=path)
    except ValueError:
        # No private key, or not of the algorithm's kind.
        raise CollectError("secret") from None

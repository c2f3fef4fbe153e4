"""Access tokens for clients that sign (OAuth 2 client credentials, ``private_key_jwt``)."""

import base64
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

import msgspec

from gateway.bootstrap import Gateway
from gateway.identity.assertions import Assertion, Terms, verify_assertion
from gateway.identity.refusals import (
    INVALID,
    INVALID_CLIENT,
    INVALID_SCOPE,
    UNSUPPORTED_GRANT,
    ClientRefusedError,
    make_invalid,
    make_unknown,
)
from schemas.identity import SCOPES, TOKEN_SECONDS, Client, hash_secret

log = logging.getLogger(__name__)

GRANT_TYPE: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_BYTES: Final = 32


class IssuedToken(msgspec.Struct, frozen=True):
    """``scope`` is told only where it is less than was asked for (RFC 6749, section 5.1)."""

    access_token: str
    scope: str | None = None


def issue_token(gateway: Gateway, form: Mapping[str, str]) -> IssuedToken:
    """A token for the client that signed the assertion in the form. ClientRefusedError says why
    not; UnavailableError: not now."""
    _check_form(form)
    assertion = verify_assertion(
        form["client_assertion"],
        Terms(
            now=gateway.now(),
            audience=gateway.settings.token_url,
            algorithms=gateway.settings.algorithms,
        ),
        lambda source_id: _find_client(gateway, source_id),
        gateway.published_keys,
    )
    client = assertion.client
    if form.get("client_id", client.source_id) != client.source_id:
        raise make_unknown("client_id is not the issuer of the JWT", INVALID_CLIENT)
    asked = frozenset(form.get("scope", "").split())
    scopes = _narrow(asked, client)
    token = _add_token(gateway, assertion, scopes)
    log.info("a token was issued to %s, by its key %s", client.source_id, assertion.kid)
    return IssuedToken(token, " ".join(sorted(scopes)) if asked > scopes else None)


def _check_form(form: Mapping[str, str]) -> None:
    grant_type = form.get("grant_type")
    if not grant_type:
        raise make_invalid("grant_type is missing")
    if grant_type != GRANT_TYPE:
        raise ClientRefusedError(400, UNSUPPORTED_GRANT, f"grant_type must be {GRANT_TYPE}")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise make_invalid(f"Missing or invalid client_assertion_type - must be '{ASSERTION_TYPE}'")
    if not form.get("client_assertion"):
        raise make_invalid("Missing client_assertion")


def _find_client(gateway: Gateway, source_id: str) -> Client | None:
    with gateway.store.read() as work:
        return work.clients.find(source_id)


def _narrow(asked: frozenset[str], client: Client) -> frozenset[str]:
    """Those asked for that the client is registered with; all of them where none is named."""
    if not asked.issubset(SCOPES):
        raise ClientRefusedError(400, INVALID_SCOPE, f"scope: one or more of {' '.join(SCOPES)}")
    given = asked & client.scopes if asked else client.scopes
    if not given:
        raise ClientRefusedError(400, INVALID_SCOPE, "the client is registered for none of these")
    return given


def _add_token(gateway: Gateway, assertion: Assertion, scopes: Iterable[str]) -> str:
    """In one transaction with the use of its assertion: what cannot be stored was not used."""
    client = assertion.client
    random = gateway.random_bytes(TOKEN_BYTES)
    token = base64.urlsafe_b64encode(random).rstrip(b"=").decode()
    now = gateway.now()
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        if work.clients.hold(client.source_id) != client:
            # Removed, or given other keys, since the signature was looked at.
            raise make_unknown("Invalid 'kid' header in JWT - no matching public key")
        if not work.tokens.use_assertion(
            client.source_id, assertion.jti_hash, assertion.kept_until
        ):
            raise ClientRefusedError(400, INVALID, "Non-unique jti claim in JWT")
        work.tokens.add(
            client.source_id,
            hash_secret(token),
            scopes,
            expires_at=now + timedelta(seconds=TOKEN_SECONDS),
            kid=assertion.kid,
        )
        work.tokens.prune()
    return token

"""Sends a request as a client would, over requests, and never anywhere but to the target."""

import time
from collections.abc import Mapping
from typing import Final

import msgspec
import requests

from gateway.conformance.answer import Answer
from gateway.conformance.target import KEY_HEADER, Target

LONGEST_ANSWER: Final = 32 * 2**20
_PIECE: Final = 2**16


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """``path`` is relative to the target's base, or as the server named it."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None


def key_headers(target: Target, key: str) -> dict[str, str]:
    """The header with the caller's ``own`` key, with a ``wrong`` one, or ``none``."""
    if key == "none":
        return {}
    return {KEY_HEADER: target.key.reveal() if key == "own" else "0" * 32}


def send(target: Target, request: Request) -> Answer:
    """The answer, or the silence where there is none. Redirects are not followed."""
    started = time.perf_counter()
    # A connection for each request: one that a hostile case broke must not spoil the next case.
    with requests.Session() as session:
        # Neither .netrc nor a proxy of the environment: the key goes to the target alone.
        session.trust_env = False
        session.verify = target.verify
        try:
            with session.request(
                request.method,
                target.url_of(request.path),
                headers={"Connection": "close", "Accept": "*/*", **request.headers},
                data=request.body,
                timeout=target.timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                return _read(response, started, target.timeout)
        except requests.exceptions.Timeout:
            return Answer(silence="late", milliseconds=_since(started))
        except requests.exceptions.SSLError:
            return Answer(silence="untrusted", milliseconds=_since(started))
        except requests.exceptions.RequestException:
            return Answer(silence="closed", milliseconds=_since(started))


def _read(response: requests.Response, started: float, timeout: float) -> Answer:
    body = bytearray()
    for piece in response.iter_content(_PIECE):
        body += piece
        if len(body) > LONGEST_ANSWER or time.perf_counter() - started > 2 * timeout:
            return Answer(silence="late", milliseconds=_since(started))
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=bytes(body),
        milliseconds=_since(started),
    )


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)

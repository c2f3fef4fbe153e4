"""The token endpoint, served alone, and what a client sends to it."""

from typing import Any

import requests
from fastapi import FastAPI
from requests import Response

from gateway.api.envelope import Envelope
from gateway.api.tokens import router
from gateway.bootstrap import Gateway
from tests.lib.identity import make_claims, make_form, make_rsa, sign

KEY = make_rsa("one")


def make_token_app(gateway: Gateway) -> FastAPI:
    app = FastAPI()
    app.state.gateway = gateway
    app.include_router(router)
    app.add_middleware(Envelope, make_id=lambda: "made-here")
    return app


def post(base: str, assertion: str = "", *, body: Any = None, **changes: Any) -> Response:
    """The form, changed; or another body, and headers as changes."""
    if body is not None:
        return requests.post(f"{base}/oauth2/token", data=body, headers=changes, timeout=60)
    form = make_form(assertion or sign(KEY, make_claims()), **changes)
    return requests.post(f"{base}/oauth2/token", data=form, timeout=60)


def read_error(answer: Response) -> tuple[int, str, str]:
    told = answer.json()
    assert told.keys() == {"error", "error_description", "message_id"}
    assert told["message_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, told["error"], told["error_description"]

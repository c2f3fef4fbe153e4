"""What is sent to POST /oauth2/token and is no request for a token: told in OAuth's words."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from gateway.api.tokens import LONGEST_FORM
from gateway.pipeline.credentials import set_client
from store.tables import access_tokens
from tests.lib.api import serve_app
from tests.lib.databases import read_rows
from tests.lib.identity import (
    OTHER,
    SOURCE,
    Clock,
    make_claims,
    make_form,
    make_jwks,
    open_identity,
    sign,
)
from tests.lib.tokens import KEY, make_token_app, post, read_error


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One client, that may read events only; in the end it has the tokens of two tests."""
    with open_identity(tmp_path_factory.mktemp("forms"), "", Clock()) as gateway:
        set_client(gateway, SOURCE, jwks=make_jwks(KEY), scopes=["event.read"])
        with serve_app(make_token_app(gateway)) as address:
            yield address
        assert len(read_rows(gateway.settings.database, access_tokens)) <= 2


@pytest.mark.parametrize("asked", ["all", "event.read all", "EVENT.READ", "feed.write"])
def test_scopes_that_cannot_be_had(base: str, asked: str) -> None:
    assert read_error(post(base, scope=asked))[:2] == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": ...}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": ...}, 400, "invalid_request"),
        ({"client_assertion_type": "jwt-bearer"}, 400, "invalid_request"),
        ({"client_assertion": ...}, 400, "invalid_request"),
        ({"client_assertion": ""}, 400, "invalid_request"),
        ({"client_assertion": "a.b.c"}, 400, "invalid_request"),
        ({"client_id": OTHER}, 401, "invalid_client"),
    ],
)
def test_forms_that_are_not_as_they_must_be(
    base: str, changes: dict[str, Any], status: int, error: str
) -> None:
    assert read_error(post(base, **changes))[:2] == (status, error)


def test_the_client_id_and_fields_nobody_knows_may_be_there(base: str) -> None:
    assert post(base, client_id=SOURCE, resource="x").status_code == 200


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 400),
        ("", b"grant_type=client_credentials", 400),
        (FORM, b"\xff\xfe", 400),
        (FORM, b"a=1&" * 21, 400),
        (FORM, b"grant_type=client_credentials&grant_type=client_credentials", 400),
        (FORM, b"", 400),
        (FORM, b"a=" + b"x" * LONGEST_FORM, 413),
        (FORM, (b"a=", b"x" * LONGEST_FORM), 413),
    ],
)
def test_bodies_that_are_no_form(base: str, content_type: str, body: Any, status: int) -> None:
    # Several parts go without a length told before.
    sent = iter(body) if isinstance(body, tuple) else body
    answer = post(base, body=sent, **{"Content-Type": content_type})
    assert read_error(answer)[:2] == (status, "invalid_request")


def test_the_type_of_the_form_may_name_its_characters(base: str) -> None:
    body = urlencode(make_form(sign(KEY, make_claims())))
    assert post(base, body=body, **{"Content-Type": f"{FORM}; charset=utf-8"}).status_code == 200

"""Who asks an API and who answers: keys, tokens, certificates, other hosts; and that nothing secret
is shown."""

import json
import logging
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.responses import RedirectResponse

from gateway.collectors.far_end import CollectError
from schemas.errors import WrongUseError
from tests.functional.test_client_tls import write_certificate
from tests.lib.collecting import MARK, NOW, list_batches, run
from tests.lib.lrms_api import LrmsApi, fail, say
from tests.lib.pulling import BUNDLE, fill


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.example/fhir?page=2", "//elsewhere.example/x", "http://127.0.0.1:1/x"],
)
def test_no_page_is_fetched_from_elsewhere(gateway, make, api, link):
    make(**BUNDLE)
    bundle = {
        "resourceType": "Bundle",
        "link": [{"relation": "next", "url": link}],
        "entry": [{"resource": {"id": "1"}}],
    }
    api.faults.append(say(json.dumps(bundle)))
    with pytest.raises(CollectError, match="redirected"):
        run(gateway)
    assert list_batches(gateway.settings.database) == []


def test_a_redirect_within_the_api_is_followed_with_the_key(gateway, make, api):
    fill(api, 1)
    keyed = replace(gateway, find_secret={"KEY": "secret-1"}.get)
    key = {"header": "X-Key", "prefix": "", "secret": {"env": "KEY"}}
    make("/old", **BUNDLE, key=key)
    with pytest.raises(CollectError, match="missing"):
        run(keyed)
    api.faults.append(lambda _: RedirectResponse("/fhir/AdverseEvent"))
    make("/events.ndjson", "other", **BUNDLE, key=key)
    assert run(keyed, "other") == {"received": 1}
    assert [headers["x-key"] for headers in api.headers[-2:]] == ["secret-1"] * 2


def test_a_certificate_is_always_checked(gateway, make, tmp_path):
    own, other = (write_certificate(tmp_path, name) for name in ("own", "other"))
    with LrmsApi(NOW, tls=own) as api:
        fill(api, 1)
        for name, trusted in (("usual", None), ("other", other), ("own", own)):
            ca = {"ca_file": str(trusted[0])} if trusted else {}
            make(name=name, url=f"{api.url}/fhir/AdverseEvent", **BUNDLE, **ca)
        for name in ("usual", "other"):
            with pytest.raises(CollectError, match="certificate"):
                run(gateway, name)
        assert api.asked == []
        assert run(gateway, "own") == {"received": 1}


def test_a_client_that_signs_gets_tokens_and_another_when_one_is_refused(gateway, make, api):
    fill(api, 3)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    oauth = {
        "token_url": f"{api.url}/oauth2/token",
        "client_id": "gateway",
        "kid": "k-1",
        "private_key": {"env": "PEM"},
    }
    make(**BUNDLE, oauth=oauth)
    with pytest.raises(CollectError, match="secret"):
        run(gateway)
    api.faults.extend([lambda _: None, fail(401)])
    assert run(replace(gateway, find_secret={"PEM": pem}.get)) == {"received": 2}
    paths = [path for path, _ in api.asked]
    assert paths == ["/oauth2/token", "/fhir/AdverseEvent"] * 2 + ["/fhir/AdverseEvent"]
    shown = [headers.get("authorization") for headers in api.headers]
    assert shown == [None, "Bearer token-1", None, "Bearer token-3", "Bearer token-3"]


def test_what_is_shown_of_a_failure_holds_no_secret_and_no_content(gateway, make, api, caplog):
    secret = f"{MARK}-secret"
    key = {"secret": {"env": "KEY"}}
    fill(api, 1, text=MARK)
    make(**BUNDLE, key=key, query={"ward": MARK})
    asking = replace(gateway, find_secret={"KEY": secret}.get)
    api.faults.extend([fail(500)] * 3)
    with caplog.at_level(logging.INFO):
        with pytest.raises(CollectError):
            run(asking)
        run(asking)
        with pytest.raises(CollectError, match="secret"):
            run(replace(gateway, find_secret={"KEY": f"{MARK}\nX: y"}.get))
    assert api.headers[-1]["authorization"] == secret
    assert MARK not in caplog.text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "http://lrms.example/api"}, "https"),
        ({"url": "https://user:secret@lrms.example/"}, "without a user"),
        ({"url": "ftp://lrms.example"}, "address"),
        ({"pages": {"by": "field"}}, "field is needed"),
        ({"pages": {"by": "link", "field": "a"}}, "field is needed"),
        ({"since": {}, "mark": {"parameter": "a", "field": "b"}}, "one of since and mark"),
        ({"mark": {"parameter": "a"}}, "one of header and field"),
        ({"verify": False}, "verify"),
        ({"key": {"header": "A: b", "secret": {"env": "A"}}}, "header"),
        ({"since": {"first": "2026-01-01T00:00:00"}}, "timezone"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, settings, told):
    with pytest.raises(WrongUseError, match=told):
        make(**settings)

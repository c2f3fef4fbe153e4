"""Who may call, and for whom, over HTTP: keys and their rotation, tokens and their scopes, client
certificates behind a proxy, other sources' things, organisations that did not grant."""

import hmac
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import requests

from gateway.pipeline.access import end_grant, give_grant
from gateway.pipeline.credentials import add_certificate, add_key, revoke_key, set_client
from schemas.submission import Grant
from store.tables import audit, usage
from tests.lib.api import OTHER, SOURCE
from tests.lib.api_calls import (
    EVENTS,
    PATIENCE,
    Api,
    check_answer,
    count_rows,
    encode,
    find_growth,
    get_code,
    get_issue,
    get_reference,
    make_name,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.databases import read_rows
from tests.lib.events import STORY
from tests.lib.identity import encode as encode_part
from tests.lib.identity import make_claims, make_ec, make_form, make_jwks, make_rsa, sign
from tests.unit.test_client_certificates import OURS, THEIRS, make_header, make_pem

NOBODY = {"PractitionerDetails": {"ReporterType": "3", "ReporterOrganisation": "RZC"}}
KEY = make_rsa("http-one")


@pytest.fixture
def api(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("access")
    with open_api(home, database_url, trusted_proxies="127.0.0.1") as opened:
        yield opened


def ask(api: Api, **headers: str) -> requests.Response:
    """As nobody, but for these headers."""
    return api.call("GET", "/feeds", source="", **headers)


def ask_by_key(api: Api, key: str) -> int:
    return ask(api, Ocp_Apim_Subscription_Key=key).status_code


# --- Keys ---


def test_a_key_of_nobody_is_refused(api: Api) -> None:
    good = api.keys[SOURCE.id]
    refused = [
        {},
        {"Ocp_Apim_Subscription_Key": "nobody"},
        {"Ocp_Apim_Subscription_Key": good[:-1]},
        {"Ocp_Apim_Subscription_Key": good.swapcase()},
        {"Ocp_Apim_Subscription_Key": good + "x"},
        {"Ocp_Apim_Subscription_Key": "x" * 10_000},
        {"Ocp_Apim_Subscription_Key": "\xff\xfe"},
        {"Ocp_Apim_Subscription_Key": "' OR 1=1 --"},
        # A key is no token, and where both are sent it is the key that counts.
        {"Authorization": f"Bearer {good}"},
        {"Authorization": good},
        {"X_Api_Key": good},
    ]
    before = count_rows(api.database)
    for headers in refused:
        answer = ask(api, **headers)
        assert answer.status_code == 401, headers
        assert get_code(answer) in ("credentials-missing", "credentials-refused")
        assert good not in answer.text
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="lrms-gateway"'
    assert ask_by_key(api, good) == 200
    assert count_rows(api.database) == before


def test_on_fhir_routes_it_is_told_as_fhir(api: Api) -> None:
    answer = api.call("POST", EVENTS, write_event(), source="")
    assert answer.status_code == 401
    issue = get_issue(answer)
    assert (issue["severity"], issue["code"]) == ("error", "login")
    assert issue["finding"] == "credentials-missing"
    assert "Ocp-Apim-Subscription-Key" in issue["diagnostics"]


def test_a_key_is_replaced_without_a_gap(api: Api) -> None:
    first = add_key(api.gateway, OTHER.id, label="second")
    old, new = api.keys[OTHER.id], first.secret
    assert ask_by_key(api, old) == ask_by_key(api, new) == 200
    with api.gateway.store.read() as work:
        (old_id,) = [key.id for key in work.keys.find_all(OTHER.id) if key.id != first.key.id]
    revoke_key(api.gateway, old_id)
    # Remembered for a moment, and no longer.
    api.clock.forward(api.gateway.settings.key_cache_seconds)
    assert ask_by_key(api, old) == 401
    assert ask_by_key(api, new) == 200
    third = add_key(api.gateway, OTHER.id)
    assert ask_by_key(api, third.secret) == 200


def test_a_key_expires_at_the_end_of_its_day(api: Api) -> None:
    today = api.clock.now().date()
    key = add_key(api.gateway, SOURCE.id, expires_on=today).secret
    assert ask_by_key(api, key) == 200
    api.clock.at = api.clock.at.replace(hour=23, minute=59, second=59)
    assert ask_by_key(api, key) == 200
    api.clock.forward(1)
    assert ask_by_key(api, key) == 401


# --- Tokens ---


def get_token(api: Api, *, scope: str = "", **changes: Any) -> requests.Response:
    claims = make_claims(
        **{
            "iss": SOURCE.id,
            "sub": SOURCE.id,
            "exp": int(api.clock.now().timestamp()) + 240,
            **changes,
        }
    )
    form = make_form(sign(KEY, claims), **({"scope": scope} if scope else {}))
    return post_form(api, form)


def post_form(api: Api, form: dict[str, str]) -> requests.Response:
    answer = requests.post(f"{api.url}/oauth2/token", data=form, timeout=PATIENCE)
    check_answer(answer)
    return answer


def bearer(answer: requests.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}", "source": ""}


def test_a_client_that_signs_gets_a_token_and_uses_it(api: Api) -> None:
    set_client(api.gateway, SOURCE.id, jwks=make_jwks(KEY))
    answer = get_token(api)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["expires_in"], told["token_type"]) == ("599", "Bearer")
    how = bearer(answer)
    created = api.create(write_event(name=make_name()), **how)
    assert created.status_code == 201
    assert api.read(f"/{get_reference(created)}", **how).status_code == 200
    assert api.call("GET", f"/feeds/{created.headers['LRMS-Batch']}", **how).status_code == 200
    api.clock.forward(598)
    assert api.call("GET", "/feeds", **how).status_code == 200
    api.clock.forward(1)
    refused = api.call("GET", "/feeds", **how)
    assert (refused.status_code, get_code(refused)) == (401, "credentials-refused")


# What each scope opens: method, address, body.
REACH = {
    "event.write": [
        ("POST", EVENTS, "event"),
        ("PUT", f"{EVENTS}/0000-0000-0000-0", "event"),
        ("POST", f"{EVENTS}/$validate", "event"),
    ],
    "event.read": [
        ("GET", f"{EVENTS}?identifier=x", None),
        ("GET", f"{EVENTS}/0000-0000-0000-0", None),
        ("GET", f"{EVENTS}/0000-0000-0000-0/_history", None),
        ("GET", f"{EVENTS}/0000-0000-0000-0/_history/1", None),
    ],
    "feed.write": [
        ("POST", "/feeds", "event"),
        ("POST", "/adverse-event/fhir", "event"),
        ("POST", "/feeds/b-0/promote", None),
        ("PUT", "/feeds/b-0/records/1", "event"),
        ("POST", "/uploads", None),
    ],
    "feed.read": [
        ("GET", "/feeds", None),
        ("GET", "/feeds/b-0", None),
        ("GET", "/feeds/b-0/receipt", None),
        ("GET", "/rejected", None),
        ("GET", "/feeds/b-0/records/1", None),
        ("GET", "/feeds/b-0/records/1/content", None),
    ],
}


def test_a_token_reaches_as_far_as_its_scopes(api: Api) -> None:
    set_client(api.gateway, SOURCE.id, jwks=make_jwks(KEY))
    body = encode(write_event(name=make_name()))
    for scope, opened in REACH.items():
        how = bearer(get_token(api, scope=scope))
        before = count_rows(api.database)
        for other, calls in REACH.items():
            for method, path, sends in calls:
                if other == scope:
                    continue
                answer = api.call(method, path, body if sends else None, **how)
                assert (answer.status_code, get_code(answer)) == (403, "scope-missing"), path
                assert other in answer.text
        assert count_rows(api.database) == before
        for method, path, sends in opened:
            answer = api.call(method, path, body if sends else None, **how)
            assert answer.status_code not in (401, 403), path


def test_a_token_reaches_no_further_than_its_client(api: Api) -> None:
    set_client(api.gateway, SOURCE.id, jwks=make_jwks(KEY), scopes=["event.read"])
    assert get_token(api, scope="event.write").status_code == 400
    how = bearer(get_token(api))
    assert api.create(write_event(), **how).status_code == 403
    assert api.call("GET", f"{EVENTS}?identifier=x", **how).status_code == 200


def test_assertions_that_must_not_be_believed(api: Api) -> None:
    """The whole list is held against the verifier itself; here is that the address uses it."""
    set_client(api.gateway, SOURCE.id, jwks=make_jwks(KEY))
    now = int(api.clock.now().timestamp())
    claims = make_claims(iss=SOURCE.id, sub=SOURCE.id)
    plain = f"{encode_part({'alg': 'none', 'typ': 'JWT', 'kid': KEY.kid})}.{encode_part(claims)}."
    public = KEY.as_pem(private=False)
    told = f"{encode_part({'alg': 'HS512', 'typ': 'JWT', 'kid': KEY.kid})}.{encode_part(claims)}"
    confused = f"{told}.{encode_part(hmac.digest(public, told.encode(), 'sha512'))}"
    bad = [
        (get_token(api, aud="http://elsewhere.example/oauth2/token"), 401),
        (get_token(api, exp=now - 1), 400),
        (get_token(api, exp=now + 3600), 400),
        (get_token(api, iss=OTHER.id), 400),
        (get_token(api, iss="nobody", sub="nobody"), 401),
        (get_token(api, jti=...), 400),
        (post_form(api, make_form(plain)), 400),
        (post_form(api, make_form(confused)), 400),
        (post_form(api, make_form(sign(make_ec("not-registered"), claims))), 401),
        (post_form(api, make_form("")), 400),
        (post_form(api, {}), 400),
    ]
    for position, (answer, status) in enumerate(bad):
        assert answer.status_code == status, (position, answer.text)
    form = make_form(sign(KEY, make_claims(iss=SOURCE.id, sub=SOURCE.id)))
    assert [post_form(api, form).status_code for _ in range(2)] == [200, 400]


# --- Certificates ---


def test_a_source_with_a_certificate_must_present_it(api: Api) -> None:
    key = api.keys[SOURCE.id]
    assert ask_by_key(api, key) == 200
    add_certificate(api.gateway, SOURCE.id, make_pem(OURS))
    api.clock.forward(api.gateway.settings.key_cache_seconds)
    for header, status in (
        ({}, 401),
        ({"Client_Cert": make_header(THEIRS)}, 401),
        ({"Client_Cert": "::"}, 401),
        ({"Client_Cert": make_header(OURS)}, 200),
    ):
        answer = ask(api, Ocp_Apim_Subscription_Key=key, **header)
        assert answer.status_code == status
        if status == 401:
            assert get_code(answer) == "certificate-refused"
    assert ask_by_key(api, api.keys[OTHER.id]) == 200


def test_from_anywhere_but_the_proxy_the_header_is_worth_nothing(
    database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("proxy")
    with open_api(home, database_url, trusted_proxies="192.0.2.0/24") as api:
        add_certificate(api.gateway, SOURCE.id, make_pem(OURS))
        how = {"Ocp_Apim_Subscription_Key": api.keys[SOURCE.id], "Client_Cert": make_header(OURS)}
        for forwarded in ({}, {"X_Forwarded_For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
            answer = ask(api, **how, **forwarded)
            assert (answer.status_code, get_code(answer)) == (401, "certificate-refused")


# --- Other sources' things ---


def test_what_is_anothers_is_not_there(api: Api) -> None:
    created = api.create(write_event(name=make_name()))
    reference, single = get_reference(created), created.headers["LRMS-Batch"]
    bad = encode(write_event(name=make_name(), narrative="Fell."))
    feed = api.call("POST", "/feeds", bad).json()["id"]
    trial = api.call("POST", "/feeds?dry-run=true", bad + b" ").json()["id"]
    for name in (feed, trial):
        wait_for(api, name)
    before = count_rows(api.database)
    body = encode(write_event(name=make_name()))
    addresses = [
        ("GET", f"{EVENTS}/{reference}", None),
        ("GET", f"{EVENTS}/{reference}/_history", None),
        ("GET", f"{EVENTS}/{reference}/_history/1", None),
        ("PUT", f"{EVENTS}/{reference}", body),
        *(("GET", f"/feeds/{name}", None) for name in (single, feed, trial)),
        *(("GET", f"/feeds/{name}/receipt", None) for name in (single, feed, trial)),
        *(("POST", f"/feeds/{name}/promote", None) for name in (single, feed, trial)),
        ("GET", f"/feeds/{feed}/records/1", None),
        ("GET", f"/feeds/{feed}/records/1/content", None),
        ("GET", f"/feeds/{single}/records/1/content", None),
        ("PUT", f"/feeds/{feed}/records/1", body),
        ("GET", f"/rejected?feed={feed}", None),
    ]
    for method, path, sends in addresses:
        theirs = api.call(method, path, sends, source=OTHER.id)
        assert (theirs.status_code, get_code(theirs)) == (404, "not-found"), (method, path)
        assert api.call(method, path, sends and bad).status_code != 404, (method, path)
    assert api.call("GET", "/feeds", source=OTHER.id).json()["feeds"] == []
    assert api.call("GET", "/rejected", source=OTHER.id).json()["records"] == []
    assert find_growth(before, count_rows(api.database)).keys() <= {
        # What the owner did, by the same addresses.
        *("audit", "batches", "bodies", "receipt_lines", "findings", "trials", "corrections"),
        "parts",
    }


def test_the_same_bytes_of_another_source_are_another_feed(api: Api) -> None:
    body = encode(write_event(name=make_name(), **NOBODY))
    mine, theirs = (
        api.call("POST", "/feeds", body, source=source).json()["id"]
        for source in (SOURCE.id, OTHER.id)
    )
    assert mine != theirs


# --- Organisations that did not grant ---


def test_an_organisation_that_did_not_grant(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event(name=name)))
    body = write_event(name=name, narrative=STORY, **NOBODY)
    before = count_rows(api.database)
    raw = list_raw(api)
    calls = [
        api.create(body, X_Request_ID="attempt-1"),
        api.create(body, X_Request_ID="attempt-2", Idempotency_Key="one"),
        api.update(reference, body, X_Request_ID="attempt-3"),
        api.call("POST", f"{EVENTS}/$validate", body, X_Request_ID="attempt-4"),
    ]
    for answer in calls:
        assert answer.status_code == 403
        (issue,) = [one for one in answer.json()["issue"] if one["severity"] == "error"]
        assert issue["code"] == "forbidden"
        assert issue["details"]["coding"][0]["code"] == "ORG-002"
        assert issue["expression"][0].startswith("AdverseEvent.contained[")
        assert "LRMS-Batch" not in answer.headers
    # Nothing anywhere but what happened: an entry an attempt.
    assert find_growth(before, count_rows(api.database)) == {"audit": len(calls)}
    assert list_raw(api) == raw
    entries = [row for row in read_rows(api.database, audit) if row.action == "submission.refused"]
    assert [row.subject for row in entries] == [SOURCE.id] * len(calls)
    told = " ".join(row.details for row in entries)
    assert all(f"attempt-{number}" in told for number in (1, 2, 3, 4))
    assert told.count("RZC") == len(calls)
    assert STORY not in told
    assert name not in told
    assert count_refused(api) == len(calls)
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"1"'


def list_raw(api: Api) -> set[str]:
    folder = api.gateway.settings.raw_folder
    return {str(path) for path in folder.rglob("*") if path.is_file()}


def count_refused(api: Api) -> int:
    """As the API told it, which it does every second."""
    api.app.state.meter.flush(api.gateway)
    return sum(row.refused for row in read_rows(api.database, usage) if row.source_id == SOURCE.id)


def test_what_was_granted_is_open_from_its_first_day_to_its_last(api: Api) -> None:
    today = api.clock.now().date()
    first = today + timedelta(days=2)
    body = write_event(name=make_name(), **NOBODY)
    give_grant(api.gateway, SOURCE.id, Grant("RZC", first, first, "Dr A"))
    seen = {}
    for _ in range(5):
        api.clock.forward(24 * 3600)
        seen[api.clock.now().date()] = api.call("POST", f"{EVENTS}/$validate", body).status_code
    assert [seen[day] for day in sorted(seen)] == [403, 200, 403, 403, 403]
    give_grant(api.gateway, SOURCE.id, Grant("RZC", None, None, "Dr A"))
    api.clock.forward(api.gateway.settings.key_cache_seconds)
    assert api.create(body).status_code == 201
    end_grant(api.gateway, SOURCE.id, "RZC", by="Dr A", on=date(2026, 11, 1))
    api.clock.forward(api.gateway.settings.key_cache_seconds)
    assert api.create(write_event(name=make_name(), **NOBODY)).status_code == 403


def test_in_a_feed_the_record_is_rejected_and_counted(api: Api) -> None:
    good, bad = (
        encode(write_event(name=make_name())),
        encode(write_event(name=make_name(), **NOBODY)),
    )
    feed = api.call("POST", "/feeds", good + b"\n" + bad).json()["id"]
    wait_for(api, feed)
    told = api.call("GET", f"/feeds/{feed}/receipt").json()
    assert [one["disposition"] for one in told["records"]] == ["created", "rejected"]
    assert [one["code"] for one in told["records"][1]["findings"]] == ["ORG-002"]
    assert count_refused(api) == 1
    entries = [row for row in read_rows(api.database, audit) if row.action == "submission.refused"]
    assert [row.subject for row in entries] == [SOURCE.id]


def test_who_called_is_not_written_anywhere(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    set_client(api.gateway, SOURCE.id, jwks=make_jwks(KEY))
    answer = get_token(api)
    how = bearer(answer)
    api.create(write_event(name=make_name()), **how)
    api.create(write_event(name=make_name()))
    ask(api, Ocp_Apim_Subscription_Key="a-key-that-is-wrong")
    secrets = (*api.keys.values(), answer.json()["access_token"], "a-key-that-is-wrong")
    assert "AdverseEvent" in caplog.text
    assert [one for one in secrets if one in caplog.text] == []
    stored = " ".join(str(row) for row in read_rows(api.database, audit))
    assert [one for one in secrets if one in stored] == []

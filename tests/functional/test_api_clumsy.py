"""What a clumsy client gets wrong: a dry run that is misspelt must not be a real one, and each
mistake is told with what would be accepted."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lib.api_calls import (
    EVENTS,
    Api,
    count_rows,
    encode,
    get_code,
    get_issue,
    make_name,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.packed_feeds import make_gzip

BUNDLES = "/adverse-event/fhir"
DRY = "dry-run dHJ1ZQ=="


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("clumsy")) as opened:
        yield opened


def write_bundle() -> dict[str, Any]:
    entry = {"resource": write_event(name=make_name()), "request": {"method": "POST"}}
    return {"resourceType": "Bundle", "type": "batch", "entry": [entry]}


@pytest.mark.parametrize("name", ["dry_run", "dryRun", "dryrun", "Dry-Run", "dry-run%20"])
@pytest.mark.parametrize("path", ["/feeds", BUNDLES, EVENTS, f"{EVENTS}/$validate"])
def test_a_misspelt_dry_run_stores_nothing(api: Api, path: str, name: str) -> None:
    before = count_rows(api.database)
    answer = api.call("POST", f"{path}?{name}=true", write_event(name=make_name()))
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")
    assert count_rows(api.database) == before
    assert ("$validate" if path.startswith(EVENTS) else "accepted: ") in answer.text


@pytest.mark.parametrize("name", ["PUT", "POST"])
def test_a_dry_run_of_one_event_is_named(api: Api, name: str) -> None:
    path = EVENTS if name == "POST" else f"{EVENTS}/7K2M-9QXB-4T8D-V"
    answer = api.call(name, f"{path}?dry-run=true", write_event(name=make_name()))
    assert answer.status_code in (400, 404)
    assert "event" in get_issue(answer)["details"]["text"]


def test_parameters_of_others_mean_nothing_to_an_event(api: Api) -> None:
    answer = api.call("POST", f"{EVENTS}?_format=json&trace=1", write_event(name=make_name()))
    assert answer.status_code == 201


def test_a_bundle_has_a_dry_run_too(api: Api) -> None:
    bundle = write_bundle()
    answer = api.call("POST", f"{BUNDLES}?dry-run=true", bundle)
    assert answer.status_code == 202
    told = answer.json()
    assert told["dry_run"] is True
    assert "rejected" not in told["links"]
    wait_for(api, told["id"])
    receipt = api.call("GET", answer.headers["Content-Location"]).json()
    assert receipt["type"] == "batch-response"
    identifier = bundle["entry"][0]["resource"]["identifier"]["value"]
    assert api.read(f"?identifier={identifier}").json()["total"] == 0
    listed = api.call("GET", f"/rejected?feed={told['id']}")
    assert (listed.status_code, "receipt" in listed.json()["detail"]) == (404, True)


@pytest.mark.parametrize(
    "metadata", [*(DRY.replace("-", one) for one in ("_", "")), "dryRun dHJ1ZQ==", "dry-run"]
)
def test_a_misspelt_dry_run_of_an_upload(api: Api, metadata: str) -> None:
    answer = api.call(
        "POST", "/uploads", Tus_Resumable="1.0.0", Upload_Length="5", Upload_Metadata=metadata
    )
    assert (answer.status_code, get_code(answer)) == (400, "tus-header")
    assert "true or false" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "accepted"),
    [
        ("/feeds?corrected=false", "'corrected' is none; accepted: state, verdict, route,"),
        ("/rejected?corected=false", "'corected' is none; accepted: feed, code, corrected,"),
        ("/rejected?corrected=no%20idea", "corrected: true or false"),
        ("/feeds?limit=many", "limit: a whole number"),
        ("/feeds?limit=0", "limit: a number from 1 on"),
        ("/feeds?limit=501", "limit: a number up to 500"),
        ("/feeds?route=pigeon", "route: one of 'file', 'http',"),
        ("/feeds?since=2025-01-01", "since: an instant with its zone, as 2026-11-27T09:30:00Z"),
        ("/feeds?since=2025-01-01T00:00:00+01:00", "a + in it is written %2B"),
        ("/feeds?since=9999-12-31T23:59:59-23:59", "since: an instant with its zone"),
        ("/feeds?until=0001-01-01T00:00:00%2B23:59", "until: an instant with its zone"),
        ("/rejected?since=9999-12-31T23:59:59-23:59", "since: an instant with its zone"),
        ("/rejected?code=RULE10", "code: a text of the form"),
        ("/feeds/b-0?verbose=1", "'verbose' is none; accepted: no parameters at all."),
        ("/feeds?9990000018=x", "One of these is none; accepted: state,"),
    ],
)
def test_what_a_parameter_takes_is_told(api: Api, path: str, accepted: str) -> None:
    answer = api.call("GET", path)
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")
    assert accepted in answer.json()["detail"]


def test_a_search_without_an_identifier(api: Api) -> None:
    assert get_issue(api.read(""))["diagnostics"] == "identifier: it is needed"


def test_a_search_tells_what_was_searched(api: Api) -> None:
    (link,) = api.read("?identifier=a%26b").json()["link"]
    assert link["url"].endswith("/AdverseEvent?identifier=a%26b")


@pytest.mark.parametrize("path", ["/feeds", BUNDLES])
def test_a_form_with_a_file_is_no_feed(api: Api, path: str) -> None:
    before = count_rows(api.database)
    answer = api.call("POST", path, b"--x", Content_Type="multipart/form-data; boundary=x")
    assert (answer.status_code, get_code(answer)) == (415, "unsupported-media-type")
    assert "--data-binary" in answer.text
    assert count_rows(api.database) == before


@pytest.mark.parametrize("how", ["br", "deflate", "zstd", "gzip, gzip"])
def test_a_way_of_packing_that_is_not_known(api: Api, how: str) -> None:
    answer = api.call("POST", "/feeds", b"x", Content_Encoding=how)
    assert (answer.status_code, get_code(answer)) == (415, "unsupported-encoding")
    assert "gzip or zip" in answer.json()["detail"]


@pytest.mark.parametrize("how", ["gzip", "x-gzip", "GZIP", "identity"])
def test_a_way_of_packing_that_is_known(api: Api, how: str) -> None:
    body = make_gzip(encode(write_event(name=make_name())))
    feed = api.call("POST", "/feeds", body, Content_Encoding=how)
    assert wait_for(api, feed.json()["id"])["counts"]["created"] == 1


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json;q=0.1, text/csv;q=0.9", "text/csv; charset=utf-8"),
        ("text/csv;q=0, application/json", "application/json"),
        ("text/csv;q=0.5, application/fhir+json", "application/fhir+json"),
        ("text/html, */*;q=0.8", "application/json"),
        ("text/csv; charset=utf-8; q=1", "text/csv; charset=utf-8"),
        ("text/csv;q=0", None),
        ("*/*;q=0.0", None),
    ],
)
def test_the_form_that_is_wanted_most(api: Api, accept: str, media_type: str | None) -> None:
    feed = api.call("POST", "/feeds", write_event(name=make_name())).json()["id"]
    wait_for(api, feed)
    answer = api.call("GET", f"/feeds/{feed}/receipt", Accept=accept)
    if media_type is None:
        assert (answer.status_code, get_code(answer)) == (406, "not-acceptable")
    else:
        assert answer.headers["Content-Type"] == media_type

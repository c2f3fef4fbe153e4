"""Lists of feeds over HTTP: paged, filtered, and what they cannot be asked."""

import pytest

from tests.lib.api import OTHER, SOURCE
from tests.lib.api_calls import Api, get_code, make_name, write_event
from tests.lib.api_feeds import CSV, FHIR, list_feeds, load
from tests.lib.feeds import generate


def test_lists_are_paged_and_filtered(own_api: Api) -> None:
    api = own_api
    ids = []
    for number in range(7):
        api.clock.forward(60)
        errors = (0.0, 0.5, 1.0)[number % 3]
        ids.append(load(api, generate(events=4, seed=80 + number, errors=errors))["id"])
    api.clock.forward(60)
    other = load(api, generate("csv", events=2), source=CSV)["id"]
    ids.reverse()
    for limit in (1, 2, 3, 7, 100):
        assert [one["id"] for one in list_feeds(api, FHIR, limit=limit)] == ids
    assert [one["id"] for one in list_feeds(api, CSV, limit=1)] == [other]
    everything = list_feeds(api, FHIR)
    for verdict in ("accepted", "partly_accepted", "rejected"):
        found = list_feeds(api, FHIR, f"&verdict={verdict}", limit=1)
        assert found == [one for one in everything if one["verdict"] == verdict]
        assert found, verdict
    assert list_feeds(api, FHIR, "&state=held") == []
    assert list_feeds(api, FHIR, "&state=finished&route=http") == everything
    assert list_feeds(api, FHIR, "&route=file") == []
    third = everything[2]["received_at"].replace("+", "%2B")
    assert list_feeds(api, FHIR, f"&since={third}", limit=2) == everything[:3]
    assert list_feeds(api, FHIR, f"&until={third}", limit=2) == everything[3:]
    # An empty page would say that there is nothing more.
    for stranger in ("b-nothing", other):
        unknown = api.call("GET", f"/feeds?before={stranger}", source=FHIR)
        assert (unknown.status_code, get_code(unknown)) == (404, "not-found")
    assert api.call("GET", f"/feeds/{ids[0]}", source=FHIR).json() == everything[0]


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "limit=x", "state=lost", "verdict=fine", "route=pigeon"),
        *("since=yesterday", "since=2026-11-27T09:00:00", f"before={'x' * 33}"),
    ],
)
def test_what_a_list_cannot_be_asked(api: Api, query: str) -> None:
    answer = api.call("GET", f"/feeds?{query}")
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")
    assert query.partition("=")[0] in answer.json()["detail"]


def test_single_requests_are_listed_too(own_api: Api) -> None:
    api = own_api
    created = api.create(write_event(name=make_name()))
    rejected = api.create(write_event(name=make_name(), narrative="Fell."))
    told = list_feeds(api, SOURCE.id)
    assert [one["id"] for one in told] == [
        answer.headers["LRMS-Batch"] for answer in (rejected, created)
    ]
    assert [one["filename"] for one in told] == ["POST AdverseEvent"] * 2
    assert list_feeds(api, OTHER.id) == []

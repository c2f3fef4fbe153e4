"""Requests under conditions: If-Match, If-None-Exist; and Prefer."""

import pytest

from tests.integration.test_store_concurrency import at_once
from tests.lib.api import OTHER, REPORTED_BY_OTHER
from tests.lib.api_calls import (
    EVENTS,
    Api,
    count_rows,
    get_code,
    get_issue,
    get_reference,
    make_name,
    write_event,
)
from tests.lib.events import STORY


def test_an_update_of_the_version_that_was_read(api: Api) -> None:
    name = make_name()
    created = api.create(write_event(name=name))
    reference = get_reference(created)
    stories = [f"{STORY} Told {number} times." for number in range(4)]
    first = api.update(
        reference, write_event(name=name, narrative=stories[0]), If_Match=created.headers["ETag"]
    )
    assert (first.status_code, first.headers["ETag"]) == (200, 'W/"2"')
    before = count_rows(api.database)
    stale = api.update(
        reference, write_event(name=name, narrative=stories[1]), If_Match=created.headers["ETag"]
    )
    assert (stale.status_code, get_code(stale)) == (412, "version-stale")
    assert stale.headers["ETag"] == 'W/"2"'
    assert get_issue(stale)["code"] == "conflict"
    assert count_rows(api.database) == before, "what is refused leaves nothing"
    ahead = api.update(reference, write_event(name=name, narrative=stories[1]), If_Match='W/"3"')
    assert (ahead.status_code, ahead.headers["ETag"]) == (412, 'W/"2"')
    # FHIR servers write them weak; some clients quote them as strong ones.
    strong = api.update(reference, write_event(name=name, narrative=stories[1]), If_Match='"2"')
    assert (strong.status_code, strong.headers["ETag"]) == (200, 'W/"3"')
    anyhow = api.update(reference, write_event(name=name, narrative=stories[2]), If_Match="*")
    assert (anyhow.status_code, anyhow.headers["ETag"]) == (200, 'W/"4"')
    assert len(api.read(f"/{reference}/_history").json()["entry"]) == 4


def test_an_update_that_changes_nothing_must_name_the_version_too(api: Api) -> None:
    body = write_event(name=make_name())
    reference = get_reference(api.create(body))
    assert api.update(reference, body, If_Match='W/"2"').status_code == 412
    unchanged = api.update(reference, body, If_Match='W/"1"')
    assert (unchanged.status_code, unchanged.headers["ETag"]) == (200, 'W/"1"')


def test_of_many_updates_of_one_version_one_is_taken(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event(name=name)))

    def update(number: int) -> int:
        body = write_event(name=name, narrative=f"{STORY} As {number} saw it.")
        return api.update(reference, body, If_Match='W/"1"').status_code

    assert sorted(at_once(update)) == [200] + [412] * 7
    assert len(api.read(f"/{reference}/_history").json()["entry"]) == 2


@pytest.mark.parametrize("given", ["", "2", "W/2", 'W/"x"', 'W/"0"', 'W/"1", W/"2"', '"' * 2000])
def test_an_if_match_that_cannot_be_read(api: Api, given: str) -> None:
    answer = api.update("0000-0000-0000-0", write_event(), If_Match=given)
    assert (answer.status_code, get_code(answer)) == (400, "header-malformed")


def test_only_if_there_is_none(api: Api) -> None:
    name = make_name()
    condition = {"If_None_Exist": f"identifier={name}"}
    first = api.create(write_event(name=name), **condition)
    assert first.status_code == 201
    before = count_rows(api.database)
    # Other content: it is not looked at.
    second = api.create(write_event(name=name, narrative=STORY), **condition)
    assert second.status_code == 200
    assert second.content == first.content
    assert count_rows(api.database) == before
    theirs = api.create(write_event(name=name, **REPORTED_BY_OTHER), source=OTHER.id, **condition)
    assert theirs.status_code == 201, "another source's identifiers are its own"
    api.update(get_reference(first), write_event(name=name, narrative=STORY))
    third = api.create(write_event(name=name), **condition)
    assert (third.status_code, third.headers["ETag"]) == (200, 'W/"2"')


def test_a_search_with_a_system_names_the_same_identifier(api: Api) -> None:
    name = make_name()
    assert api.create(write_event(name=name), If_None_Exist=f"identifier={name}").ok
    for condition in (
        f"?identifier={name}",
        f"identifier=urn:x|{name}",
        f"identifier=urn:x%7C{name}",
    ):
        assert api.create(write_event(name=name), If_None_Exist=condition).status_code == 200


def test_another_identifier_than_the_events(api: Api) -> None:
    before = count_rows(api.database)
    answer = api.create(write_event(name=make_name()), If_None_Exist=f"identifier={make_name()}")
    assert (answer.status_code, get_code(answer)) == (400, "identifier-differs")
    assert count_rows(api.database) == before


@pytest.mark.parametrize(
    "given", ["", "identifier", "identifier=", "date=2026", "identifier=a&date=2026", "a" * 3000]
)
def test_an_if_none_exist_that_cannot_be_read(api: Api, given: str) -> None:
    answer = api.create(write_event(), If_None_Exist=given)
    assert (answer.status_code, get_code(answer)) == (400, "header-malformed")


def test_at_once_only_one_finds_none(api: Api) -> None:
    name = make_name()

    def create(number: int) -> tuple[int, str]:
        body = write_event(name=name, narrative=f"{STORY} As {number} saw it.")
        answer = api.create(body, If_None_Exist=f"identifier={name}")
        return answer.status_code, get_reference(answer)

    found = at_once(create)
    assert sorted(status for status, _ in found) == [200] * 7 + [201]
    (reference,) = {reference for _, reference in found}
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"1"'


def test_prefer_says_what_the_body_holds(api: Api) -> None:
    name = make_name()
    minimal = api.create(write_event(name=name), Prefer="return=minimal")
    assert (minimal.status_code, minimal.content) == (201, b"")
    reference = minimal.headers["Location"].split("/")[-3]
    outcome = api.update(reference, write_event(name=name), Prefer="return=OperationOutcome")
    assert outcome.status_code == 200
    assert outcome.json()["resourceType"] == "OperationOutcome"
    for prefer in (
        "return=representation",
        "return=everything",
        "",
        "respond-async",
        "x, return=representation",
    ):
        answer = api.update(reference, write_event(name=name), Prefer=prefer)
        assert answer.json()["resourceType"] == "AdverseEvent"
    both = api.update(reference, write_event(name=name), Prefer="handling=strict; return=minimal")
    assert both.content == b""
    for answer in (minimal, outcome, both):
        assert answer.headers["ETag"] == 'W/"1"'
        assert answer.headers["Location"] == f"{EVENTS}/{reference}/_history/1"


def test_a_rejection_is_told_whatever_is_preferred(api: Api) -> None:
    answer = api.create(write_event(narrative="Fell."), Prefer="return=minimal")
    assert (answer.status_code, get_code(answer)) == (422, "TEXT-002")

"""Requests that can be repeated, by their Idempotency-Key: the answer is kept, the work is not done
again; and the same bytes that come as a feed too."""

from io import BytesIO
from typing import Any

import pytest
import requests

from gateway.pipeline.ingest import ingest_feed, process_batch
from gateway.pipeline.judge_single import SingleJudge
from gateway.pipeline.make_single import fingerprint
from gateway.pipeline.prune import prune_expired
from gateway.pipeline.receive import receive_feed
from schemas.asked import Asked
from schemas.submission import Organisation
from store.reservations import KEPT, LEASE, Wanted
from tests.integration.test_store_concurrency import at_once
from tests.lib.api import OTHER, REPORTED_BY_OTHER, SOURCE
from tests.lib.api_calls import (
    Api,
    count_rows,
    encode,
    get_code,
    get_issue,
    get_reference,
    make_name,
    write_event,
)
from tests.lib.events import STORY

# What of a replayed answer may differ from the first.
_OWN = ("date", "x-request-id", "idempotency-replayed", "ratelimit", "ratelimit-policy")


def assert_replays(again: requests.Response, first: requests.Response) -> None:
    """The same answer, to the byte."""
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert again.status_code == first.status_code
    assert again.content == first.content
    told, before = (
        {name: value for name, value in answer.headers.lower_items() if name not in _OWN}
        for answer in (again, first)
    )
    assert told == before


def make_key() -> str:
    return make_name().replace("IN", "key")


def test_the_same_key_and_body_have_the_same_answer(api: Api) -> None:
    key, name = make_key(), make_name()
    body = encode(write_event(name=name))
    first = api.create(body, Idempotency_Key=key)
    assert first.status_code == 201
    before = count_rows(api.database)
    for _ in range(2):
        assert_replays(api.create(body, Idempotency_Key=key), first)
    assert count_rows(api.database) == before
    # What happens to the event afterwards is no part of that answer.
    api.clock.forward(5)
    api.update(get_reference(first), write_event(name=name, narrative=STORY))
    assert_replays(api.create(body, Idempotency_Key=key), first)
    assert api.read(f"/{get_reference(first)}").headers["ETag"] == 'W/"2"'


def test_an_update_is_replayed_and_not_done_again(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event(name=name)))
    key = make_key()
    body = encode(write_event(name=name, narrative=STORY))
    how = {"Idempotency_Key": key, "If_Match": 'W/"1"'}
    first = api.update(reference, body, **how)
    assert first.status_code == 200
    third = api.update(reference, write_event(name=name))
    assert third.headers["ETag"] == 'W/"3"'
    # Without the key it would be stale now.
    assert_replays(api.update(reference, body, **how), first)
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"3"'


def test_a_rejection_is_replayed_too(api: Api) -> None:
    for body, status in ((write_event(narrative="Fell."), 422), ({"resourceType": "Patient"}, 400)):
        key = make_key()
        first = api.create(body, Idempotency_Key=key)
        assert first.status_code == status
        before = count_rows(api.database)
        assert_replays(api.create(body, Idempotency_Key=key), first)
        assert count_rows(api.database) == before


def test_warnings_are_replayed(api: Api) -> None:
    body = write_event(name=make_name(), narrative=f"{STORY} NHS number 999 000 0018.")
    how = {"Idempotency_Key": make_key(), "Prefer": "return=OperationOutcome"}
    first = api.create(body, **how)
    assert get_issue(first)["finding"] == "TEXT-003"
    assert_replays(api.create(body, **how), first)


def test_an_update_that_changed_nothing_is_replayed(api: Api) -> None:
    name = make_name()
    body = write_event(name=name)
    reference = get_reference(api.create(body))
    key = make_key()
    first = api.update(reference, body, Idempotency_Key=key)
    assert (first.status_code, first.headers["ETag"]) == (200, 'W/"1"')
    api.update(reference, write_event(name=name, narrative=STORY))
    assert_replays(api.update(reference, body, Idempotency_Key=key), first)


def test_a_key_for_an_event_that_was_known(api: Api) -> None:
    """The first answer under the key was 200, and stays so."""
    body = encode(write_event(name=make_name()))
    assert api.create(body).status_code == 201
    key = make_key()
    first = api.create(body, Idempotency_Key=key)
    assert first.status_code == 200
    assert_replays(api.create(body, Idempotency_Key=key), first)


def test_a_key_for_an_event_that_was_known_and_is_changed_since(api: Api) -> None:
    name = make_name()
    body = encode(write_event(name=name))
    reference = get_reference(api.create(body))
    api.update(reference, write_event(name=name, narrative=STORY))
    key = make_key()
    first = api.create(body, Idempotency_Key=key)
    assert (first.status_code, first.headers["ETag"]) == (200, 'W/"2"')
    api.update(reference, write_event(name=name))
    assert_replays(api.create(body, Idempotency_Key=key), first)


def test_a_key_for_an_event_that_existed(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event(name=name)))
    body = write_event(name=name, narrative=STORY)
    how = {"Idempotency_Key": make_key(), "If_None_Exist": f"identifier={name}"}
    first = api.create(body, **how)
    assert (first.status_code, first.headers["ETag"]) == (200, 'W/"1"')
    api.update(reference, body)
    assert_replays(api.create(body, **how), first)


def test_the_same_content_without_identifier_under_another_key(api: Api) -> None:
    """Other bytes, the same content: it is known by what it says, and the answer stays."""
    story = f"{STORY} {make_name()}"
    body = encode(write_event(narrative=story))
    assert api.create(body).status_code == 201
    key = make_key()
    first = api.create(body + b" ", Idempotency_Key=key)
    assert first.status_code == 200
    assert_replays(api.create(body + b" ", Idempotency_Key=key), first)
    other = api.create(body + b"  ", Idempotency_Key=key)
    assert (other.status_code, get_code(other)) == (422, "key-reused")


def test_an_event_known_by_its_content_is_not_taken_back_by_other_bytes(api: Api) -> None:
    """It was updated; then its first content comes again, written another way: the same event, as
    it is now."""
    body = encode(write_event(narrative=f"{STORY} {make_name()}"))
    reference = get_reference(api.create(body))
    updated = api.update(reference, write_event(narrative=f"{STORY} Seen otherwise."))
    before = count_rows(api.database)
    late = api.create(body + b" ")
    assert (late.status_code, late.content) == (200, updated.content)
    assert count_rows(api.database) == before


def test_a_key_is_for_one_request(api: Api) -> None:
    key, name = make_key(), make_name()
    body = write_event(name=name)
    first = api.create(body, Idempotency_Key=key)
    reference = get_reference(first)
    before = count_rows(api.database)
    for answer in (
        api.create(write_event(name=name, narrative=STORY), Idempotency_Key=key),
        api.create(body, Idempotency_Key=key, If_None_Exist=f"identifier={name}"),
        api.update(reference, body, Idempotency_Key=key),
        api.create({}, Idempotency_Key=key),
    ):
        assert (answer.status_code, get_code(answer)) == (422, "key-reused")
        assert get_issue(answer)["severity"] == "error"
        assert "Idempotency-Replayed" not in answer.headers
    assert count_rows(api.database) == before
    assert_replays(api.create(body, Idempotency_Key=key), first)


def test_keys_are_each_sources_own(api: Api) -> None:
    key = make_key()
    mine = api.create(write_event(name=make_name()), Idempotency_Key=key)
    theirs = api.create(
        write_event(name=make_name(), **REPORTED_BY_OTHER), source=OTHER.id, Idempotency_Key=key
    )
    assert (mine.status_code, theirs.status_code) == (201, 201)


@pytest.mark.parametrize("given", ["", "two words", "ü", "k" * 256])
def test_a_key_that_cannot_be_one(api: Api, given: str) -> None:
    before = count_rows(api.database)
    answer = api.create(write_event(), Idempotency_Key=given)
    assert (answer.status_code, get_code(answer)) == (400, "header-malformed")
    assert count_rows(api.database) == before


def test_the_longest_key(api: Api) -> None:
    key = "k" * (255 - len(name := make_name())) + name
    body = write_event(name=name)
    first = api.create(body, Idempotency_Key=key)
    assert_replays(api.create(body, Idempotency_Key=key), first)


def test_what_is_refused_or_stale_or_unknown_does_not_use_up_the_key(api: Api) -> None:
    """There is no answer to keep: mended, the same request may come again."""
    key, name = make_key(), make_name()
    body = write_event(name=name, **REPORTED_BY_OTHER)
    assert api.create(body, Idempotency_Key=key).status_code == 403
    assert api.update("0000-0000-0000-0", body, Idempotency_Key=key).status_code == 404
    assert api.create(body, Idempotency_Key=key, If_None_Exist="identifier=x").status_code == 403
    differs = write_event(name=name)
    assert api.create(differs, Idempotency_Key=key, If_None_Exist="identifier=x").status_code == 400
    reference = get_reference(api.create(differs, Idempotency_Key=key))
    key = make_key()
    update = write_event(name=name, narrative=STORY)
    assert api.update(reference, update, Idempotency_Key=key, If_Match='W/"7"').status_code == 412
    answer = api.update(reference, update, Idempotency_Key=key, If_Match='W/"1"')
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')


def test_in_flight(api: Api) -> None:
    """While another process works on it: its reservation is there, its answer is not."""
    key = make_key()
    body = encode(write_event(name=make_name()))
    reserve(api, key, body)
    answer = api.create(body, Idempotency_Key=key)
    assert (answer.status_code, get_code(answer)) == (409, "in-flight")
    assert int(answer.headers["Retry-After"]) > 0
    other = api.create(body + b" ", Idempotency_Key=key)
    assert (other.status_code, get_code(other)) == (422, "key-reused")


def reserve(api: Api, key: str, body: bytes) -> None:
    """As an attempt does that died right after."""
    asked = Asked(source_id=SOURCE.id, body=body, request_id="x", nonce=b"", key=key)
    with api.gateway.store.begin(actor="api", at=api.clock.now()) as work:
        (reserved,) = work.reservations.reserve([Wanted(SOURCE.id, key, fingerprint(asked))])
    assert reserved.state == "held"


def test_an_attempt_that_died_is_taken_over(api: Api) -> None:
    key = make_key()
    body = encode(write_event(name=make_name()))
    reserve(api, key, body)
    api.clock.forward(LEASE.total_seconds() - 1)
    assert api.create(body, Idempotency_Key=key).status_code == 409
    api.clock.forward(1)
    first = api.create(body, Idempotency_Key=key)
    assert first.status_code == 201
    assert_replays(api.create(body, Idempotency_Key=key), first)


def test_two_at_once_with_one_key_in_one_process(api: Api) -> None:
    key = make_key()
    body = encode(write_event(name=make_name()))
    answers = at_once(lambda _: api.create(body, Idempotency_Key=key))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses.count(201) >= 1
    assert set(statuses) <= {201, 409}
    fresh = [one for one in answers if one.ok and "Idempotency-Replayed" not in one.headers]
    assert len(fresh) == 1
    assert_replays(api.create(body, Idempotency_Key=key), fresh[0])


def test_answers_are_forgotten_after_a_week(api: Api) -> None:
    key = make_key()
    body = encode(write_event(name=make_name()))
    first = api.create(body, Idempotency_Key=key)
    api.clock.forward(KEPT.total_seconds())
    prune_expired(api.gateway)
    assert_replays(api.create(body, Idempotency_Key=key), first)
    api.clock.forward(1)
    prune_expired(api.gateway)
    again = api.create(body, Idempotency_Key=key)
    # Still the same event: the key was never all there is.
    assert (again.status_code, get_reference(again)) == (200, get_reference(first))
    assert "Idempotency-Replayed" not in again.headers


def test_bytes_that_wait_as_a_feed_are_told_to_wait(api: Api) -> None:
    """They will be loaded: to load them here too would be to load them twice."""
    body = encode(write_event(name=make_name()))
    batch, _ = receive_feed(api.gateway, SOURCE.id, BytesIO(body), filename="feed", route="http")
    key = make_key()
    for how in ({}, {"Idempotency_Key": key}):
        answer = api.create(body, **how)
        assert (answer.status_code, get_code(answer)) == (409, "in-flight")
    process_batch(api.gateway, batch.id)
    first = api.create(body, Idempotency_Key=key)
    assert (first.status_code, first.headers["LRMS-Batch"]) == (200, batch.id)
    assert_replays(api.create(body, Idempotency_Key=key), first)


@pytest.mark.parametrize("with_key", [False, True])
def test_bytes_that_were_rejected_as_a_feed_may_be_accepted_now(api: Api, with_key: bool) -> None:
    """An organisation is registered since: the rejected feed is no answer any more."""
    code = f"RY{int(with_key)}{api.gateway.store.is_postgresql:d}"
    body = encode(
        write_event(
            name=make_name(), LocationDetails={"LocationKnown": "y", "Organisation": [code]}
        )
    )
    feed, _ = ingest_feed(api.gateway, SOURCE.id, BytesIO(body), filename="feed")
    assert feed.verdict == "rejected"
    with api.gateway.store.begin(actor="test", at=api.clock.now()) as work:
        work.organisations.add_many([Organisation(code, "Opened Today")])
    api.clock.forward(api.gateway.settings.register_cache_seconds)
    how = {"Idempotency_Key": make_key()} if with_key else {}
    first = api.create(body, **how)
    assert first.status_code == 201
    assert first.headers["LRMS-Batch"] != feed.id
    again = api.create(body, **how)
    if with_key:
        assert_replays(again, first)
    assert again.content == first.content
    assert api.read(f"/{get_reference(first)}").headers["ETag"] == 'W/"1"'


def test_a_key_whose_work_fails_is_free_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key()
    body = encode(write_event(name=make_name()))

    def fail(*_: Any) -> Any:
        raise KeyError("x")

    with monkeypatch.context() as broken:
        broken.setattr(SingleJudge, "_judge", fail)
        answer = api.create(body, Idempotency_Key=key)
        assert (answer.status_code, get_code(answer)) == (500, "fault")
    first = api.create(body, Idempotency_Key=key)
    assert first.status_code == 201
    assert_replays(api.create(body, Idempotency_Key=key), first)

"""Receipts sent back over MESH, against its sandbox: each message is answered once, whatever breaks
off; what cannot be known is shown, never sent blindly again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.pipeline.ingest import process_batch
from gateway.pipeline.send_receipts import resend_receipt, send_receipts
from schemas.errors import WrongUseError
from tests.lib.collecting import Clock, Killed, add, list_actions, open_collecting, read_items, run
from tests.lib.feeds import generate
from tests.lib.mesh import SENDER, STRANGER, WORKFLOW, Answer, Mesh
from tests.lib.mesh_box import SECRETS, make_settings, on


@pytest.fixture(params=["csv"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path, mesh: Mesh, form: str) -> Iterator[tuple[Gateway, Clock]]:
    with open_collecting(tmp_path) as (gateway, clock):
        found = replace(gateway, find_secret=SECRETS.get)
        settings = make_settings(mesh, receipts={"form": form})
        add(found, "mesh", name="box", settings=settings)
        yield found, clock


@pytest.fixture(scope="module")
def feed() -> bytes:
    return generate(events=3)


def receive(gateway: Gateway, mesh: Mesh, feed: bytes) -> tuple[int, str]:
    """A message that came in and whose batch is finished: the item's number, the batch's id."""
    message = mesh.send(feed)
    run(gateway, "box")
    item = read_items(gateway, "box", "remote_id")[message]
    process_batch(gateway, item.batch_id)
    return item.id, item.batch_id


def read_message(gateway: Gateway, item: int):
    with gateway.store.read() as work:
        return work.receipt_messages.get(item)


def read_received(mesh: Mesh, mailbox: str = SENDER) -> list[tuple[dict[str, str], bytes]]:
    found = []
    with mesh.client(mailbox) as client:
        for message_id in client.list_messages():
            message = client.retrieve_message(message_id)
            found.append((dict(message.mex_headers()), message.read()))
            message.close()
    return found


@pytest.mark.parametrize("form", ["csv", "json"], indirect=True)
def test_a_message_is_answered_with_the_receipt_of_its_batch(mesh, gateway, feed, form):
    assert send_receipts(gateway) == {"sent": 0, "failed": 0}
    message = mesh.send(feed)
    run(gateway, "box")
    assert send_receipts(gateway) == {"sent": 0, "failed": 0}, "its batch is not finished"
    item = read_items(gateway, "box", "remote_id")[message]
    process_batch(gateway, item.batch_id)
    assert send_receipts(gateway) == {"sent": 1, "failed": 0}
    assert send_receipts(gateway) == {"sent": 0, "failed": 0}
    ((headers, body),) = read_received(mesh)
    assert headers["localid"] == item.batch_id
    assert headers["workflowid"] == f"{WORKFLOW}_ACK"
    assert headers["filename"] == f"{item.batch_id}.receipt.{form}"
    if form == "json":
        assert len(json.loads(body)["records"]) == 3
    else:
        assert body.decode("utf-8-sig").startswith("number,locator,local_id,disposition")
        assert len(body.splitlines()) >= 4
    sent = read_message(gateway, item.id)
    assert (sent.state, sent.recipient, sent.sent_at) == ("sent", SENDER, gateway.now())
    assert list_actions(gateway.settings.database, item.id)[-3:] == [
        "receipt_message.added",
        "receipt_message.claimed",
        "receipt_message.sent",
    ]


def test_each_message_of_the_same_bytes_is_answered(mesh, gateway, feed):
    receive(gateway, mesh, feed)
    receive(gateway, mesh, feed)
    assert send_receipts(gateway)["sent"] == 2
    ids = {headers["localid"] for headers, _ in read_received(mesh)}
    (first,) = {one for one in ids if "." not in one}
    assert ids == {first, f"{first}.2"}


def test_a_receipt_of_many_chunks_goes_on_where_it_broke_off(
    mesh, gateway, clock, feed, monkeypatch
):
    monkeypatch.setattr("gateway.collectors.mesh_sending._CHUNK", 100)
    item, _ = receive(gateway, mesh, feed)
    mesh.breaks = on("POST", "/3", Answer(503))
    assert send_receipts(gateway) == {"sent": 0, "failed": 0, "waiting": 1}
    broken = read_message(gateway, item)
    assert (broken.state, broken.reason) == ("waiting", "unreachable")
    assert broken.message_id is not None
    mesh.breaks = lambda _request: None
    assert send_receipts(gateway)["sent"] == 0, "not due yet"
    clock.go(minutes=3)
    assert send_receipts(gateway)["sent"] == 1
    assert mesh.asked("POST", "/outbox") == 1, "the first part was sent once"
    ((_, body),) = read_received(mesh)
    assert len(body) > 200
    assert len(body.splitlines()) >= 4


def test_killed_after_the_first_part_went_out(mesh, gateway, clock, feed, monkeypatch):
    """Nothing here says whether it did; MESH is asked, by our own id of it."""

    def send_and_die(*args: object, **rest: object) -> object:
        send(*args, **rest)
        raise Killed

    from mesh_client import MeshClient  # noqa: PLC0415 - beside what is put in its place

    send = MeshClient.send_chunk
    item, batch = receive(gateway, mesh, feed)
    with monkeypatch.context() as killing:
        killing.setattr(MeshClient, "send_chunk", send_and_die)
        with pytest.raises(Killed):
            send_receipts(gateway)
    assert (read_message(gateway, item).state, read_message(gateway, item).message_id) == (
        "sending",
        None,
    )
    assert send_receipts(gateway)["sent"] == 0, "another may be at it"
    clock.go(minutes=31)
    assert send_receipts(gateway)["sent"] == 1
    assert mesh.asked("POST", "/outbox") == 1
    assert mesh.asked("GET", f"/outbox/tracking/{batch}") == 1
    assert len(read_received(mesh)) == 1
    assert read_message(gateway, item).message_id is not None


def test_killed_before_the_first_part_went_out_and_mesh_can_be_believed(
    mesh, gateway, clock, feed, monkeypatch
):
    """It knows another message of ours by its local id, so not to know this one says something."""

    def die(*_args: object, **_rest: object) -> None:
        raise Killed

    receive(gateway, mesh, feed)
    send_receipts(gateway)
    item, _ = receive(gateway, mesh, feed + b"\n")
    with monkeypatch.context() as killing:
        killing.setattr("mesh_client.MeshClient.send_chunk", die)
        with pytest.raises(Killed):
            send_receipts(gateway)
    clock.go(minutes=31)
    assert send_receipts(gateway)["sent"] == 1
    assert read_message(gateway, item).state == "sent"
    assert len(read_received(mesh)) == 2


def test_where_mesh_cannot_be_believed_it_is_shown_and_sent_by_an_operator_alone(
    mesh, gateway, clock, feed
):
    """It knows none of our messages by a local id: perhaps it has no such call any more."""
    item, _ = receive(gateway, mesh, feed)
    mesh.breaks = on("POST", "/outbox", Answer(500), times=1)
    assert send_receipts(gateway) == {"sent": 0, "failed": 0, "unknown": 1}
    assert send_receipts(gateway)["sent"] == 0
    lost = read_message(gateway, item)
    assert (lost.state, lost.reason) == ("unknown", "lost-track")
    clock.go(hours=2)
    send_receipts(gateway)
    assert mesh.asked("POST", "/outbox") == 1, "never again by itself"
    resend_receipt(gateway, item)
    assert send_receipts(gateway)["sent"] == 1
    assert len(read_received(mesh)) == 1
    with pytest.raises(WrongUseError):
        resend_receipt(gateway, item)


def test_an_answer_that_is_lost_is_asked_for_and_not_sent_again(mesh, gateway, feed):
    """MESH has it; the connection broke before it said so."""
    item, _ = receive(gateway, mesh, feed)
    mesh.after = on("POST", "/outbox", Answer(0), times=1)
    assert send_receipts(gateway) == {"sent": 0, "failed": 0, "unknown": 1}
    assert read_message(gateway, item).state == "unknown"
    assert send_receipts(gateway)["sent"] == 1
    assert mesh.asked("POST", "/outbox") == 1
    assert len(read_received(mesh)) == 1


@pytest.mark.parametrize(("status", "reason"), [(417, "not-taken"), (400, "not-taken")])
def test_what_mesh_does_not_take_is_shown(mesh, gateway, feed, status, reason):
    item, _ = receive(gateway, mesh, feed)
    mesh.breaks = on("POST", "/outbox", Answer(status, b"{}"))
    assert send_receipts(gateway) == {"sent": 0, "failed": 0, "refused": 1}
    refused = read_message(gateway, item)
    assert (refused.state, refused.reason) == ("refused", reason)
    mesh.breaks = lambda _request: None
    assert send_receipts(gateway)["sent"] == 0
    resend_receipt(gateway, item)
    assert send_receipts(gateway)["sent"] == 1


@pytest.mark.parametrize(("status", "reason"), [(403, "denied"), (429, "throttled")])
def test_what_mesh_does_not_take_now_is_sent_later(mesh, gateway, clock, feed, status, reason):
    item, _ = receive(gateway, mesh, feed)
    mesh.breaks = on("POST", "/outbox", Answer(status, b"{}"), times=1)
    send_receipts(gateway)
    waiting = read_message(gateway, item)
    assert (waiting.state, waiting.reason) == ("waiting", reason)
    clock.go(minutes=3)
    assert send_receipts(gateway)["sent"] == 1


def test_a_mailbox_that_cannot_be_reached_keeps_its_receipts(mesh, gateway, clock, feed):
    item, _ = receive(gateway, mesh, feed)
    url = mesh.url
    with gateway.store.begin(actor="test", at=clock.now) as work:
        work.collectors.remove("box")
    add(
        gateway,
        "mesh",
        name="box",
        settings=make_settings(mesh, url="http://127.0.0.1:1", receipts={}),
    )
    assert send_receipts(gateway) == {"sent": 0, "failed": 0, "waiting": 1}
    assert read_message(gateway, item).reason == "unreachable"
    with gateway.store.begin(actor="test", at=clock.now) as work:
        work.collectors.remove("box")
    add(gateway, "mesh", name="box", settings=make_settings(mesh, url=url, receipts={}))
    clock.go(minutes=3)
    assert send_receipts(gateway)["sent"] == 1


@pytest.mark.parametrize("by_local_id", [False, True])
def test_an_error_report_about_a_receipt_is_recorded(mesh, gateway, feed, by_local_id):
    item, batch = receive(gateway, mesh, feed)
    send_receipts(gateway)
    message_id = read_message(gateway, item).message_id
    report = mesh.report(message_id, local_id=batch if by_local_id else None)
    assert run(gateway, "box") == {"noted": 1}
    undelivered = read_message(gateway, item)
    assert (undelivered.state, undelivered.reason) == ("undelivered", "undelivered")
    assert read_items(gateway, "box", "remote_id")[report].settled_at is not None
    assert mesh.list() == [], "acknowledged when it was written down"
    resend_receipt(gateway, item)
    assert send_receipts(gateway)["sent"] == 1


def test_killed_before_a_report_is_acknowledged_it_is_written_down_already(
    mesh, gateway, clock, feed, monkeypatch
):
    def kill(*_args: object) -> None:
        raise Killed

    item, _ = receive(gateway, mesh, feed)
    send_receipts(gateway)
    mesh.report(read_message(gateway, item).message_id)
    with monkeypatch.context() as killing:
        killing.setattr("mesh_client.MeshClient.acknowledge_message", kill)
        with pytest.raises(Killed):
            run(gateway, "box")
    assert read_message(gateway, item).state == "undelivered"
    clock.go(minutes=16)
    assert run(gateway, "box") == {}
    assert mesh.list() == []


def test_who_is_unknown_is_not_answered(mesh, gateway, feed):
    mesh.send(feed, sender=STRANGER)
    assert run(gateway, "box") == {"refused": 1}
    assert send_receipts(gateway) == {"sent": 0, "failed": 0}

"""MESH mailboxes, against NHS England's own sandbox over real HTTP: received and stored, then
acknowledged; whatever fails, in the mailbox or here, nothing is lost or doubled."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError
from gateway.pipeline.collect_item import retry_refused, take_refused
from tests.lib.collecting import (
    OTHER,
    SOURCE,
    Clock,
    Killed,
    add,
    list_batches,
    open_collecting,
    read_collector,
    read_items,
    run,
)
from tests.lib.mesh import OURS, PASSWORD, SENDER, STRANGER, WORKFLOW, Answer, Mesh
from tests.lib.mesh_box import FEED, SECRETS, make_settings, on


@pytest.fixture
def opened(tmp_path: Path, mesh: Mesh) -> Iterator[tuple[Gateway, Clock]]:
    with open_collecting(tmp_path, max_feed_bytes=300_000) as (gateway, clock):
        found = replace(gateway, find_secret=SECRETS.get)
        add(found, "mesh", name="box", settings=make_settings(mesh))
        yield found, clock


def collect(gateway: Gateway) -> dict[str, int]:
    return run(gateway, "box")


def find_items(gateway: Gateway) -> dict[str, object]:
    return read_items(gateway, "box", "remote_id")


@pytest.mark.parametrize("compress", [False, True])
def test_a_message_is_received_and_acknowledged(mesh, gateway, compress):
    message = mesh.send(FEED, compress=compress, filename="../up/C:\\drop\\feed.json", local_id="7")
    assert collect(gateway) == {"received": 1}
    assert mesh.list() == []
    assert list_batches(gateway.settings.database) == [(SOURCE.id, "feed.json", "mesh")]
    item = find_items(gateway)[message]
    headers = json.loads(item.headers)
    assert (headers["mex-from"], headers["mex-localid"]) == (SENDER, "7")
    with gateway.raw.open_verified(item.sha256) as stream:
        assert stream.read() == FEED
    assert collect(gateway) == {}


@pytest.mark.parametrize("compress", [False, True])
def test_chunks_are_one_feed(mesh, gateway, compress):
    feed = FEED * 3_000
    message = mesh.send(feed, compress=compress, chunk=40_000)
    assert collect(gateway) == {"received": 1}
    assert mesh.asked("GET", f"/{message}/5") == 1
    item = find_items(gateway)[message]
    with gateway.raw.open_verified(item.sha256) as stream:
        assert stream.read() == feed


def test_whose_a_message_is_follows_from_mailbox_and_workflow(mesh, gateway):
    mesh.send(FEED, workflow_id="TEST_WORKFLOW2")
    unset = mesh.send(FEED, workflow_id="OTHER")
    stranger = mesh.send(FEED + b" ", sender=STRANGER)
    assert collect(gateway) == {"received": 1, "refused": 2}
    assert [source for source, _, _ in list_batches(gateway.settings.database)] == [OTHER.id]
    items = find_items(gateway)
    assert (items[unset].reason, items[stranger].reason) == ("wrong-workflow", "unknown-sender")
    assert mesh.list() == [], "they are kept here"
    assert items[stranger].name == "feed.json"
    batch = take_refused(gateway, items[stranger].id, SOURCE.id)
    assert batch.filename == "feed.json"
    with gateway.raw.open_verified(batch.sha256) as stream:
        assert stream.read() == FEED + b" "


def test_killed_between_storing_and_acknowledging(mesh, gateway, clock, monkeypatch):
    def kill(*_args: object) -> None:
        raise Killed

    message = mesh.send(FEED)
    with monkeypatch.context() as killing:
        killing.setattr("mesh_client.MeshClient.acknowledge_message", kill)
        with pytest.raises(Killed):
            collect(gateway)
    assert mesh.list() == [message], "acknowledged only when it is stored"
    assert len(list_batches(gateway.settings.database)) == 1
    clock.go(minutes=16)
    assert collect(gateway) == {}
    assert mesh.asked("GET", message) == 1, "not fetched again"
    assert mesh.list() == []
    assert len(list_batches(gateway.settings.database)) == 1


def test_acknowledging_whose_answer_is_lost_is_done_again(mesh, gateway):
    message = mesh.send(FEED)
    mesh.after = on("PUT", "/acknowledged", Answer(500))
    with pytest.raises(CollectError, match="item-failed"):
        collect(gateway)
    assert find_items(gateway)[message].reason == "settle-failed"
    mesh.after = lambda _request: None
    assert collect(gateway) == {}
    item = find_items(gateway)[message]
    assert (item.state, item.settled_at, item.reason) == ("received", gateway.now(), None)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "denied"), (417, "bad-answer"), (500, "bad-answer"), (503, "unreachable")],
)
def test_a_mailbox_that_cannot_be_listed_fails_the_run(mesh, gateway, status, reason, monkeypatch):
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_args, **_rest: None)
    message = mesh.send(FEED)
    mesh.breaks = on("GET", "/inbox?max_results=500", Answer(status, b"secret words"))
    with pytest.raises(CollectError) as failed:
        collect(gateway)
    assert failed.value.reason == reason
    assert "secret words" not in str(failed.value)
    collector = read_collector(gateway, "box")
    assert (collector.reason, collector.failures) == (reason, 1)
    assert mesh.asked("GET", "/inbox?max_results=500") == (4 if status == 503 else 1)
    mesh.breaks = lambda _request: None
    assert collect(gateway) == {"received": 1}
    assert find_items(gateway)[message].state == "received"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(403, "denied"), (404, "vanished"), (410, "vanished"), (500, "bad-answer")],
)
def test_a_message_that_cannot_be_fetched_holds_up_no_other(mesh, gateway, status, reason):
    bad, good = mesh.send(FEED), mesh.send(FEED * 2)
    mesh.breaks = on("GET", bad, Answer(status))
    with pytest.raises(CollectError, match="item-failed"):
        collect(gateway)
    items = find_items(gateway)
    assert (items[bad].state, items[bad].reason, items[bad].tries) == ("waiting", reason, 1)
    assert items[good].state == "received"
    assert mesh.list() == [bad]
    mesh.breaks = lambda _request: None
    assert collect(gateway) == {"received": 1}


@pytest.mark.parametrize("answer", [Answer(404), Answer(206, b"x", {"Mex-Chunk-Range": "3:4"})])
def test_a_chunk_that_is_lost_or_another_is_no_feed_cut_short(mesh, gateway, answer):
    message = mesh.send(FEED * 3_000, chunk=60_000)
    mesh.breaks = on("GET", f"/{message}/2", answer)
    with pytest.raises(CollectError, match="item-failed"):
        collect(gateway)
    assert list_batches(gateway.settings.database) == []
    assert mesh.list() == [message]
    mesh.breaks = lambda _request: None
    assert collect(gateway) == {"received": 1}


def test_a_connection_that_breaks_in_the_middle_is_no_feed_cut_short(mesh, gateway):
    message = mesh.send(FEED)
    told = {"Mex-MessageType": "DATA", "Mex-From": SENDER, "Mex-WorkflowID": WORKFLOW}
    mesh.breaks = on(
        "GET", message, Answer(200, FEED[:20], told | {"Content-Length": str(len(FEED))})
    )
    with pytest.raises(CollectError, match="item-failed"):
        collect(gateway)
    assert find_items(gateway)[message].reason == "broken-off"
    assert list_batches(gateway.settings.database) == []


@pytest.mark.parametrize("kept", [20, -9])
def test_a_gzip_that_breaks_off_is_no_feed_cut_short(mesh, gateway, kept):
    """mesh-client's own reader takes it for the whole (5.0.2)."""
    message = mesh.send(FEED)
    told = {"Mex-MessageType": "DATA", "Mex-From": SENDER, "Mex-WorkflowID": WORKFLOW}
    packed = gzip.compress(FEED * 50)[:kept]
    mesh.breaks = on("GET", message, Answer(200, packed, told | {"Content-Encoding": "gzip"}))
    assert collect(gateway) == {"refused": 1}
    item = find_items(gateway)[message]
    assert (item.reason, item.sha256, item.settled_at) == ("unreadable", None, None)
    assert mesh.list() == [message], "not kept here, so not taken from there"
    assert collect(gateway) == {}
    assert mesh.asked("GET", message) == 1, "nor fetched again, until an operator says so"
    mesh.breaks = lambda _request: None
    retry_refused(gateway, item.id)
    assert collect(gateway) == {"received": 1}


def test_a_bomb_is_stopped_at_the_limit(mesh, gateway, monkeypatch):
    """What is inflated is counted, and never more than a block at once."""
    message = mesh.send(FEED)
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(bytes(2**20)) for _ in range(64)), packer.flush()])
    told = {"Mex-MessageType": "DATA", "Mex-From": SENDER, "Mex-WorkflowID": WORKFLOW}
    mesh.breaks = on("GET", message, Answer(200, bomb, told | {"Content-Encoding": "gzip"}))
    inflated = []
    write = gateway.raw.write
    monkeypatch.setattr(gateway.raw, "write", lambda stream: write(_Watched(stream, inflated)))
    assert collect(gateway) == {"refused": 1}
    assert find_items(gateway)[message].reason == "too-big"
    assert max(inflated) <= 65_536
    assert sum(inflated) <= 300_000
    assert [path for path in gateway.settings.raw_folder.rglob("*") if path.is_file()] == []


class _Watched:
    def __init__(self, stream, sizes):
        self._stream = stream
        self._sizes = sizes

    def read(self, size=-1, /):
        block = self._stream.read(size)
        self._sizes.append(len(block))
        return block


@pytest.mark.parametrize("form", ["md5", "sha256"])
def test_a_checksum_is_checked_where_it_is_given(mesh, gateway, form):
    good = mesh.send(FEED, checksum=hashlib.new(form, FEED).hexdigest())
    bad = mesh.send(FEED * 2, checksum=hashlib.new(form, FEED).hexdigest())
    other = mesh.send(FEED * 3, checksum="of a form of our own")
    assert collect(gateway) == {"received": 2, "refused": 1}
    items = find_items(gateway)
    assert (items[good].state, items[other].state) == ("received", "received")
    assert (items[bad].state, items[bad].reason) == ("refused", "checksum")
    assert items[bad].sha256 == hashlib.sha256(FEED * 2).hexdigest(), "kept all the same"


def test_an_encrypted_message_is_kept_and_shown(mesh, gateway):
    message = mesh.send(FEED, encrypted=True)
    assert collect(gateway) == {"refused": 1}
    assert find_items(gateway)[message].reason == "encrypted"


def test_a_page_of_the_inbox_may_be_empty_while_another_follows(mesh, gateway):
    message = mesh.send(FEED)
    empty = {
        "messages": [],
        "links": {"self": "", "next": f"/messageexchange/{OURS}/inbox?max_results=10"},
        "approx_inbox_count": 1,
    }
    mesh.breaks = on(
        "GET", "/inbox?max_results=500", Answer(200, json.dumps(empty).encode()), times=1
    )
    assert collect(gateway) == {"received": 1}
    assert find_items(gateway)[message].state == "received"


def test_more_than_a_page_waits(mesh, gateway, monkeypatch):
    monkeypatch.setattr("gateway.collectors.mesh_inbox._PAGE", 10)
    for number in range(25):
        mesh.send(FEED + b" " * number)
    assert collect(gateway) == {"received": 25}
    assert mesh.list() == []


def test_only_the_workflows_of_the_filter(mesh, gateway):
    add(gateway, "mesh", name="some", settings=make_settings(mesh, workflow_filter="TEST_WORKFLOW"))
    mesh.send(FEED, workflow_id="TEST_WORKFLOW2")
    mesh.send(FEED * 2)
    assert run(gateway, "some") == {"received": 1}
    assert len(mesh.list()) == 1


@pytest.mark.parametrize("listed", [["../../admin"], [7], ["a b"]])
def test_an_inbox_that_lists_what_is_no_message_id_fails_the_run(mesh, gateway, listed):
    answer = {"messages": listed, "links": {}, "approx_inbox_count": 1}
    mesh.breaks = on("GET", "/inbox?max_results=500", Answer(200, json.dumps(answer).encode()))
    with pytest.raises(CollectError, match="bad-answer"):
        collect(gateway)


def test_a_handshake_a_day(mesh, gateway, clock):
    for hours in (0, 5, 17, 2):
        clock.go(hours=hours)
        collect(gateway)
    assert mesh.asked("POST", f"/messageexchange/{OURS}") == 2


def test_a_wrong_password_is_denied(mesh, gateway):
    wrong = replace(gateway, find_secret={**SECRETS, "MESH_PASSWORD": "wrong"}.get)
    with pytest.raises(CollectError, match="denied"):
        collect(wrong)


def test_a_secret_that_is_not_there_fails_the_run_and_stands_in_no_database(mesh, gateway):
    with pytest.raises(CollectError, match="secret"):
        collect(replace(gateway, find_secret={}.get))
    assert PASSWORD not in read_collector(gateway, "box").settings.replace('"password"', "")


def test_a_server_that_is_not_there_is_unreachable(mesh, gateway, monkeypatch):
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_args, **_rest: None)
    nowhere = make_settings(mesh, url="http://127.0.0.1:1")
    add(gateway, "mesh", name="nowhere", settings=nowhere)
    with pytest.raises(CollectError, match="unreachable"):
        run(gateway, "nowhere")


def test_how_long_a_message_still_waits(mesh, gateway, clock):
    message = mesh.send(FEED)
    mesh.breaks = on("GET", message, Answer(500))
    with pytest.raises(CollectError):
        collect(gateway)
    first_seen = gateway.now()
    clock.go(days=2)
    with pytest.raises(CollectError):
        collect(gateway)
    item = find_items(gateway)[message]
    assert (item.first_seen_at, (item.expires_at - clock.now).days) == (first_seen, 3)
    assert item.tries == 2


def test_a_report_is_noted_and_acknowledged(mesh, gateway):
    report = mesh.report("SOMETHING_UNKNOWN")
    assert collect(gateway) == {"noted": 1}
    assert mesh.list() == []
    item = find_items(gateway)[report]
    assert json.loads(item.headers)["mex-linkedmsgid"] == "SOMETHING_UNKNOWN"
    assert list_batches(gateway.settings.database) == []

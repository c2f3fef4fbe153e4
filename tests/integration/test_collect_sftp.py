"""SFTP collectors against a real OpenSSH server: which files are ready, what becomes of them, and
what bad files, bad moments and bad lines do to the others."""

import json
import logging
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError
from gateway.collectors.sftp import parse_host_key
from gateway.collectors.sftp_client import Client
from gateway.collectors.sftp_folder import SftpFolder
from schemas.errors import WrongUseError
from tests.lib.collecting import (
    Clock,
    Killed,
    add,
    list_batches,
    open_collecting,
    read_collector,
    read_items,
    run,
)
from tests.lib.databases import copy_sqlite
from tests.lib.ports import hold_port
from tests.lib.sftp_server import SftpServer
from tests.lib.tcp_proxy import Fault, TcpProxy

FEED = b"synthetic feed\n"
BIG = random.Random(5).randbytes(3_000_000)
MARK = "Zebrafinch"
# Written long before: it is not being written any more.
LONG_AGO = 1_700_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[SftpServer]:
    with SftpServer() as started:
        yield started


@pytest.fixture
def folder(server: SftpServer) -> Path:
    return server.make_folder()


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: Path) -> Iterator[tuple[Gateway, Clock]]:
    with (
        copy_sqlite(sqlite_template, tmp_path) as url,
        open_collecting(tmp_path / "home", url, max_feed_bytes=10_000_000) as both,
    ):
        yield both


@pytest.fixture
def gateway(opened: tuple[Gateway, Clock]) -> Gateway:
    return opened[0]


@pytest.fixture
def clock(opened: tuple[Gateway, Clock]) -> Clock:
    return opened[1]


@pytest.fixture
def put(server: SftpServer, folder: Path) -> Callable[..., Path]:
    """A file as its sender left it, each a second after the one before."""
    count = 0

    def put(name: str | bytes, content: bytes = b"") -> Path:
        nonlocal count
        count += 1
        path = folder / os.fsdecode(name)
        server.write(path, content or FEED * count)
        os.utime(path, (LONG_AGO + count, LONG_AGO + count))
        return path

    return put


@pytest.fixture
def make(gateway: Gateway, server: SftpServer, folder: Path) -> Callable[..., str]:
    """Registers the collector of the folder."""

    def make(name: str = "far", **settings: object) -> str:
        values = {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "key_file": str(server.key_file),
            "host_key": server.host_key,
            "folder": str(folder),
            "still_seconds": 0.05,
            "timeout": 60,
        }
        values |= settings
        text = json.dumps({name: value for name, value in values.items() if value is not None})
        return add(gateway, "sftp", name=name, settings=text).id

    return make


def read_raw(gateway: Gateway, name: str) -> bytes:
    item = read_items(gateway)[name]
    assert item.sha256 is not None
    with gateway.raw.open(item.sha256) as stream:
        return stream.read()


def list_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_are_received_in_the_order_they_were_finished_and_put_away(
    gateway, make, put, folder, server
):
    put("b.csv")
    put("a.csv", BIG)
    put("c.csv")
    make()
    assert run(gateway) == {"received": 3}
    batches = list_batches(gateway.settings.database)
    assert [one[1:] for one in batches] == [
        ("b.csv", "sftp"),
        ("a.csv", "sftp"),
        ("c.csv", "sftp"),
    ]
    assert read_raw(gateway, "a.csv") == BIG
    items = read_items(gateway)
    assert list_names(folder) == ["done"]
    assert list_names(folder / "done") == sorted(
        f"{one.batch_id}-{one.name}" for one in items.values()
    )
    assert run(gateway) == {}


def test_the_same_name_again_is_another_file(gateway, make, put, folder):
    make()
    put("a.csv")
    assert run(gateway) == {"received": 1}
    put("a.csv")
    assert run(gateway) == {"received": 1}
    # And the same bytes again are the same batch, put away beside the first.
    put("a.csv", FEED)
    assert run(gateway) == {"known": 1}
    assert len(list_names(folder / "done")) == 3


def test_received_files_can_be_deleted(gateway, make, put, folder):
    put("a.csv")
    make(after="delete")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == []


def test_files_that_are_left_are_remembered_until_they_change(gateway, make, put, folder):
    path = put("a.csv")
    make(after="leave")
    assert run(gateway) == {"received": 1}
    assert run(gateway) == {}
    put("a.csv", FEED + FEED)
    assert run(gateway) == {"received": 1}
    assert path.exists()
    assert list_names(folder) == ["a.csv"]


def test_what_is_not_finished_or_not_wanted_is_left_alone(gateway, make, put, folder):
    names = ["a.csv.part", "a.csv.filepart", "A.CSV.TMP", ".hidden.csv", "a.txt", "note.done"]
    for name in names:
        put(name)
    (folder / "sub.csv").mkdir()
    put("B.CSV")
    make(names="*.csv")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == sorted([*names, "sub.csv", "done"])


def test_a_file_that_is_written_to_between_two_looks_waits(gateway, make, put, folder, monkeypatch):
    path = put("a.csv")
    put("b.csv")
    find_ready = SftpFolder._find_ready

    def write_meanwhile(self):
        self._sleep = lambda _: path.write_bytes(FEED * 9)
        return find_ready(self)

    monkeypatch.setattr(SftpFolder, "_find_ready", write_meanwhile)
    make()
    assert run(gateway) == {"received": 1}
    assert path.exists()
    monkeypatch.undo()
    assert run(gateway) == {"received": 1}
    assert read_raw(gateway, "a.csv") == FEED * 9


def test_by_marker_a_file_is_ready_once_its_marker_is_there(gateway, make, put, folder):
    put("a.csv")
    put("b.csv")
    put("a.done", b"x")
    put("orphan.done", b"x")
    make(ready="done")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == ["b.csv", "done", "orphan.done"]
    put("b.csv.done", b"x")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == ["done", "orphan.done"]


def test_a_marker_that_may_mean_two_files_is_refused_and_left(gateway, make, put, folder):
    for name in ("a.csv", "a.xml", "b.csv"):
        put(name)
    put("a.done", b"x")
    put("b.done", b"x")
    make(ready="done")
    assert run(gateway) == {"received": 1, "refused": 1}
    assert read_items(gateway)["a.done"].reason == "ambiguous"
    assert list_names(folder) == ["a.csv", "a.done", "a.xml", "done"]


def test_links_and_devices_are_refused_and_followed_nowhere(gateway, make, put, folder, server):
    (folder / "loop.csv").symlink_to(folder)
    (folder / "self.csv").symlink_to("self.csv")
    (folder / "passwd.csv").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.csv")
    put("a.csv")
    make()
    assert run(gateway) == {"received": 1, "refused": 4}
    reasons = {name: one.reason for name, one in read_items(gateway).items()}
    names = ("loop.csv", "self.csv", "passwd.csv", "pipe.csv")
    assert {reasons[name] for name in names} == {"not-a-file"}
    assert len(list_names(folder / "refused")) == 4
    assert list_names(folder) == ["done", "refused"]


def test_what_is_refused_is_never_deleted(gateway, make, put, folder):
    (folder / "link.csv").symlink_to("/etc/passwd")
    make(after="delete")
    assert run(gateway) == {"refused": 1}
    assert list_names(folder) == ["link.csv"]
    assert run(gateway) == {}


def test_a_name_that_is_not_utf_8_hides_no_other_file(gateway, make, put, folder):
    put("a.csv")
    put("Ärzte.csv".encode("latin-1"))
    put("ä.csv")
    make()
    assert run(gateway) == {"received": 3}
    assert list_names(folder) == ["done"]


def test_one_file_that_cannot_be_read_holds_up_no_other(gateway, make, put, folder):
    put("a.csv").chmod(0)
    put("b.csv")
    make()
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    items = read_items(gateway)
    assert (items["a.csv"].state, items["a.csv"].reason) == ("waiting", "denied")
    assert items["b.csv"].state == "received"
    (folder / "a.csv").chmod(0o644)
    assert run(gateway) == {"received": 1}


def test_a_file_bigger_than_a_feed_may_be_is_refused_unread(gateway, make, put, folder):
    with put("a.csv").open("r+b") as file:
        file.truncate(gateway.settings.max_feed_bytes + 1)
    put("b.csv")
    make()
    assert run(gateway) == {"received": 1, "refused": 1}
    assert read_items(gateway)["a.csv"].reason == "too-big"


def test_a_file_that_changes_while_it_is_read_is_read_again(
    gateway, make, put, folder, monkeypatch
):
    path = put("a.csv", BIG)
    put("b.csv")
    read_range = Client.read_range

    def grow(self, file, start, end):
        yield from read_range(self, file, start, end)
        if end == len(BIG):
            with path.open("ab") as more:
                more.write(FEED)

    monkeypatch.setattr(Client, "read_range", grow)
    make()
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    items = read_items(gateway)
    assert (items["a.csv"].reason, items["b.csv"].state) == ("changed", "received")
    assert len([one for one in gateway.settings.raw_folder.rglob("*") if one.is_file()]) == 1
    monkeypatch.undo()
    # The one that was listed before is gone; what is there now is another.
    assert run(gateway) == {"received": 1, "gone": 1}
    assert read_raw(gateway, "a.csv") == BIG + FEED


def test_a_file_that_gets_shorter_while_it_is_read_is_not_taken(
    gateway, make, put, folder, monkeypatch
):
    path = put("a.csv", BIG)
    read_range = Client.read_range

    def shrink(self, file, start, end):
        os.truncate(path, 100_000)
        yield from read_range(self, file, start, end)

    monkeypatch.setattr(Client, "read_range", shrink)
    make()
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    assert read_items(gateway)["a.csv"].reason == "changed"
    assert list_batches(gateway.settings.database) == []


def test_a_file_that_comes_in_the_place_of_the_received_one_is_not_put_away(
    gateway, make, put, folder, monkeypatch
):
    put("a.csv")
    rename = Client.rename

    def replace_first(self, old, new):
        if not list((folder / "done").iterdir()):
            put("a.csv", FEED * 7)
        rename(self, old, new)

    monkeypatch.setattr(Client, "rename", replace_first)
    make()
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == ["a.csv", "done"]
    monkeypatch.undo()
    assert run(gateway) == {"received": 1}
    assert read_raw(gateway, "a.csv") == FEED * 7
    assert len(list_batches(gateway.settings.database)) == 2


def test_a_file_that_cannot_be_put_away_is_received_once_all_the_same(gateway, make, put, folder):
    put("a.csv")
    folder.chmod(0o555)
    make()
    for _ in range(2):
        with pytest.raises(CollectError, match="item-failed"):
            run(gateway)
        assert read_items(gateway)["a.csv"].reason == "settle-failed"
    folder.chmod(0o755)
    assert run(gateway) == {}
    assert list_names(folder) == ["done"]
    assert len(list_batches(gateway.settings.database)) == 1


@pytest.mark.parametrize("step", ["open", "settle"])
def test_a_run_that_is_killed_loses_nothing_and_doubles_nothing(
    gateway, clock, make, put, folder, monkeypatch, step
):
    for name in ("a.csv", "b.csv", "c.csv"):
        put(name)
    make()
    count = 0
    real = getattr(SftpFolder, step)

    def die(self, *given):
        nonlocal count
        count += 1
        if count == 2:
            raise Killed
        return real(self, *given)

    monkeypatch.setattr(SftpFolder, step, die)
    with pytest.raises(Killed):
        run(gateway)
    monkeypatch.undo()
    clock.go(minutes=20)
    run(gateway)
    assert list_names(folder) == ["done"]
    assert [one[1] for one in list_batches(gateway.settings.database)] == [
        "a.csv",
        "b.csv",
        "c.csv",
    ]
    assert len(list_names(folder / "done")) == 3


def test_a_folder_of_thousands_of_files_is_collected_page_by_page(gateway, make, server, folder):
    for number in range(2_000):
        server.write(folder / f"{number}.csv", b"feed %d\n" % number)
    (folder / "1050.csv").chmod(0)
    make(names="1[01][0-5]?.csv", after="leave")
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    states = Counter(one.state for one in read_items(gateway).values())
    assert states == {"received": 119, "waiting": 1}
    (folder / "1050.csv").chmod(0o644)
    assert run(gateway) == {"received": 1}


@pytest.mark.parametrize("then", ["cut", "reset", "silent"])
def test_a_connection_that_breaks_off_is_gone_on_with(gateway, make, put, server, folder, then):
    put("a.csv", BIG)
    put("b.csv")
    with TcpProxy(server.port, Fault(after=1_000_000, then=then)) as proxy:
        # Silence is ended by the limit alone; by it, a machine that stalls costs a connection more.
        is_silent = then == "silent"
        make(port=proxy.port, timeout=10 if is_silent else 60)
        assert run(gateway) == {"received": 2}
        assert proxy.connections == 2 or (is_silent and proxy.connections == 3)
    assert read_raw(gateway, "a.csv") == BIG


def test_a_file_over_which_the_connection_always_breaks_holds_up_no_other(
    gateway, make, put, server, folder
):
    put("a.csv", BIG)
    put("b.csv")
    with TcpProxy(server.port, *[Fault(after=500_000)] * 3) as proxy:
        make(port=proxy.port)
        with pytest.raises(CollectError, match="item-failed"):
            run(gateway)
        items = read_items(gateway)
        assert (items["a.csv"].state, items["a.csv"].reason) == ("waiting", "broken-off")
        assert items["b.csv"].state == "received"
        assert run(gateway) == {"received": 1}


def test_a_line_that_goes_silent_at_any_step_ends_the_run(gateway, make, put, server, folder):
    """The last but one: asked for SFTP, it waits for an answer."""
    put("a.csv")
    reasons = set()
    steps = [1, 100, 800, 1_500, 1_800, 2_000, 2_200, 2_400, 2_600, 2_800, 3_000]
    for number, after in enumerate(steps):
        with TcpProxy(server.port, Fault(after=after, then="silent")) as proxy:
            make(f"far{number}", port=proxy.port, timeout=0.3, after="leave")
            try:
                run(gateway, f"far{number}")
            except CollectError as error:
                reasons.add(error.reason)
    assert reasons <= {"timed-out", "unreachable", "broken-off"}
    assert reasons


def test_a_slow_line_is_waited_for(gateway, make, put, server, folder):
    put("a.csv", BIG)
    with TcpProxy(server.port, Fault(after=0, delay=0.001)) as proxy:
        make(port=proxy.port)
        assert run(gateway) == {"received": 1}
    assert read_raw(gateway, "a.csv") == BIG


def test_what_keeps_us_from_the_folder_is_told_by_reason(
    gateway, make, put, folder, server, tmp_path
):
    put("a.csv")
    other_key = SftpServer.make_key(tmp_path, "other")
    expected = {
        "host-key": {"host_key": other_key[1]},
        "denied": {"key_file": str(other_key[0])},
        "unreachable": {"port": hold_port()},
        "missing": {"folder": str(folder / "none")},
        "secret": {"key_file": str(tmp_path / "none")},
    }
    for reason, settings in expected.items():
        make(reason, **settings)
        with pytest.raises(CollectError) as error:
            run(gateway, reason)
        assert error.value.reason == reason
        assert read_collector(gateway, reason).reason == reason
    folder.chmod(0)
    make()
    with pytest.raises(CollectError, match="denied"):
        run(gateway)
    assert list_batches(gateway.settings.database) == []


def test_an_airflow_connection_needs_airflow(gateway, make):
    own = ("host", "port", "user", "key_file", "host_key")
    make(connection="trust_sftp", **dict.fromkeys(own))
    with pytest.raises(CollectError, match="settings"):
        run(gateway)


def test_an_opened_connection_is_used_as_it_is_given(gateway, make, put, folder, server):
    put("a.csv")
    opened = []

    @contextmanager
    def open_ssh(connection_id: str) -> Iterator[paramiko.SSHClient]:
        opened.append(connection_id)
        with server.connect() as client:
            yield client

    own = ("host", "port", "user", "key_file", "host_key")
    make(connection="trust_sftp", **dict.fromkeys(own))
    assert run(replace(gateway, open_ssh=open_ssh)) == {"received": 1}
    assert opened == ["trust_sftp"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"host_key": None}, "host_key"),
        ({"host_key": "ssh-ed25519 nonsense"}, "host_key: .*ssh-keyscan"),
        ({"key_file": None}, "key_file or password"),
        ({"connection": "x"}, "with connection"),
        ({"secret": "x"}, "secret"),
        ({"password": {"env": "A", "file": "/b"}}, "password: .*one of env and file"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, settings, told):
    with pytest.raises(WrongUseError, match=told):
        make(**settings)


def test_a_host_key_is_read_as_ssh_keyscan_prints_it(server):
    plain = parse_host_key(server.host_key)
    assert parse_host_key(f"[127.0.0.1]:2222 {server.host_key} a comment") == plain
    for wrong in (
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-dss AAAA",
        "ssh-rsa AAAAB3NzaC1yc2E=",
    ):
        with pytest.raises(ValueError, match="no public key"):
            parse_host_key(wrong)


def test_no_file_name_is_logged(gateway, make, put, folder, caplog):
    put(f"{MARK}.csv")
    put(f"{MARK}2.csv").chmod(0)
    make()
    with caplog.at_level(logging.DEBUG), pytest.raises(CollectError):
        run(gateway)
    assert "authentication" in caplog.text.lower(), "paramiko's own log was not seen"
    assert MARK not in caplog.text

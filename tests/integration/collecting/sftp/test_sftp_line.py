"""The line to an SFTP server, slow, silent and broken; who may come to its folder, and what is told
of it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import paramiko
import pytest

from gateway.collectors.far_end import CollectError
from gateway.collectors.sftp import parse_host_key
from schemas.errors import WrongUseError
from tests.lib.collecting import MARK, list_batches, read_collector, read_items, run
from tests.lib.ports import hold_port
from tests.lib.sftp_folder import BIG, read_raw
from tests.lib.sftp_server import SftpServer
from tests.lib.tcp_proxy import Fault, TcpProxy


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

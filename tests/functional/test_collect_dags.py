"""`collect_feeds` for real: an SFTP folder by the connection that Airflow keeps, an API by the
secret that Airflow keeps, and connections that are none."""

import json
from datetime import UTC, datetime

import pytest

from gateway.collectors.register import add_collector
from gateway.generator import write_feed
from gateway.pipeline.ingest import process_batch
from tests.functional.test_dags import MARK, Runs, write_marked_feed
from tests.lib.line import open_line, register_everyone
from tests.lib.lrms_api import LrmsApi
from tests.lib.sftp_server import SftpServer

pytestmark = pytest.mark.airflow

SECRET = "secret-of-the-api"


def make_connection(server, **extra):
    return json.dumps(
        {
            "conn_type": "sftp",
            "host": server.host,
            "port": server.port,
            "login": server.user,
            "extra": {
                "private_key": server.key_file.read_text(),
                "host_key": server.host_key,
                **extra,
            },
        }
    )


def make_trusting_connection(server):
    """One that would take any host key."""
    connection = json.loads(make_connection(server))
    del connection["extra"]["host_key"]
    connection["extra"]["no_host_key_check"] = "true"
    return json.dumps(connection)


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collected")
    home, feed = folder / "home", folder / "feed.ndjson"
    write_marked_feed(feed, events=20, errors=0.0)
    with SftpServer() as server, LrmsApi(datetime.now(UTC), page_size=50) as api:
        inbox = server.make_folder()
        server.write(inbox / f"{MARK}.ndjson", feed.read_bytes())
        with (folder / "api.ndjson").open("w+b") as stream:
            write_feed(stream, events=10, format="fhir-5", seed=12, errors=0.0, duplicates=0.0)
            stream.seek(0)
            for line in stream:
                api.add(json.loads(line))
        sftp = {"folder": str(inbox), "still_seconds": 0.1}
        collectors = {
            "trust": ("sftp", {"connection": "trust_sftp", **sftp}),
            "trusting": ("sftp", {"connection": "trusting_sftp", **sftp}),
            "unknown": ("sftp", {"connection": "unknown_sftp", **sftp}),
            "lrms": (
                "http",
                {
                    "url": f"{api.url}/fhir/AdverseEvent",
                    "since": {},
                    "pages": {"by": "bundle"},
                    "key": {"header": "X-Key", "secret": {"env": "LRMS_KEY"}},
                },
            ),
        }
        with open_line(home) as gateway:
            register_everyone(gateway, formats=("fhir",))
            for name, (kind, settings) in collectors.items():
                text = json.dumps(settings)
                add_collector(
                    gateway, name, source_id="test-fhir", kind=kind, settings=text, every=300
                )
        runs = Runs(
            home,
            "collect_feeds",
            AIRFLOW_CONN_TRUST_SFTP=make_connection(server),
            AIRFLOW_CONN_TRUSTING_SFTP=make_trusting_connection(server),
            AIRFLOW_VAR_LRMS_KEY=SECRET,
        )
        runs.left = sorted(path.name for path in inbox.iterdir())
        runs.keys = [headers.get("x-key") for headers in api.headers]
        yield runs


def test_a_collector_that_fails_is_red_for_itself_and_holds_up_no_other(collected):
    assert collected.states == ["failed"]
    states = [state for name, _, state, _ in collected.tasks[0] if name == "collect"]
    assert sorted(states) == ["failed", "failed", "success", "success"]
    tries = {count for name, _, _, count in collected.tasks[0] if name == "collect"}
    assert tries == {1}
    assert ["announce", -1, "success", 1] in collected.tasks[0]


def test_why_it_failed_stands_in_the_store(collected):
    with open_line(collected.home) as gateway, gateway.store.read() as work:
        reasons = {one.id: one.reason for one in work.collectors.find_all()}
    assert reasons == {
        "lrms": None,
        "trust": None,
        "trusting": "host-key",
        "unknown": "settings",
    }


def test_what_was_collected_can_be_loaded(collected):
    with open_line(collected.home) as gateway:
        with gateway.store.read() as work:
            found = work.batches.find_all(10)
        counts = {one.route: process_batch(gateway, one.id).counts.created for one in found}
    assert counts == {"sftp": 20, "pull": 10}
    assert collected.left == ["done"]
    assert collected.keys == [SECRET]


def test_xcom_and_logs_hold_no_content_no_file_name_and_no_secret(collected):
    assert MARK not in collected.output
    assert SECRET not in collected.output
    found = [
        (task, json.loads(value)) for task, key, value in collected.read_xcoms() if "return" in key
    ]
    for task, value in found:
        if task == "collect":
            assert all(isinstance(count, int) for count in value.values())
    assert {task for task, _ in found} >= {"find_due", "collect", "announce"}
    kept = collected.home / "airflow"
    for path in (path for path in kept.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert MARK.encode() not in content, path
        assert SECRET.encode() not in content, path

"""The sandbox begins the same everywhere, is reset to that, and never touches anything else; on
both databases."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import requests

from gateway.api.app import make_app
from gateway.pipeline.credentials import add_key, revoke_key
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.register import add_source, add_user
from gateway.pipeline.upload import begin_upload
from gateway.sandbox.fixed import KEYS, SOURCES, get_fixed
from gateway.sandbox.restore import is_only_sandbox, prepare_sandbox, reset_sandbox
from schemas.errors import WrongUseError
from schemas.submission import Grant, Source
from store.sandbox import CLEARED, KEPT
from store.tables import metadata
from tests.lib.api_calls import Api, get_code, make_name, wait_for, write_event
from tests.lib.command_line import CommandLineHere
from tests.lib.events import make_patient
from tests.lib.identity import make_ec, make_jwks
from tests.lib.line import read_register
from tests.lib.sandbox import (
    CSV,
    FHIR,
    SHARED,
    open_sandbox,
    open_sandbox_gateway,
    read_everything,
)

OTHER = Source(id="real-system", organisation="RZA", format="fhir")
WRONG_CSV = b"record_id,event_type\nW-1,9\n"


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_sandbox_gateway(tmp_path / "home", database_url) as gateway:
        yield gateway


@pytest.fixture
def api(tmp_path, database_url):
    with open_sandbox(tmp_path / "home", database_url) as api:
        yield api


def test_every_table_is_cleared_or_kept():
    assert sorted(table.name for table in (*CLEARED, *KEPT)) == sorted(metadata.tables)


def test_the_organisations_are_those_of_the_samples():
    assert list(get_fixed().organisations) == read_register()


def test_no_key_is_like_a_real_one():
    assert len({key.secret for key in KEYS}) == len(KEYS)
    for key in KEYS:
        assert key.secret.startswith("lrms_sandbox_")
        assert key.secret.endswith("0" * 20)


def test_preparing_it_twice_changes_nothing(gateway, database_url):
    assert prepare_sandbox(gateway) is True
    before = read_everything(database_url)
    assert [row[0] for row in before["sources"]] == sorted(one.id for one in SOURCES)
    assert [row[3] for row in before["audit"]] == ["sandbox.prepared"]
    assert prepare_sandbox(gateway) is False
    assert read_everything(database_url) == before


def test_what_was_changed_of_the_fixed_set_is_put_right_at_the_next_start(gateway):
    prepare_sandbox(gateway)
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.keys.revoke("k-sandbox-fhir")
        work.grants.give(SHARED, Grant("RZC", given_by="a mistake"))
    assert prepare_sandbox(gateway) is True
    with gateway.store.read() as work:
        assert work.sandbox.is_as_fixed(get_fixed())
        (found,) = (one for one in work.sources.find_all() if one.id == SHARED)
    assert not found.on(date(2026, 11, 27)).submits_for & {"RZC"}


def test_more_than_is_fixed_may_be_there(gateway):
    prepare_sandbox(gateway)
    made = add_key(gateway, FHIR, label="a second one")
    mine = Source(id="sandbox-mine", organisation="RZB", format="fhir")
    add_source(gateway, mine)
    assert prepare_sandbox(gateway) is False
    revoke_key(gateway, made.key.id)
    assert prepare_sandbox(gateway) is False


def test_a_database_with_another_source_is_never_touched(gateway, database_url):
    prepare_sandbox(gateway)
    add_source(gateway, OTHER)
    before = read_everything(database_url)
    assert not is_only_sandbox(gateway)
    for attempt in (prepare_sandbox, reset_sandbox, make_app):
        with pytest.raises(WrongUseError, match="real-system"):
            attempt(gateway)
    assert read_everything(database_url) == before


def test_a_database_without_a_sandbox_is_not_reset(gateway, database_url):
    before = read_everything(database_url)
    assert is_only_sandbox(gateway)
    with pytest.raises(WrongUseError, match="no sandbox"):
        reset_sandbox(gateway)
    assert read_everything(database_url) == before


def test_a_home_that_another_database_uses_is_not_taken(gateway):
    gateway.raw.write(io.BytesIO(b"a feed of somebody"))
    with pytest.raises(WrongUseError, match="LRMS_HOME"):
        prepare_sandbox(gateway)


def send_everything(api: Api) -> None:
    """Something for every table that is cleared."""
    gateway = api.gateway
    add_user(gateway, "admin@rza.example", "RZA", "admin")
    patient = make_patient(PhysicalHarm="1", PsychologicalHarm=None)
    harmed = write_event(name=make_name(), PatientInformation=[patient])
    assert api.create(harmed, source=FHIR, Idempotency_Key="k-1").status_code == 201
    feed = api.call("POST", "/feeds", WRONG_CSV, source=CSV).json()["id"]
    assert wait_for(api, feed, source=CSV)["counts"]["rejected"] == 1
    again = WRONG_CSV.replace(b"9", b"8")
    assert api.call("PUT", f"/feeds/{feed}/records/1", again, source=CSV).status_code == 422
    trial = api.call("POST", "/feeds?dry-run=true", WRONG_CSV + b"\n", source=CSV).json()["id"]
    assert wait_for(api, trial, source=CSV)["state"] == "checked"
    begin_upload(gateway, CSV, length=10, filename="feed.csv")
    receive_feed(gateway, CSV, io.BytesIO(b"record_id\n"), filename="waits.csv")
    mark_externally_recorded(gateway)
    prepare_messages(gateway)
    deliver_messages(gateway)


def test_a_reset_leaves_nothing_of_what_was_sent(api):
    home = api.gateway.settings.home
    send_everything(api)
    before = read_everything(api.database)
    for table in ("event_search", "alerts", "messages", "message_alerts", "corrections", "trials"):
        assert before[table], table
    answer = api.call("POST", "/sandbox/reset", source=CSV)
    assert answer.status_code == 200
    assert answer.json() == {"removed": {"events": 1, "batches": 4}}
    after = read_everything(api.database)
    for table in CLEARED:
        # Which counts requests, also the one that asked for the reset.
        assert not after[table.name] or table.name == "usage", table.name
    for folder in ("raw", "uploads"):
        assert [path for path in (home / folder).rglob("*") if path.is_file()] == []
    with api.gateway.store.read() as work:
        assert work.sandbox.is_as_fixed(get_fixed())
    assert set(before["audit"]) < set(after["audit"])
    (entry,) = set(after["audit"]) - set(before["audit"])
    assert entry[3] == "sandbox.reset"
    assert entry[5] == '{"events":1,"batches":4,"asked_by":"sandbox-csv"}'


def test_after_a_reset_the_same_can_be_sent_again(api):
    event = write_event(name="LOCAL-1")
    first = api.create(event, source=FHIR, Idempotency_Key="k-1")
    assert api.call("POST", "/sandbox/reset", source=FHIR).status_code == 200
    assert api.call("GET", "/feeds", source=FHIR).json()["feeds"] == []
    assert api.read(f"/{first.json()['id']}", source=FHIR).status_code == 404
    second = api.create(event, source=FHIR, Idempotency_Key="k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in second.headers
    assert second.json()["id"] == first.json()["id"]


def test_a_reset_takes_away_what_keys_and_grants_were_added(api):
    add_key(api.gateway, FHIR)
    with api.gateway.store.begin(actor="test", at=api.gateway.now()) as work:
        work.certificates.add(FHIR, "ab" * 32)
    reset_sandbox(api.gateway)
    with api.gateway.store.read() as work:
        assert [key.id for key in work.keys.find_all(FHIR)] == ["k-sandbox-fhir", "k-sandbox-old"]
        assert work.certificates.find_all() == []


def test_a_reset_by_the_api_is_refused_beside_another_source(api):
    created = api.create(write_event(name=make_name()), source=FHIR)
    add_source(api.gateway, OTHER)
    answer = api.call("POST", "/sandbox/reset", source=FHIR)
    assert answer.status_code == 409
    assert get_code(answer) == "not-possible"
    assert api.read(f"/{created.json()['id']}", source=FHIR).status_code == 200


def test_the_reset_is_not_for_everybody(api):
    assert requests.post(f"{api.url}/sandbox/reset", timeout=30).status_code == 401


def test_a_grant_that_ended_is_refused_and_one_that_runs_is_not(api):
    answers = {}
    for code in ("RZB", "RZC", "RZD"):
        event = write_event(name=make_name(), PractitionerDetails={"ReporterOrganisation": code})
        answers[code] = api.create(event, source=SHARED).status_code
    assert answers == {"RZB": 201, "RZC": 403, "RZD": 201}


def test_the_expired_key_is_refused(api):
    (old,) = (key.secret for key in KEYS if key.expires_at)
    answer = api.call("GET", "/feeds", source="", Ocp_Apim_Subscription_Key=old)
    assert answer.status_code == 401


def test_commands_show_the_keys_register_a_client_and_reset(tmp_path):
    home = tmp_path / "home"
    run = CommandLineHere(home)
    shown = run("sandbox", "keys").stdout.decode()
    assert all(key.secret in shown for key in KEYS)
    assert run("sandbox", "reset").returncode == 2
    with open_sandbox_gateway(home) as gateway:
        prepare_sandbox(gateway)
    keys = tmp_path / "jwks.json"
    keys.write_bytes(make_jwks(make_ec("mine")))
    assert run.json("sandbox", "client", "--jwks", str(keys), "--json")["kids"] == ["mine"]
    assert run("sandbox", "client", "--jwks", str(keys), "--source", "x").returncode == 2
    assert run.json("sandbox", "reset", "--json") == {"events": 0, "batches": 0}
    assert [one["source"] for one in run.json("client", "list", "--json")] == [FHIR]


def test_serving_a_sandbox_is_refused_on_another_database(tmp_path, monkeypatch):
    # The command sets it for the processes that serve.
    monkeypatch.setenv("LRMS_SANDBOX", "false")
    home = tmp_path / "home"
    with open_sandbox_gateway(home) as gateway:
        prepare_sandbox(gateway)
        add_source(gateway, OTHER)
    done = CommandLineHere(home)("serve", "--sandbox", "--port", "0")
    assert done.returncode == 2
    assert b"not only a sandbox's" in done.stderr


def test_resets_amid_requests_leave_nothing_that_no_reset_finds(api):
    def send(worker: int) -> set[int]:
        sent = [write_event(name=f"AMID-{worker}-{number}") for number in range(10)]
        return {api.create(event, source=FHIR).status_code for event in sent}

    with ThreadPoolExecutor(4) as pool:
        senders = [pool.submit(send, worker) for worker in range(3)]
        resets = [pool.submit(reset_sandbox, api.gateway) for _ in range(5)]
        assert sum(done.result().events for done in resets) <= 30
        statuses = set().union(*(done.result() for done in senders))
    # What is forgotten between the writing and the answer cannot be told.
    assert 201 in statuses
    assert statuses <= {201, 404, 500, 503}
    reset_sandbox(api.gateway)
    after = read_everything(api.database)
    assert {table.name for table in CLEARED if after[table.name]} <= {"usage"}

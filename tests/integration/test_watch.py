"""The watch: an alarm opens once, is told once, follows what it is about, and closes by itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from threading import Barrier

import pytest
from sqlalchemy import text

from gateway.monitoring import watch as watching
from gateway.monitoring.looking import Watch
from gateway.monitoring.running import STEP_FAILURES
from gateway.monitoring.watch import acknowledge, look, raise_alarm, watch
from gateway.monitoring.watches import WATCHES
from gateway.notifications.mailer import AddressRefusedError
from gateway.pipeline.notify import deliver_messages
from schemas.alarm import Seen
from schemas.alarm_codes import ALARM_CODES
from schemas.errors import UnavailableError, UnknownError, WrongUseError
from tests.lib.databases import make_engine
from tests.lib.feed_days import at
from tests.lib.outbox import SOURCE, Clock, load_events, make_harmed, open_outbox, query
from tests.lib.watching import put_batches

OPERATORS = "operators@gateway.example"
# A Friday, noon in London.
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
RUNBOOKS = "https://wiki.example/alarms"


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
def gateway(tmp_path, database_url, clock):
    settings = {"operators": OPERATORS, "runbooks_url": RUNBOOKS, "disk_free_percent": 0}
    with open_outbox(tmp_path / "home", database_url, clock=clock, **settings) as opened:
        yield opened


def put_weeks(gateway, until, *, source=SOURCE, records=100, rejected=0, weeks=8):
    """A batch each day at 06:00, the last one the day before ``until``."""
    days = [until.date() - timedelta(days=number) for number in range(7 * weeks, 0, -1)]
    mornings = [at(day, "06:00") for day in days]
    put_batches(gateway, [(source, morning, records, rejected) for morning in mornings])


def look_again(gateway):
    """The watch, and the mail about what it found."""
    done = watch(gateway)
    deliver_messages(gateway)
    return done


def find_open(gateway):
    with gateway.store.read() as work:
        return [(one.code, one.subject, one.state) for one in work.alarms.find_open()]


def list_codes(gateway):
    return [code for code, _, _ in find_open(gateway)]


def read_alarm_mail(gateway):
    deliver_messages(gateway)
    found = sorted(gateway.settings.mailbox_folder.glob("alarm-*.eml"))
    return [message_from_bytes(path.read_bytes(), policy=default) for path in found]


def list_actions(gateway):
    rows = query(gateway, "SELECT action FROM audit WHERE action LIKE 'alarm%' ORDER BY number")
    return [row[0] for row in rows]


def change(gateway, statement, **values):
    engine = make_engine(gateway.settings.database)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def test_a_quiet_gateway_has_no_alarm(gateway):
    assert look_again(gateway) == {"opened": 0, "closed": 0, "open": 0}
    assert read_alarm_mail(gateway) == []


def test_a_silent_feed_is_told_once_and_is_over_when_it_comes(gateway, clock):
    put_weeks(gateway, NOON)
    assert look_again(gateway)["opened"] == 1
    assert find_open(gateway) == [("ALARM-001", SOURCE, "open")]
    clock.move(hours=1)
    assert look_again(gateway) == {"opened": 0, "closed": 0, "open": 1}
    (mail,) = read_alarm_mail(gateway)
    assert mail["To"] == OPERATORS
    assert SOURCE in mail["Subject"]
    body = mail.get_body(("plain",)).get_content()
    assert (
        "Nothing came since Thu 26 Nov 06:00; due by Fri 27 Nov 08:00 (every day by 08:00)" in body
    )
    assert f"{RUNBOOKS}#alarm-001" in body
    put_batches(gateway, [(SOURCE, clock(), 100, 0)])
    assert look_again(gateway) == {"opened": 0, "closed": 1, "open": 0}
    assert list_actions(gateway) == ["alarm.opened", "alarm.closed"]
    assert len(read_alarm_mail(gateway)) == 1


def test_a_feed_that_falls_silent_again_is_another_alarm(gateway, clock):
    put_weeks(gateway, NOON)
    look_again(gateway)
    put_batches(gateway, [(SOURCE, NOON, 100, 0)])
    look_again(gateway)
    clock.move(days=1)
    look_again(gateway)
    assert list_actions(gateway) == ["alarm.opened", "alarm.closed", "alarm.opened"]
    assert len(read_alarm_mail(gateway)) == 2


def test_a_long_silence_does_not_become_usual(gateway, clock):
    put_weeks(gateway, NOON)
    for _ in range(30):
        look_again(gateway)
        clock.move(days=5)
    assert find_open(gateway) == [("ALARM-001", SOURCE, "open")]
    assert list_actions(gateway) == ["alarm.opened"]


def test_a_cadence_that_is_set_goes_before_what_is_learned(gateway, clock):
    put_weeks(gateway, NOON)
    set_expected(gateway, silent_after_minutes=31 * 60)
    assert look_again(gateway)["open"] == 0
    clock.move(hours=2)
    assert list_codes_after_watch(gateway) == ["ALARM-001"]
    set_expected(gateway, silent_after_minutes=0)
    assert list_codes_after_watch(gateway) == []


def test_a_source_that_never_sent_is_missed_where_that_is_set(gateway, clock):
    assert list_codes_after_watch(gateway) == []
    set_expected(gateway, silent_after_minutes=60)
    assert list_codes_after_watch(gateway) == []
    clock.move(minutes=61)
    assert list_codes_after_watch(gateway) == ["ALARM-001"]


def set_expected(gateway, **changed):
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.expected.set(SOURCE, changed)


def list_codes_after_watch(gateway):
    look_again(gateway)
    return list_codes(gateway)


def test_a_small_feed_and_many_rejections_are_seen(gateway):
    put_weeks(gateway, NOON)
    put_batches(gateway, [(SOURCE, NOON.replace(hour=6), 30, 15)])
    assert list_codes_after_watch(gateway) == ["ALARM-002", "ALARM-003"]
    (mail,) = read_alarm_mail(gateway)
    body = mail.get_body(("plain",)).get_content()
    assert "30 records on Fri 27 Nov; usual are 50 to" in body
    assert "15 of 30 records rejected since Fri 27 Nov" in body


def test_a_batch_that_is_being_loaded_is_not_a_small_one(gateway):
    put_weeks(gateway, NOON)
    put_batches(gateway, [(SOURCE, NOON, 0, 0)], state="planned")
    assert list_codes_after_watch(gateway) == []


def test_a_stuck_and_a_held_batch_are_seen(gateway, clock):
    (stuck,) = put_batches(gateway, [(SOURCE, NOON, 0, 0)], state="received")
    (held,) = put_batches(gateway, [(SOURCE, NOON + timedelta(minutes=1), 0, 0)], state="held")
    clock.move(minutes=60)
    assert list_codes_after_watch(gateway) == []
    clock.move(minutes=1)
    assert list_codes_after_watch(gateway) == ["ALARM-004"]
    clock.move(hours=24)
    look_again(gateway)
    assert find_open(gateway) == [("ALARM-004", stuck, "open"), ("ALARM-005", held, "open")]
    change(gateway, "UPDATE batches SET state = 'finished', verdict = 'rejected'")
    assert list_codes_after_watch(gateway) == []


def test_alerts_and_mail_that_wait_are_seen(gateway, clock):
    load_events(gateway, [make_harmed("1"), make_harmed("3")])
    change(gateway, "UPDATE batches SET state = 'finished', verdict = 'accepted'")
    clock.move(minutes=61)
    watch(gateway)
    assert list_codes(gateway) == ["ALARM-007"]
    clock.move(minutes=61)
    # The mail about the first alarm waits as well.
    assert list_codes_after_watch(gateway) == ["ALARM-007", "ALARM-008"]


def test_a_refused_address_is_seen_and_tells_nobody_twice(gateway):
    class Refusing:
        def send(self, message):
            raise AddressRefusedError("550")

    raise_alarm(gateway, Seen(code="ALARM-016", subject="load_feeds", params=LATE))
    object.__setattr__(gateway, "mailer", Refusing())
    assert deliver_messages(gateway)["parked"] == 1
    assert list_codes_after_watch(gateway) == ["ALARM-016", "ALARM-009"]


LATE = {"dag": "load_feeds", "due": "Fri 27 Nov 11:00"}


def test_a_late_load_is_over_once_a_load_ended(gateway, clock, monkeypatch):
    late = Seen(code="ALARM-016", subject="load_feeds", params=LATE)
    assert raise_alarm(gateway, late)
    assert not raise_alarm(gateway, late)
    assert list_codes_after_watch(gateway) == ["ALARM-016"]
    clock.move(minutes=5)
    note_end(gateway, "load_feeds.finish")
    assert list_codes_after_watch(gateway) == []


def note_end(gateway, name):
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.steps.note_end(name)


def test_a_step_that_fails_or_does_not_run_is_seen(gateway, clock):
    note_end(gateway, "notify_admin_users.deliver")
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        for _ in range(STEP_FAILURES):
            work.steps.note_failure("load_feeds.process")
    assert find_seen(gateway) == [("ALARM-017", "load_feeds.process")]
    note_end(gateway, "load_feeds.process")
    clock.move(minutes=31)
    assert find_seen(gateway) == [("ALARM-018", "notify_admin_users.deliver")]
    note_end(gateway, "notify_admin_users.deliver")
    assert find_seen(gateway) == []


def find_seen(gateway):
    look_again(gateway)
    return [(code, subject) for code, subject, _ in find_open(gateway)]


@pytest.mark.postgresql
@pytest.mark.parametrize("fresh_database", ["postgresql"], indirect=True)
def test_events_outside_their_partition_are_seen(gateway):
    insert = (
        "INSERT INTO event_search_other (event_id, place, year, organisation, event_type,"
        " taxonomy_version, source_id, occurred_on, never_event, recorded_elsewhere)"
        " VALUES (1, 1, :year, 'RZA', '1', '6', 's', :day, false, false)"
    )
    change(gateway, insert, year=1926, day="1926-01-01")
    assert find_seen(gateway) == []
    change(gateway, insert, year=2031, day="2031-01-01")
    assert find_seen(gateway) == [("ALARM-014", "")]


def test_events_of_which_nobody_knows_whether_they_were_forwarded_are_seen(gateway, clock):
    now = _stored(gateway, clock())
    call = (
        "INSERT INTO forward_calls (id, event_id, revision, content_hash, idempotency_key, state,"
        " made_at) VALUES (7, 1, 1, :hash, 'k', 'unknown', :now)"
    )
    event = (
        "INSERT INTO forwards (event_id, state, call_id, due_at, updated_at)"
        " VALUES (1, 'unknown', 7, :now, :now)"
    )
    change(gateway, call, hash=b"h" * 32, now=now)
    change(gateway, event, now=now)
    clock.move(minutes=60)
    assert find_seen(gateway) == []
    clock.move(minutes=1)
    assert find_seen(gateway) == [("ALARM-013", "")]
    change(gateway, "UPDATE forwards SET state = 'sent', call_id = NULL")
    assert find_seen(gateway) == []


def test_a_full_disk_is_seen(tmp_path, database_url):
    with open_outbox(tmp_path / "home", database_url, disk_free_percent=100) as gateway:
        assert list_codes_after_watch(gateway) == ["ALARM-015"]


def test_a_mesh_message_that_expires_and_a_failing_collector_are_seen(gateway, clock):
    insert = (
        "INSERT INTO collectors (id, source_id, kind, settings, every, due_at, failures, reason,"
        " created_at) VALUES ('mailbox', :source, 'mesh', '{}', 300, :now, 3, 'unreachable', :now)"
    )
    change(gateway, insert, source=SOURCE, now=_stored(gateway, clock()))
    item = (
        "INSERT INTO collected (collector_id, item_key, remote_id, name, state, first_seen_at,"
        " expires_at) VALUES ('mailbox', 'k', 'm', 'feed', 'waiting', :now, :expires)"
    )
    expires = _stored(gateway, clock() + timedelta(days=5))
    change(gateway, item, now=_stored(gateway, clock()), expires=expires)
    assert find_seen(gateway) == [("ALARM-011", "mailbox")]
    clock.move(days=3, minutes=1)
    assert find_seen(gateway) == [("ALARM-011", "mailbox"), ("ALARM-010", "mailbox")]
    change(gateway, "UPDATE collectors SET failures = 0")
    change(gateway, "UPDATE collected SET state = 'received'")
    assert find_seen(gateway) == []


def _stored(gateway, instant):
    """As SQLite keeps it (store.types), which plain SQL does not know."""
    return instant if gateway.store.is_postgresql else instant.strftime("%Y-%m-%d %H:%M:%S.%f")


def test_acknowledging_needs_a_reason_and_an_open_alarm(gateway):
    raise_alarm(gateway, Seen(code="ALARM-016", subject="load_feeds", params=LATE))
    (number,) = query(gateway, "SELECT number FROM alarms")[0]
    with pytest.raises(WrongUseError, match="reason"):
        acknowledge(gateway, number, "  ")
    with pytest.raises(UnknownError, match="no such alarm: 77"):
        acknowledge(gateway, 77, "why not")
    assert acknowledge(gateway, number, "the vendor is on it").state == "acknowledged"
    with pytest.raises(WrongUseError, match="acknowledged already"):
        acknowledge(gateway, number, "again")
    assert list_codes_after_watch(gateway) == ["ALARM-016"]
    note_end(gateway, "load_feeds.finish")
    look_again(gateway)


def test_an_acknowledged_alarm_closes_by_itself(gateway):
    put_weeks(gateway, NOON)
    look_again(gateway)
    (number,) = query(gateway, "SELECT number FROM alarms")[0]
    acknowledge(gateway, number, "the vendor moves house")
    assert look_again(gateway)["open"] == 1
    put_batches(gateway, [(SOURCE, NOON, 100, 0)])
    assert look_again(gateway)["closed"] == 1
    assert list_actions(gateway) == ["alarm.opened", "alarm.acknowledged", "alarm.closed"]


def test_two_watches_at_once_open_and_tell_once(gateway):
    put_weeks(gateway, NOON)
    together = Barrier(4)

    def run(_):
        together.wait()
        return watch(gateway)["opened"]

    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(run, range(4)))
    assert sum(opened) == 1
    assert len(read_alarm_mail(gateway)) == 1
    assert list_actions(gateway) == ["alarm.opened"]


def test_a_watch_that_cannot_look_leaves_its_alarms_and_fails(gateway, monkeypatch):
    put_weeks(gateway, NOON)
    put_batches(gateway, [(SOURCE, NOON - timedelta(hours=3), 0, 0)], state="received")
    look_again(gateway)
    assert "ALARM-004" in list_codes(gateway)
    change(gateway, "UPDATE batches SET state = 'finished', verdict = 'accepted'")

    def fail(_):
        raise UnavailableError("the database did not answer")

    broken = watching.WATCHES | {"feeds": Watch(WATCHES["feeds"].codes, fail)}
    monkeypatch.setattr(watching, "WATCHES", broken)
    before = [code for code in list_codes(gateway) if code != "ALARM-004"]
    with pytest.raises(UnavailableError):
        watch(gateway)
    assert list_codes(gateway) == before


def test_looking_writes_nothing(gateway):
    put_weeks(gateway, NOON)
    seen, looked, failure = look(gateway)
    assert [one.code for one in seen] == ["ALARM-001"]
    assert failure is None
    assert "ALARM-001" in looked
    assert find_open(gateway) == []
    assert query(gateway, "SELECT count(*) FROM feed_days") == [(0,)]


def test_without_operators_nobody_is_mailed(tmp_path, database_url):
    with open_outbox(tmp_path / "home", database_url, operators="") as gateway:
        raise_alarm(gateway, Seen(code="ALARM-016", subject="load_feeds", params=LATE))
        assert query(gateway, "SELECT count(*) FROM messages") == [(0,)]


def test_days_that_are_written_down_are_those_that_were_counted(gateway, clock):
    put_weeks(gateway, NOON)
    today = NOON.date()
    with gateway.store.read() as work:
        counted = work.feed_days.find(today)
    with gateway.store.begin(actor="test", at=NOON) as work:
        assert work.feed_days.write(today) == 54
    change(
        gateway,
        "DELETE FROM batches WHERE received_at < :edge",
        edge=_stored(gateway, NOON - timedelta(days=3)),
    )
    with gateway.store.begin(actor="test", at=NOON) as work:
        assert work.feed_days.find(today) == counted
        assert work.feed_days.write(today) == 0


def test_every_alarm_that_a_watch_sees_has_a_code_and_its_words():
    codes = {code for one in WATCHES.values() for code in one.codes}
    assert codes <= ALARM_CODES.keys()


def test_refused_items_and_receipts_that_do_not_arrive_are_seen(gateway, clock):
    now = _stored(gateway, clock())
    change(
        gateway,
        "INSERT INTO collectors (id, source_id, kind, settings, every, due_at, created_at)"
        " VALUES ('mailbox', :source, 'mesh', '{}', 300, :now, :now)",
        source=SOURCE,
        now=now,
    )
    item = (
        "INSERT INTO collected (collector_id, item_key, remote_id, name, state, reason,"
        " first_seen_at, settled_at) VALUES ('mailbox', :key, 'm', 'Zebrafinch', 'refused', :why,"
        " :now, :now)"
    )
    for key, why in (("a", "checksum"), ("b", "unknown-sender"), ("c", "checksum")):
        change(gateway, item, key=key, why=why, now=now)
    assert find_seen(gateway) == [("ALARM-019", "mailbox")]
    ((params,),) = query(gateway, "SELECT params FROM alarms")
    assert "2 checksum, 1 unknown-sender" in str(params)
    assert "Zebrafinch" not in str(params)
    answer = (
        "INSERT INTO receipt_messages (item_id, collector_id, batch_id, local_id, recipient,"
        " workflow, state, due_at, created_at)"
        " SELECT id, 'mailbox', 'b-1', item_key, 'x', 'w', :state, :now, :now FROM collected"
        " WHERE item_key = :key"
    )
    for key, state in (("a", "sent"), ("b", "undelivered"), ("c", "unknown")):
        change(gateway, answer, key=key, state=state, now=now)
    assert find_seen(gateway) == [("ALARM-019", "mailbox"), ("ALARM-020", "mailbox")]
    clock.move(days=7, minutes=1)
    change(gateway, "UPDATE receipt_messages SET state = 'sent'")
    assert find_seen(gateway) == []

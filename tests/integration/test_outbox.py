"""Alerts become messages, messages are delivered: each once, whatever happens in between."""

from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes
from email.policy import default
from threading import Barrier

import pytest

from gateway.notifications.mailer import AddressRefusedError, DeferredError, MailDownError
from gateway.pipeline import notify
from gateway.pipeline.notify import deliver_messages, prepare_messages, retry_parked
from schemas.outbox import Parked
from tests.lib.events import OTHER_TRUST, TRUST, TRUST_SITE
from tests.lib.outbox import (
    ADMIN,
    LEADS,
    Clock,
    add_admin,
    load_events,
    make_harmed,
    open_outbox,
    query,
)


class ScriptedMailer:
    """Raises the errors it is given, one a call (None: sends); sends after that."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.sent = []

    def send(self, message):
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        self.sent.append(message)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def gateway(tmp_path, database_url, clock):
    with open_outbox(tmp_path / "home", database_url, clock=clock) as opened:
        yield opened


def use_mailer(gateway, mailer):
    object.__setattr__(gateway, "mailer", mailer)
    return mailer


def read_mailbox(gateway):
    return [
        message_from_bytes(path.read_bytes(), policy=default)
        for path in sorted(gateway.settings.mailbox_folder.glob("*.eml"))
    ]


def read_actions(gateway):
    rows = query(gateway, "SELECT action, subject FROM audit ORDER BY number")
    return [row.action for row in rows if row.action.startswith("message.")]


def test_an_urgent_alert_becomes_a_mail_to_each_admin_user(gateway):
    add_admin(gateway, "second@rza.example", TRUST)
    load_events(gateway, [make_harmed("1")])
    assert prepare_messages(gateway) == {"urgent": 2, "digest": 0, "no_admin": 0}
    assert deliver_messages(gateway) == {"sent": 2, "failed": 0, "waiting": 0, "parked": 0}
    mails = read_mailbox(gateway)
    assert sorted(mail["To"] for mail in mails) == [ADMIN, "second@rza.example"]
    assert {mail["Subject"].partition("(")[2] for mail in mails} == {"fatal harm)"}
    body = mails[0].get_body(("plain",)).get_content()
    assert "Date of event: 3 November 2026" in body
    assert "Recorded by: Aldermoor University Hospitals (RZA)" in body


def test_doing_it_again_does_nothing(gateway):
    load_events(gateway, [make_harmed("1"), make_harmed("4")])
    prepare_messages(gateway)
    deliver_messages(gateway)
    before = query(gateway, "SELECT * FROM audit")
    assert prepare_messages(gateway) == {"urgent": 0, "digest": 0, "no_admin": 0}
    assert deliver_messages(gateway) == {"sent": 0, "failed": 0, "waiting": 0, "parked": 0}
    assert query(gateway, "SELECT * FROM audit") == before


def test_a_site_is_told_by_its_own_admins_else_by_its_trusts(gateway):
    load_events(gateway, [make_harmed("1", where=[TRUST_SITE])], batch="one")
    prepare_messages(gateway)
    add_admin(gateway, "site@rza.example", TRUST_SITE)
    load_events(gateway, [make_harmed("1", where=[TRUST_SITE], text="Again.")], batch="two")
    prepare_messages(gateway)
    rows = query(gateway, "SELECT recipient, kind FROM messages ORDER BY created_at, recipient")
    assert sorted(map(tuple, rows)) == [(ADMIN, "urgent"), ("site@rza.example", "urgent")]


def test_without_an_admin_user_the_national_leads_are_told_and_told_so(gateway, clock):
    fatal = make_harmed("1", where=[OTHER_TRUST])
    load_events(gateway, [fatal, make_harmed("2", where=[OTHER_TRUST])])
    assert prepare_messages(gateway) == {"urgent": 2, "digest": 0, "no_admin": 1}
    load_events(gateway, [make_harmed("1", where=[OTHER_TRUST], text="More.")], batch="two")
    assert prepare_messages(gateway) == {"urgent": 1, "digest": 0, "no_admin": 0}
    clock.move(days=1)
    load_events(gateway, [make_harmed("1", where=[OTHER_TRUST], text="Most.")], batch="three")
    assert prepare_messages(gateway) == {"urgent": 1, "digest": 0, "no_admin": 1}
    deliver_messages(gateway)
    mails = read_mailbox(gateway)
    assert {mail["To"] for mail in mails} == {LEADS}
    assert sum("No admin user at Brackenfield" in mail["Subject"] for mail in mails) == 2
    assert all("as a national lead" in mail.as_string() for mail in mails)
    made = query(gateway, "SELECT details FROM audit WHERE action = 'message.made'")
    assert sum("no_admin" in str(row.details) for row in made) == 2


def test_a_digest_waits_for_its_hour_in_london(tmp_path, database_url):
    # 06:30 in London: summer time is an hour ahead of UTC.
    clock = Clock(Clock().at.replace(month=7, hour=5))
    with open_outbox(tmp_path, database_url, clock=clock, digest_hour=7) as gateway:
        load_events(gateway, [make_harmed("4")])
        assert prepare_messages(gateway)["digest"] == 0
        clock.move(minutes=30)
        assert prepare_messages(gateway)["digest"] == 1


def test_one_digest_a_day_and_what_comes_later_waits_for_the_next(gateway, clock):
    load_events(gateway, [make_harmed("4"), make_harmed("5")])
    assert prepare_messages(gateway)["digest"] == 1
    load_events(gateway, [make_harmed("4", text="Later.")], batch="two")
    clock.move(hours=8)
    # A new admin user does not make it another digest.
    add_admin(gateway, "aaa@rza.example", TRUST)
    assert prepare_messages(gateway)["digest"] == 0
    clock.move(hours=16)
    assert prepare_messages(gateway)["digest"] == 2
    subjects = query(gateway, "SELECT subject FROM messages ORDER BY created_at, recipient")
    assert [row.subject[:23] for row in subjects] == [
        "2 patient safety events",
        "1 patient safety event ",
        "1 patient safety event ",
    ]
    held = query(gateway, "SELECT message_id, count(*) AS n FROM message_alerts GROUP BY 1")
    assert sorted(row.n for row in held) == [1, 1, 2]
    assert query(gateway, "SELECT 1 FROM alerts WHERE announced_at IS NULL") == []


def test_a_long_digest_lists_the_worst_and_counts_the_rest(gateway, monkeypatch):
    monkeypatch.setattr(notify, "DIGEST_LINES", 2)
    harms = ["5", "4", "3", "4"]
    load_events(gateway, [make_harmed(harm, text=str(n)) for n, harm in enumerate(harms)])
    prepare_messages(gateway)
    ((body,),) = query(gateway, "SELECT body FROM messages")
    assert body.startswith("4 patient safety events at ")
    assert body.index("worst harm: moderate") < body.index("worst harm: low")
    assert "worst harm: none" not in body
    assert "and 2 more:" in body


def test_urgent_alerts_are_prepared_in_pieces(gateway, monkeypatch):
    monkeypatch.setattr(notify, "URGENT_CHUNK", 3)
    load_events(gateway, [make_harmed("1", text=str(n)) for n in range(10)])
    assert prepare_messages(gateway)["urgent"] == 10
    times = query(gateway, "SELECT count(*) AS n FROM message_alerts GROUP BY message_id")
    assert [row.n for row in times] == [1] * 10


def test_marking_an_alert_as_announced_reads_no_other(gateway):
    # PostgreSQL took the index of waiting alerts for it, and that led to all that wait.
    load_events(gateway, [make_harmed("1", text=str(n)) for n in range(200)])
    explain = "EXPLAIN" if gateway.store.is_postgresql else "EXPLAIN QUERY PLAN"
    plan = query(
        gateway,
        f"{explain} UPDATE alerts SET announced_at = created_at WHERE event_id = 1 "
        "AND organisation = 'RZA' AND kind = 'urgent' AND announced_at IS NULL",
    )
    led_by = [str(row) for row in plan if "Index Cond" in str(row) or "SEARCH" in str(row)]
    assert len(led_by) == 1
    # The kind may be the index's own condition.
    assert all(name in led_by[0] for name in ("event_id", "organisation"))


def test_an_urgent_alert_that_comes_late_is_found_by_the_next_run(gateway, monkeypatch):
    monkeypatch.setattr(notify, "URGENT_CHUNK", 2)
    load_events(gateway, [make_harmed("1", text=str(n)) for n in range(3)])
    prepare_messages(gateway)
    # By the order of organisations and events some of these stand before those.
    places = [[OTHER_TRUST], [TRUST], [TRUST_SITE]] * 3
    events = [make_harmed("1", where=place, text=f"b{n}") for n, place in enumerate(places)]
    load_events(gateway, events, batch="two")
    assert prepare_messages(gateway)["urgent"] == 9
    assert query(gateway, "SELECT 1 FROM alerts WHERE announced_at IS NULL") == []


def test_a_failure_is_tried_again_with_back_off_and_never_given_up(gateway, clock):
    mailer = use_mailer(gateway, ScriptedMailer(*[DeferredError("451")] * 12))
    load_events(gateway, [make_harmed("1")])
    prepare_messages(gateway)
    waits = []
    while not mailer.sent:
        counts = deliver_messages(gateway)
        if counts["failed"]:
            assert counts == {"sent": 0, "failed": 1, "waiting": 1, "parked": 0}
            waits.append(0)
        clock.move(minutes=1)
        if waits:
            waits[-1] += 1
    assert waits[:11] == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    assert read_actions(gateway).count("message.failed") == 12
    assert read_actions(gateway).count("message.sent") == 1


def test_a_refused_address_is_parked_and_the_national_leads_are_told_instead(gateway, clock):
    mailer = use_mailer(gateway, ScriptedMailer(AddressRefusedError("550")))
    load_events(gateway, [make_harmed("1")])
    prepare_messages(gateway)
    assert deliver_messages(gateway) == {"sent": 1, "failed": 1, "waiting": 0, "parked": 1}
    clock.move(days=30)
    assert deliver_messages(gateway) == {"sent": 0, "failed": 0, "waiting": 0, "parked": 1}
    (mail,) = mailer.sent
    assert mail["To"] == LEADS
    body = mail.get_body(("plain",)).get_content()
    refused, told = query(
        gateway, "SELECT id, state, last_error, subject, body FROM messages ORDER BY state"
    )
    assert (refused.state, refused.last_error, told.state) == ("parked", "550", "sent")
    assert body == told.body
    facts = [line for line in refused.body.splitlines() if ": " in line and line[0] in "RTDW"]
    assert len(facts) >= 5
    assert set(facts) <= set(body.splitlines())
    assert f"{ADMIN} refuses mail" in body
    linked = query(gateway, "SELECT message_id, event_id FROM message_alerts")
    assert {row.message_id for row in linked} == {refused.id, told.id}
    assert len({row.event_id for row in linked}) == 1
    assert read_actions(gateway) == [
        "message.made",
        "message.claimed",
        "message.parked",
        "message.made",
        "message.claimed",
        "message.sent",
    ]
    assert ADMIN not in str(query(gateway, "SELECT subject, details FROM audit"))


def test_a_refused_digest_goes_to_the_national_leads_as_it_was(gateway, clock, monkeypatch):
    monkeypatch.setattr(notify, "DIGEST_LINES", 2)
    mailer = use_mailer(gateway, ScriptedMailer(MailDownError("x"), AddressRefusedError("550")))
    load_events(gateway, [make_harmed("4", text=str(n)) for n in range(3)])
    prepare_messages(gateway)
    deliver_messages(gateway)
    # Parked the day after: it is still the digest of the day it was made for.
    clock.move(days=1)
    deliver_messages(gateway)
    (mail,) = mailer.sent
    assert mail["To"] == LEADS
    assert mail["Subject"].startswith("3 patient safety events at ")
    assert mail["Subject"].endswith("digest of 22 November 2026")
    assert "and 1 more:" in mail.get_body(("plain",)).get_content()
    held = query(gateway, "SELECT count(*) AS n FROM message_alerts GROUP BY message_id")
    assert [row.n for row in held] == [3, 3]


def test_a_message_refused_again_is_not_told_again(gateway):
    refusals = [AddressRefusedError("550"), None, AddressRefusedError("550"), None]
    mailer = use_mailer(gateway, ScriptedMailer(*refusals))
    load_events(gateway, [make_harmed("1")])
    prepare_messages(gateway)
    assert deliver_messages(gateway)["sent"] == 1
    assert retry_parked(gateway) == 1
    assert deliver_messages(gateway) == {"sent": 0, "failed": 1, "waiting": 0, "parked": 1}
    assert len(mailer.sent) == 1


def test_a_refused_address_of_the_national_leads_stays_parked_and_is_shown(gateway):
    use_mailer(gateway, ScriptedMailer(*[AddressRefusedError("550")] * 4))
    load_events(gateway, [make_harmed("1"), make_harmed("2", where=[OTHER_TRUST])])
    prepare_messages(gateway)
    counts = deliver_messages(gateway)
    # The admin user's, what the leads were to be told of that, and their own two.
    assert counts == {"sent": 0, "failed": 4, "waiting": 0, "parked": 4}
    with gateway.store.read() as work:
        assert work.messages.find_parked(LEADS) == [
            Parked(organisation=TRUST, to_leads=False, reason="550", messages=1),
            Parked(organisation=TRUST, to_leads=True, reason="550", messages=1),
            Parked(organisation=OTHER_TRUST, to_leads=True, reason="550", messages=2),
        ]


def test_parked_messages_are_sent_once_the_address_takes_mail(gateway, monkeypatch):
    monkeypatch.setattr(notify, "RETRY_CHUNK", 2)
    mailer = use_mailer(gateway, ScriptedMailer(*[AddressRefusedError("550")] * 10))
    load_events(gateway, [make_harmed("1", text=str(n)) for n in range(5)])
    prepare_messages(gateway)
    assert deliver_messages(gateway)["parked"] == 10
    assert retry_parked(gateway) == 10
    assert deliver_messages(gateway) == {"sent": 10, "failed": 0, "waiting": 0, "parked": 0}
    assert retry_parked(gateway) == 0
    assert len({mail["Message-ID"] for mail in mailer.sent}) == len(mailer.sent) == 10
    assert read_actions(gateway).count("message.retried") == 10


def test_one_bad_message_does_not_hold_up_the_others(gateway):
    mailer = use_mailer(gateway, ScriptedMailer(AddressRefusedError("550"), DeferredError("451")))
    load_events(gateway, [make_harmed("1", text=str(n)) for n in range(5)])
    prepare_messages(gateway)
    # The fourth that is sent tells the national leads of the one refused.
    assert deliver_messages(gateway) == {"sent": 4, "failed": 2, "waiting": 1, "parked": 1}
    assert [mail["To"] for mail in mailer.sent].count(LEADS) == 1


def test_where_mail_is_down_the_rest_is_left_alone(gateway, clock):
    mailer = use_mailer(gateway, ScriptedMailer(MailDownError("no_answer")))
    load_events(gateway, [make_harmed("1", text=str(n)) for n in range(5)])
    prepare_messages(gateway)
    assert deliver_messages(gateway) == {"sent": 0, "failed": 1, "waiting": 5, "parked": 0}
    attempts = query(gateway, "SELECT attempts FROM messages ORDER BY attempts")
    assert [row.attempts for row in attempts] == [0, 0, 0, 0, 1]
    clock.move(minutes=1)
    assert deliver_messages(gateway)["sent"] == len(mailer.sent) == 5


def test_a_limit_leaves_the_rest_for_later(gateway):
    use_mailer(gateway, ScriptedMailer())
    load_events(gateway, [make_harmed("1", text=str(n)) for n in range(3)])
    prepare_messages(gateway)
    assert deliver_messages(gateway, limit=2)["sent"] == 2
    assert deliver_messages(gateway, limit=2)["sent"] == 1


def test_a_dead_senders_message_is_taken_over_after_its_lease(gateway, clock):
    mailer = use_mailer(gateway, ScriptedMailer(KeyboardInterrupt()))
    load_events(gateway, [make_harmed("1")])
    prepare_messages(gateway)
    with pytest.raises(KeyboardInterrupt):
        deliver_messages(gateway)
    clock.at += notify.LEASE
    clock.move(seconds=-1)
    assert deliver_messages(gateway) == {"sent": 0, "failed": 0, "waiting": 1, "parked": 0}
    clock.move(seconds=1)
    assert deliver_messages(gateway)["sent"] == len(mailer.sent) == 1


def test_a_sender_that_wakes_up_late_writes_nothing(gateway, clock):
    load_events(gateway, [make_harmed("1")])
    prepare_messages(gateway)
    with gateway.store.begin(actor="sleeper", at=clock.at) as work:
        sleeping = work.messages.claim(notify.LEASE)
    clock.at += notify.LEASE
    deliver_messages(gateway)
    for state in ("waiting", "parked", "sent"):
        with gateway.store.begin(actor="sleeper", at=clock.at) as work:
            assert not work.messages.settle(sleeping, state, due_at=clock.at)
    ((state,),) = query(gateway, "SELECT state FROM messages")
    assert state == "sent"
    assert read_actions(gateway) == [
        "message.made",
        "message.claimed",
        "message.claimed",
        "message.sent",
    ]


def test_two_at_once_make_and_send_each_message_once(tmp_path, database_url):
    mailer = ScriptedMailer()
    with open_outbox(tmp_path / "home", database_url) as gateway:
        harms = ["1", "4"] * 20
        load_events(gateway, [make_harmed(harm, text=str(n)) for n, harm in enumerate(harms)])
    start = Barrier(2)

    def work():
        with open_outbox(tmp_path / "home", database_url) as gateway:
            use_mailer(gateway, mailer)
            start.wait()
            made = prepare_messages(gateway)
            start.wait()
            return sum(made.values()), deliver_messages(gateway)["sent"]

    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(work) for _ in range(2)]
        results = [future.result() for future in futures]
    ids = [message["Message-ID"] for message in mailer.sent]
    assert len(ids) == len(set(ids)) == 21
    assert sum(made for made, _ in results) == sum(sent for _, sent in results) == 21
    with open_outbox(tmp_path / "home", database_url) as gateway:
        assert query(gateway, "SELECT 1 FROM alerts WHERE announced_at IS NULL") == []
        assert read_actions(gateway).count("message.made") == 21


def test_a_transition_that_does_not_exist_is_refused(gateway, clock):
    load_events(gateway, [make_harmed("1")])
    prepare_messages(gateway)
    with gateway.store.begin(actor="test", at=clock.at) as work:
        claimed = work.messages.claim(notify.LEASE)
        with pytest.raises(ValueError, match="from sending to received"):
            work.messages.settle(claimed, "received", due_at=clock.at)


def test_nothing_of_the_narrative_or_the_patient_leaves(gateway):
    marked = "Zebrafinch 07700 900123"
    for number, grade in enumerate("123"):
        event = make_harmed(grade, text=marked)
        event.groups["PatientInformation"][0]["ClinicalOutcome"] = f"Outcome {marked}"
        load_events(gateway, [event], batch=str(number))
    prepare_messages(gateway)
    deliver_messages(gateway)
    stored = query(gateway, "SELECT subject, body FROM messages")
    assert len(stored) == 3
    mails = [mail.as_string() for mail in read_mailbox(gateway)]
    audited = query(gateway, "SELECT action, subject, details FROM audit")
    for told in (*map(str, stored), *mails, *map(str, audited)):
        assert "Zebrafinch" not in told
        assert "900123" not in told
    assert ADMIN not in str(audited)

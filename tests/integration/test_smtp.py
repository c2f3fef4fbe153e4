"""Mail through a real SMTP server: taken, put off, refused; and a server that is not there."""

import socket
import ssl
import subprocess
from datetime import UTC, datetime

import msgspec
import pytest
from aiosmtpd.smtp import AuthResult

from gateway.notifications.envelope import make_email
from gateway.notifications.mailer import AddressRefusedError, DeferredError, MailDownError
from gateway.notifications.smtp import SmtpMailer
from gateway.pipeline.notify import deliver_messages, prepare_messages, retry_parked
from schemas.outbox import Message
from tests.lib.mail_server import Answers, run_server
from tests.lib.outbox import ADMIN, LEADS, Clock, load_events, make_harmed, open_outbox
from tests.lib.ports import hold_port

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
MESSAGE = Message(
    id="urgent-0123456789abcdef",
    kind="urgent",
    organisation="RZA",
    recipient=ADMIN,
    subject="Urgent",
    body="Body\n",
    state="sending",
    attempts=1,
    due_at=AT,
    token=1,
    created_at=AT,
)


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def port(answers):
    with run_server(answers) as number:
        yield number


def make_mail(recipient=ADMIN):
    changed = msgspec.structs.replace(MESSAGE, recipient=recipient)
    return make_email(changed, "lrms-gateway@national.example")


def test_a_message_is_taken_with_our_message_id(answers, port):
    SmtpMailer("127.0.0.1", port).send(make_mail())
    (taken,) = answers.taken
    assert taken["Message-ID"] == "<urgent-0123456789abcdef@national.example>"
    assert taken["To"] == ADMIN


@pytest.mark.parametrize("code", ["550", "551", "553"])
def test_a_refused_address_is_told_apart(answers, port, code):
    answers.to_rcpt = [f"{code} 5.1.1 <{ADMIN}> no such mailbox"]
    with pytest.raises(AddressRefusedError) as refusal:
        SmtpMailer("127.0.0.1", port).send(make_mail())
    assert refusal.value.word == code
    assert refusal.value.__cause__ is None
    assert ADMIN not in str(refusal.value)
    assert answers.taken == []


@pytest.mark.parametrize(
    ("to_rcpt", "to_data", "word"),
    [
        ("450 4.2.0 greylisted", None, "450"),
        (None, "451 4.3.0 try later", "451"),
        # The content filter's refusal, not the address's.
        (None, "554 5.7.1 spam", "554"),
    ],
)
def test_anything_else_may_be_taken_later(answers, port, to_rcpt, to_data, word):
    answers.to_rcpt = [to_rcpt] if to_rcpt else []
    answers.to_data = [to_data] if to_data else []
    with pytest.raises(DeferredError) as refusal:
        SmtpMailer("127.0.0.1", port).send(make_mail())
    assert refusal.value.word == word
    SmtpMailer("127.0.0.1", port).send(make_mail())
    assert len(answers.taken) == 1


def test_a_server_that_closes_is_mail_that_is_down(answers, port):
    answers.to_data = ["421 4.3.2 shutting down"]
    with pytest.raises(MailDownError) as failure:
        SmtpMailer("127.0.0.1", port).send(make_mail())
    assert failure.value.word == "421"
    assert failure.value.retryable


def test_a_failed_farewell_does_not_undo_what_was_taken(answers, port):
    answers.to_quit = ["451 cannot say goodbye"]
    SmtpMailer("127.0.0.1", port).send(make_mail())
    assert len(answers.taken) == 1


def test_a_server_that_is_not_there(answers):
    with pytest.raises(MailDownError) as failure:
        SmtpMailer("127.0.0.1", hold_port()).send(make_mail())
    assert failure.value.word == "no_answer"


def test_a_server_that_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mailer = SmtpMailer("127.0.0.1", silent.getsockname()[1], timeout=0.1)
        with pytest.raises(MailDownError) as failure:
            mailer.send(make_mail())
    assert failure.value.word == "no_answer"


def test_an_address_that_the_server_cannot_write(answers):
    with run_server(answers, enable_SMTPUTF8=False) as port, pytest.raises(AddressRefusedError):
        SmtpMailer("127.0.0.1", port).send(make_mail("jürgen@rza.example"))


def test_a_login_is_refused_without_a_word_of_it(answers):
    def refuse(server, session, envelope, mechanism, data):
        return AuthResult(success=False, handled=False)

    with run_server(answers, authenticator=refuse, auth_require_tls=False) as port:
        mailer = SmtpMailer("127.0.0.1", port, user="gateway", password="hunter2-secret")
        with pytest.raises(MailDownError) as failure:
            mailer.send(make_mail())
    assert failure.value.word == "535"
    assert "hunter2" not in str(failure.value)


def test_starttls_and_login(answers, tmp_path, monkeypatch):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    logins = []

    def accept(server, session, envelope, mechanism, data):
        logins.append(data.login)
        return AuthResult(success=True)

    options = {"tls_context": context, "require_starttls": True, "authenticator": accept}
    with run_server(answers, **options) as port:
        login = {"user": "gateway", "password": "secret", "starttls": True}
        with pytest.raises(MailDownError):
            SmtpMailer("localhost", port, **login).send(make_mail())
        # An unknown certificate is not trusted; one that the machine trusts is.
        assert logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        SmtpMailer("localhost", port, **login).send(make_mail())
    assert logins == [b"gateway"]
    assert len(answers.taken) == 1


def test_from_alert_to_mail_server_and_through_its_failures(answers, tmp_path):
    clock = Clock()
    with run_server(answers) as port:
        settings = {"smtp_host": "127.0.0.1", "smtp_port": port}
        with open_outbox(tmp_path, clock=clock, **settings) as gateway:
            load_events(gateway, [make_harmed("1"), make_harmed("2"), make_harmed("4")])
            prepare_messages(gateway)
            answers.to_rcpt = ["450 4.2.0 greylisted", "550 5.1.1 no such mailbox"]
            # The refused one's event goes to the national leads instead.
            assert deliver_messages(gateway) == {"sent": 2, "failed": 2, "waiting": 1, "parked": 1}
            clock.move(minutes=1)
            assert deliver_messages(gateway) == {"sent": 1, "failed": 0, "waiting": 0, "parked": 1}
            load_events(gateway, [make_harmed("1", text="New.")], batch="two")
            prepare_messages(gateway)
    # The server is gone; an hour later there is one again.
    with open_outbox(tmp_path, clock=clock, **settings) as gateway:
        counts = deliver_messages(gateway)
        assert counts == {"sent": 0, "failed": 1, "waiting": 1, "parked": 1}
    clock.move(hours=1)
    with run_server(answers) as port:
        settings = {"smtp_host": "127.0.0.1", "smtp_port": port}
        with open_outbox(tmp_path, clock=clock, **settings) as gateway:
            assert deliver_messages(gateway)["sent"] == 1
    ids = [mail["Message-ID"] for mail in answers.taken]
    assert len(set(ids)) == len(ids) == 4
    assert [mail["To"] for mail in answers.taken].count(LEADS) == 1


def test_a_refused_address_reaches_the_national_leads_through_the_mail_server(answers, tmp_path):
    with run_server(answers) as port:
        settings = {"smtp_host": "127.0.0.1", "smtp_port": port}
        with open_outbox(tmp_path, **settings) as gateway:
            load_events(gateway, [make_harmed("1")])
            prepare_messages(gateway)
            answers.to_rcpt = ["550 5.1.1 no such mailbox"]
            assert deliver_messages(gateway) == {"sent": 1, "failed": 1, "waiting": 0, "parked": 1}
            # The address is mended.
            retry_parked(gateway)
            assert deliver_messages(gateway) == {"sent": 1, "failed": 0, "waiting": 0, "parked": 0}
    to_leads, to_admin = answers.taken
    assert (to_leads["To"], to_admin["To"]) == (LEADS, ADMIN)
    assert to_leads["Message-ID"] != to_admin["Message-ID"]
    text = to_leads.get_body(("plain",)).get_content()
    assert f"{ADMIN} refuses mail" in text
    assert "Worst harm: fatal" in text

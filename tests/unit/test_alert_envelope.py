"""A message of the outbox as an e-mail, and the mailbox folder."""

import os
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP, default

import msgspec
import pytest

from gateway.notifications.envelope import get_message_id, make_email
from gateway.notifications.mailbox import MailboxMailer
from gateway.notifications.mailer import AddressRefusedError, MailDownError
from schemas.outbox import Message

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
MESSAGE = Message(
    id="urgent-0123456789abcdef",
    kind="urgent",
    organisation="RZA",
    recipient="admin@rza.example",
    subject="Urgent: St Ælfric’s",
    body="One & two\nlines <b>\n\nhttps://console.example/events/X?a=1&b=2\n",
    state="sending",
    attempts=1,
    due_at=AT,
    token=1,
    created_at=AT,
)
SENDER = "lrms-gateway@national.example"


def test_headers_tell_what_it_is():
    email = make_email(MESSAGE, SENDER)
    assert email["From"] == SENDER
    assert email["To"] == "admin@rza.example"
    assert email["Subject"] == "Urgent: St Ælfric’s"
    assert email["Message-ID"] == "<urgent-0123456789abcdef@national.example>"
    assert email["Auto-Submitted"] == "auto-generated"
    assert email["Date"] == "Sun, 22 Nov 2026 09:30:00 +0000"
    assert get_message_id(email) == MESSAGE.id


def test_plain_ascii_is_readable_in_the_file():
    body = f"{'A long line that nothing breaks. ' * 5}\nhttps://console.example/{'x' * 90}\n"
    raw = make_email(msgspec.structs.replace(MESSAGE, body=body), SENDER).as_bytes(policy=SMTP)
    assert body.replace("\n", "\r\n").encode() in raw


@pytest.mark.parametrize("body", [MESSAGE.body, "St Ælfric’s\n"])
def test_text_survives_the_way(body):
    email = make_email(msgspec.structs.replace(MESSAGE, body=body), SENDER)
    raw = email.as_bytes(policy=SMTP)
    assert raw.isascii()
    parsed = message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=default)
    assert parsed.get_body(("plain",)).get_content() == body


def test_it_reads_back_as_text_and_as_html():
    # Lines end in CRLF on the way.
    raw = make_email(MESSAGE, SENDER).as_bytes(policy=SMTP).replace(b"\r\n", b"\n")
    parsed = message_from_bytes(raw, policy=default)
    assert parsed.get_body(("plain",)).get_content() == MESSAGE.body
    html = parsed.get_body(("html",)).get_content()
    assert "<p>One &amp; two<br>\nlines &lt;b&gt;</p>" in html
    assert (
        '<a href="https://console.example/events/X?a=1&amp;b=2">'
        "https://console.example/events/X?a=1&amp;b=2</a>"
    ) in html


def test_the_same_message_is_the_same_bytes():
    later = msgspec.structs.replace(MESSAGE, attempts=5, token=5)
    one = make_email(MESSAGE, SENDER).as_bytes(policy=SMTP)
    assert make_email(later, SENDER).as_bytes(policy=SMTP) == one


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "nobody",
        "@rza.example",
        "a@b@c",
        "a@b.example\r\nBcc: all@example.org",
        "A <a@b.c>",
        '"',
    ],
)
def test_what_is_no_address_is_refused(recipient):
    with pytest.raises(AddressRefusedError) as refusal:
        make_email(msgspec.structs.replace(MESSAGE, recipient=recipient), SENDER)
    assert refusal.value.word == "no_address"
    assert not recipient or recipient not in str(refusal.value)


def test_the_mailbox_holds_each_message_once(tmp_path):
    folder = tmp_path / "mailbox"
    email = make_email(MESSAGE, SENDER)
    MailboxMailer(folder).send(email)
    MailboxMailer(folder).send(email)
    (only,) = folder.iterdir()
    assert only.name == "urgent-0123456789abcdef.eml"
    assert only.read_bytes() == email.as_bytes(policy=SMTP)


@pytest.mark.parametrize("left", [b"", b"half of", b"x" * 10_000])
def test_what_a_killed_writer_left_is_finished_by_the_next(tmp_path, left):
    (tmp_path / f".{MESSAGE.id}.eml").write_bytes(left)
    email = make_email(MESSAGE, SENDER)
    MailboxMailer(tmp_path).send(email)
    (only,) = tmp_path.iterdir()
    assert only.name == "urgent-0123456789abcdef.eml"
    assert only.read_bytes() == email.as_bytes(policy=SMTP)


def test_two_writers_of_one_message_leave_it_whole(tmp_path, monkeypatch):
    email = make_email(MESSAGE, SENDER)
    sync, calls = os.fsync, []

    def let_another_in(descriptor):
        sync(descriptor)
        calls.append(descriptor)
        if len(calls) == 1:
            # Between writing and renaming: the other finds the draft and is first.
            MailboxMailer(tmp_path).send(email)

    monkeypatch.setattr(os, "fsync", let_another_in)
    MailboxMailer(tmp_path).send(email)
    (only,) = tmp_path.iterdir()
    assert only.read_bytes() == email.as_bytes(policy=SMTP)
    assert len(calls) == 4


def test_a_mailbox_that_cannot_be_written_is_mail_that_is_down(tmp_path):
    (tmp_path / "mailbox").write_text("a file where the folder should be")
    with pytest.raises(MailDownError):
        MailboxMailer(tmp_path / "mailbox").send(make_email(MESSAGE, SENDER))

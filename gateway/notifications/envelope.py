"""A message of the outbox as an e-mail. The same message is the same e-mail to the byte, so that
sending it again can be told from sending another."""

import html
import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from gateway.notifications.mailer import AddressRefusedError
from schemas.outbox import Message

_LINK = re.compile(r"https?://[^\s<>\"]+")


def make_email(message: Message, sender: str) -> EmailMessage:
    """AddressRefusedError where the recipient is no e-mail address."""
    email = EmailMessage(policy=SMTP)
    email["From"] = sender
    email["To"] = _parse_address(message.recipient)
    email["Subject"] = message.subject
    email["Date"] = format_datetime(message.created_at)
    # A mail server or client that sees the same id twice may drop the second (RFC 5322 3.6.4).
    email["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    # RFC 3834: no out-of-office replies to this.
    email["Auto-Submitted"] = "auto-generated"
    # Readable as it is where it can be: Python would encode any text with a line above 78.
    cte = "7bit" if message.body.isascii() else "quoted-printable"
    email.set_content(message.body, cte=cte)
    email.add_alternative(_make_html(message.body), subtype="html", cte=cte)
    # Python draws the boundary at random otherwise.
    email.set_boundary(f"={message.id}=")
    return email


def get_message_id(email: EmailMessage) -> str:
    """The id in the outbox, as :func:`make_email` put it into Message-ID."""
    return str(email["Message-ID"]).strip("<>").partition("@")[0]


def _parse_address(text: str) -> Address:
    try:
        address = Address(addr_spec=text)
    except (ValueError, IndexError, HeaderParseError):
        raise AddressRefusedError("no_address") from None
    if not address.username or not address.domain:
        raise AddressRefusedError("no_address")
    return address


def _make_html(body: str) -> str:
    paragraphs = (html.escape(one).replace("\n", "<br>\n") for one in body.strip().split("\n\n"))
    linked = (_LINK.sub(r'<a href="\g<0>">\g<0></a>', one) for one in paragraphs)
    text = "\n".join(f"<p>{one}</p>" for one in linked)
    return f'<!doctype html>\n<html lang="en"><body>\n{text}\n</body></html>\n'

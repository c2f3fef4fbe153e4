"""Sends through a mail server."""

import smtplib
import ssl
from email.message import EmailMessage

from gateway.notifications.mailer import AddressRefusedError, DeferredError, MailDownError

# For connecting, and for each answer of the server. Short, a slow server gets a message twice
# (it took the message, we did not wait for its answer: RFC 1047); long, a dead one holds up all
# others, and the whole exchange (eight answers at most) must end within notify.LEASE.
TIMEOUT_SECONDS = 60.0


class SmtpMailer:
    """One connection a message: alerts are few, and a connection kept open breaks in more ways."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        user: str = "",
        password: str = "",
        starttls: bool = False,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._address = (host, port)
        self._user = user
        self._password = password
        self._starttls = starttls
        self._timeout = timeout

    def send(self, message: EmailMessage) -> None:
        try:
            server = smtplib.SMTP(*self._address, timeout=self._timeout)
            try:
                self._greet(server)
                self._hand_over(server, message)
            finally:
                _leave(server)
        # smtplib's errors are OSErrors too; those about one message were told apart before.
        except OSError as error:
            raise MailDownError(_word(error)) from None

    def _greet(self, server: smtplib.SMTP) -> None:
        if self._starttls:
            server.starttls(context=ssl.create_default_context())
        if self._user:
            server.login(self._user, self._password)

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage) -> None:
        recipient = message["To"].addresses[0].addr_spec
        try:
            server.send_message(message, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as refusal:
            code = refusal.recipients[recipient][0]
            # "from None": the chained error would carry the address into a log.
            if 500 <= code <= 599:
                raise AddressRefusedError(str(code)) from None
            raise DeferredError(str(code)) from None
        except smtplib.SMTPNotSupportedError:
            # The address is not ASCII and the server does not take such (RFC 6531).
            raise AddressRefusedError("not_ascii") from None
        except smtplib.SMTPResponseException as refusal:
            # 421 closes the service; anything else is about this message.
            if refusal.smtp_code == 421:
                raise
            raise DeferredError(str(refusal.smtp_code)) from None


def _leave(server: smtplib.SMTP) -> None:
    # The message is taken or refused by now: a farewell that fails must not send it again.
    try:
        server.quit()
    except OSError:
        server.close()


def _word(error: OSError) -> str:
    return str(error.smtp_code) if isinstance(error, smtplib.SMTPResponseException) else "no_answer"

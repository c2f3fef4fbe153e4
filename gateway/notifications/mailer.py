"""What sends a message, and the two ways in which that fails for good or for now."""

from email.message import EmailMessage
from typing import Protocol

from schemas.errors import GatewayError, UnavailableError


class Mailer(Protocol):
    """Sends one message, or raises one of the errors below. May be called again with the same
    message: its Message-ID tells that it is the same."""

    def send(self, message: EmailMessage) -> None: ...


class DeliveryError(GatewayError):
    """This message was not taken. ``word`` says why in a word or an SMTP code: never the server's
    own text, which quotes addresses."""

    def __init__(self, word: str) -> None:
        super().__init__(f"the message was not taken: {word}")
        self.word = word


class DeferredError(DeliveryError):
    """Not now: the same message may be taken later."""

    retryable = True


class AddressRefusedError(DeliveryError):
    """The address is refused for good: a person must look."""


class MailDownError(UnavailableError):
    """The mail server or the mailbox folder does not answer: no message can be sent now."""

    def __init__(self, word: str) -> None:
        super().__init__(f"mail cannot be sent now: {word}")
        self.word = word

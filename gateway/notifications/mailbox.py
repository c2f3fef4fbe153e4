"""A folder of ``.eml`` files instead of a mail server: for the demo, and for sites where another
program picks mail up."""

import os
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from gateway.notifications.envelope import get_message_id
from gateway.notifications.mailer import MailDownError


class MailboxMailer:
    """Writes ``<message id>.eml``. The same message again overwrites the same file with the same
    bytes, so here delivery is exactly once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage) -> None:
        name = f"{get_message_id(message)}.eml"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(name, message.as_bytes(policy=SMTP))
        except OSError as error:
            raise MailDownError(f"mailbox errno {error.errno}") from error

    def _write(self, name: str, content: bytes) -> None:
        # The process id keeps two writers of the same message apart; a reader of the folder never
        # sees half a file.
        draft = self._folder / f".{name}.{os.getpid()}"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

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
        # A reader of the folder never sees half a file. The draft's name is the message's own: what
        # a killed writer leaves is finished by whoever sends the message again. Nothing is cut off
        # on opening, so that two writers at once write the same bytes to the same place.
        draft = self._folder / f".{name}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT, 0o666), "wb") as file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
        try:
            draft.replace(self._folder / name)
        except FileNotFoundError:
            # The other writer was first; only then is the message there.
            (self._folder / name).stat()
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

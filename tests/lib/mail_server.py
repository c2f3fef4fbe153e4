"""A real mail server (aiosmtpd) that answers as a test tells it to."""

from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default

from aiosmtpd.controller import Controller

from tests.lib.ports import hold_port


class Answers:
    """Answers RCPT, DATA and QUIT as scripted, one answer a call, then takes everything."""

    def __init__(self):
        self.to_rcpt = []
        self.to_data = []
        self.to_quit = []
        self.taken = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        answer = self.to_rcpt.pop(0) if self.to_rcpt else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = self.to_data.pop(0) if self.to_data else "250 OK"
        if answer.startswith("250"):
            self.taken.append(message_from_bytes(envelope.content, policy=default))
        return answer

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802
        if self.to_quit:
            return self.to_quit.pop(0)
        return "221 Bye"


@contextmanager
def run_server(answers, **options):
    controller = Controller(answers, hostname="127.0.0.1", port=hold_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()

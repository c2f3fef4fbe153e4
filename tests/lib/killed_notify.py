"""A child process that prepares and delivers, and kills itself at a named point:
``python -m tests.lib.killed_notify HOME URL POINT COUNT``. The hooks are put in here; the product
knows nothing of them. Each hand-over to the mailer is a line of HOME/handed_over.
"""

import os
import sys
from pathlib import Path

from gateway.notifications.envelope import get_message_id
from gateway.notifications.mailbox import MailboxMailer
from gateway.pipeline import notify
from gateway.pipeline.notify import deliver_messages, prepare_messages
from store.outbox_alerts import Alerts
from store.outbox_messages import Messages
from tests.lib.dying import die_at, hook_call, hook_commits
from tests.lib.outbox import open_outbox

# Where the child may die: right after the named call.
POINTS = {
    "urgent_messages_made": (Messages, "add_many"),
    "urgent_alerts_announced": (Alerts, "announce"),
    "digest_made": (Messages, "add_digest"),
    "digest_worded": (Messages, "word"),
    "digest_announced": (Alerts, "announce_digest"),
    "claimed": (Messages, "claim"),
    # Synced, but not yet under its name.
    "draft_written": (os, "fsync"),
    "handed_over": (MailboxMailer, "send"),
    "settled": (Messages, "settle"),
    "parked_told": (notify, "_tell_leads"),
}


def record_hand_overs(home):
    send = MailboxMailer.send

    def recorded(self, message):
        send(self, message)
        with (home / "handed_over").open("a") as lines:
            lines.write(f"{get_message_id(message)}\n")

    MailboxMailer.send = recorded


def main():
    home, url, point, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    notify.URGENT_CHUNK = 3
    record_hand_overs(home)
    with open_outbox(home, url) as gateway:
        if point == "committed":
            hook_commits(die_at(count))
        else:
            hook_call(*POINTS[point], die_at(count))
        prepare_messages(gateway)
        deliver_messages(gateway)


if __name__ == "__main__":
    main()

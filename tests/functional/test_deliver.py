"""``lrms-gateway deliver`` as its user types it, with a mail server that refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lib.mail_server import Answers, run_server
from tests.lib.outbox import ADMIN, LEADS, load_events, make_harmed, open_outbox

PROGRAM = str(Path(sys.executable).with_name("lrms-gateway"))
REFUSED = "550 5.1.1 no such mailbox"


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def deliver(tmp_path, answers):
    """Runs the command, on the alert of a fatal event."""
    with open_outbox(tmp_path) as gateway:
        load_events(gateway, [make_harmed("1")])
    with run_server(answers) as port:
        settings = {
            "LRMS_HOME": str(tmp_path),
            "LRMS_SMTP_HOST": "127.0.0.1",
            "LRMS_SMTP_PORT": str(port),
            "LRMS_NATIONAL_LEADS": LEADS,
        }

        def run(*options):
            words = [PROGRAM, "deliver", *options]
            done = subprocess.run(words, env=os.environ | settings, capture_output=True, check=True)
            return done.stdout.decode()

        yield run


def test_a_refused_address_is_shown_and_tried_again_when_asked(deliver, answers):
    answers.to_rcpt = [REFUSED]
    assert deliver().splitlines() == [
        "made      1 urgent, 0 digests, 0 of no admin user",
        "delivered 1, failed 1",
        "waiting   0",
        "parked    1",
        "  1 for RZA: an admin user's address refuses mail, and the national leads are told (550)",
        "Once the addresses take mail: lrms-gateway deliver --retry-parked",
    ]
    assert "parked    1" in deliver()
    assert deliver("--retry-parked").splitlines() == [
        "retried   1 that were parked",
        "made      0 urgent, 0 digests, 0 of no admin user",
        "delivered 1, failed 0",
        "waiting   0",
        "parked    0",
    ]
    assert [mail["To"] for mail in answers.taken] == [LEADS, ADMIN]


def test_parked_messages_in_the_machine_form(deliver, answers):
    answers.to_rcpt = [REFUSED, REFUSED]
    assert json.loads(deliver("--json")) == {
        "urgent": 1,
        "digest": 0,
        "no_admin": 0,
        "retried": 0,
        "sent": 0,
        "failed": 2,
        "waiting": 0,
        "parked": 2,
        "parked_by_organisation": [
            {"organisation": "RZA", "to_leads": False, "reason": "550", "messages": 1},
            {"organisation": "RZA", "to_leads": True, "reason": "550", "messages": 1},
        ],
    }
    again = json.loads(deliver("--retry-parked", "--json"))
    assert (again["retried"], again["sent"], again["parked"]) == (2, 2, 0)
    assert again["parked_by_organisation"] == []


def test_a_refused_address_of_the_national_leads_is_told_apart(deliver, answers):
    answers.to_rcpt = [REFUSED, REFUSED]
    assert "RZA: the national leads' address refuses mail, and perhaps nobody" in deliver()

"""What the messages say, and what can never get into them."""

from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.notifications.wording import (
    NO_ADMIN_USER,
    Reader,
    make_plain,
    word_digest,
    word_no_admin,
    word_organisation,
    word_urgent,
)
from schemas.judged import ALERT_REASONS
from schemas.outbox import WaitingAlert

CONSOLE = "https://console.example"
ALERT = WaitingAlert(
    event_id=1,
    organisation="RZA",
    organisation_name="Aldermoor University Hospitals",
    kind="urgent",
    reason="fatal",
    reference="7K2M-9QXB-4T8D-V",
    event_type="1",
    occurred_on=date(2026, 11, 3),
    worst_harm=1,
    recorded_by="RZB",
    recorded_by_name="Brackenfield Community Health",
)
change = msgspec.structs.replace


def test_an_urgent_message_says_what_is_needed_to_act():
    wording = word_urgent(ALERT, CONSOLE)
    assert wording.subject == "Urgent: patient safety event 7K2M-9QXB-4T8D-V (fatal harm)"
    assert (
        wording.body
        == """\
A patient safety event at Aldermoor University Hospitals (RZA) has reached the national record.

Reference: 7K2M-9QXB-4T8D-V
Type: Patient safety incident
Date of event: 3 November 2026
Worst harm: fatal
Where: Aldermoor University Hospitals (RZA)
Recorded by: Brackenfield Community Health (RZB)

You are told at once because the worst harm is fatal.

Read the event:
https://console.example/events/7K2M-9QXB-4T8D-V

You get this as an admin user of Aldermoor University Hospitals (RZA).

This email leaves out the description of the event and all details of patients.
They are in the record, for those who may read it.
It was sent automatically. Please do not reply.
"""
    )


def test_an_event_of_a_site_may_reach_the_admin_users_of_its_trust():
    site = change(ALERT, organisation="RZA01", organisation_name="Aldermoor North")
    for wording in (
        word_urgent(site, CONSOLE),
        word_digest(date(2026, 11, 22), [site], 1, CONSOLE),
    ):
        why = "You get this as an admin user of Aldermoor North (RZA01) or of its trust.\n"
        assert why in wording.body


@pytest.mark.parametrize("reason", sorted(set(ALERT_REASONS) - {"routine"}))
def test_every_urgent_reason_has_words_in_subject_and_body(reason):
    wording = word_urgent(change(ALERT, reason=reason), CONSOLE)
    assert ALERT_REASONS[reason] in wording.body
    assert wording.subject.endswith(")")


def test_what_is_not_known_is_said():
    unknown = change(
        ALERT, occurred_on=None, worst_harm=None, recorded_by_name=None, event_type="9"
    )
    body = word_urgent(unknown, CONSOLE).body
    assert "Date of event: not known\n" in body
    assert "Worst harm: not recorded\n" in body
    assert "Recorded by: RZB\n" in body
    assert "Type: Type not known\n" in body


def test_the_national_leads_are_told_why_they_get_it_and_what_to_do():
    wording = word_urgent(ALERT, CONSOLE, NO_ADMIN_USER)
    assert wording.subject.startswith("Urgent for Aldermoor University Hospitals (RZA): patient")
    assert (
        "Aldermoor University Hospitals (RZA) has no admin user who could be told.\n"
        "Please make sure that the organisation knows of this event.\n"
    ) in wording.body
    assert "You get this as a national lead.\n" in wording.body
    assert "as an admin user" not in wording.body


REFUSED = Reader(is_lead=True, refused="gone@rza.example")


def test_the_national_leads_are_told_which_address_is_refused_and_how_to_mend_it():
    wording = word_urgent(ALERT, CONSOLE, REFUSED)
    assert "An admin user there was not told: gone@rza.example refuses mail.\n" in wording.body
    assert wording.body.count("gone@rza.example") == 1
    assert "gone@rza.example" not in wording.subject
    assert "lrms-gateway user add EMAIL --organisation RZA --role admin" in wording.body
    assert "You get this as a national lead.\n" in wording.body
    facts = word_urgent(ALERT, CONSOLE).body.split("\n\n")[1:4]
    assert all(fact in wording.body for fact in facts)


def test_a_digest_that_was_refused_lists_the_same_events():
    day = date(2026, 11, 22)
    wording = word_digest(day, make_listed(2), 2, CONSOLE, REFUSED)
    plain = word_digest(day, make_listed(2), 2, CONSOLE)
    assert wording.subject == plain.subject
    assert "knows of these events." in wording.body
    assert plain.body.split("\n\n")[1:3] == wording.body.split("\n\n")[4:6]
    assert "knows of this event." in word_digest(day, make_listed(1), 1, CONSOLE, REFUSED).body


def test_a_refused_address_breaks_no_line():
    reader = Reader(is_lead=True, refused="a\r\nBcc: all@example.org")
    body = word_urgent(ALERT, CONSOLE, reader).body
    assert len(body.splitlines()) == len(word_urgent(ALERT, CONSOLE, REFUSED).body.splitlines())


def make_listed(count):
    return [
        change(ALERT, kind="digest", reason="routine", worst_harm=4, reference=f"REF{n:04}")
        for n in range(count)
    ]


def test_a_digest_lists_its_events():
    wording = word_digest(date(2026, 11, 22), make_listed(2), 2, CONSOLE)
    assert wording.subject == (
        "2 patient safety events at Aldermoor University Hospitals (RZA): "
        "digest of 22 November 2026"
    )
    assert (
        "REF0001\nPatient safety incident, 3 November 2026, worst harm: low\n"
        "Recorded by: Brackenfield Community Health (RZB)\n"
        "https://console.example/events/REF0001\n"
    ) in wording.body
    assert " more:" not in wording.body


def test_a_digest_of_one_event_is_in_the_singular():
    wording = word_digest(date(2026, 11, 22), make_listed(1), 1, CONSOLE)
    assert wording.subject.startswith("1 patient safety event at ")
    assert "(RZA) has reached" in wording.body


def test_a_long_digest_counts_the_rest_and_links_to_it():
    body = word_digest(date(2026, 11, 22), make_listed(50), 12_345, CONSOLE).body
    assert body.count("/events/REF") == 50
    assert "and 12,295 more:\nhttps://console.example/events?organisation=RZA\n" in body


def test_a_missing_admin_user_is_reported_with_the_remedy():
    wording = word_no_admin("RZA", "Aldermoor University Hospitals")
    assert wording.subject == "No admin user at Aldermoor University Hospitals (RZA)"
    assert wording.body.startswith("Aldermoor University Hospitals (RZA) has no admin user.\n")
    assert "lrms-gateway user add EMAIL --organisation RZA --role admin" in wording.body


def test_a_missing_admin_user_of_a_site_is_one_of_its_trust_too():
    body = word_no_admin("RZA01", "Aldermoor North").body
    assert body.startswith("Neither Aldermoor North (RZA01) nor its trust has an admin user.\n")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Aldermoor", "Aldermoor"),
        ("Alder\r\nBcc: all@example.org", "Alder Bcc: all@example.org"),
        ("a\x00b\x1b[31mc\u2028d\u200be\u202ef", "a b [31mc d e f"),
        ("\u00a0 Ald \t er ", "Ald er"),
        ("St Ælfric’s", "St Ælfric’s"),
        ("\x00\x01", ""),
    ],
)
def test_names_are_made_plain(name, plain):
    assert make_plain(name) == plain


def test_a_name_of_nothing_but_controls_leaves_the_code():
    assert word_organisation("RZA", "\x07\n") == "RZA"


@given(name=st.text(max_size=200))
@settings(deadline=None, max_examples=200)
def test_no_name_breaks_a_line(name):
    named = change(ALERT, organisation_name=name, recorded_by_name=name)
    wording = word_urgent(named, CONSOLE)
    plain = word_urgent(ALERT, CONSOLE)
    assert len(wording.subject.splitlines()) == 1
    assert len(wording.body.splitlines()) == len(plain.body.splitlines())
    assert wording.body.isprintable() or set(filter(_is_odd, wording.body)) <= {"\n"}


def _is_odd(char):
    return not char.isprintable()

"""The verdict on a batch and what to do next."""

import pytest

from gateway.exit_codes import ExitCode, of_error, of_receipt
from gateway.pipeline.verdict import decide_next_action, decide_verdict, find_emptiness
from gateway.receipts.build import make_receipt
from schemas.catalogue import expectations, packing, reading
from schemas.errors import GatewayError, UnavailableError, UnknownError, WrongUseError
from schemas.receipt import Counts
from tests.lib.receipts import make_batch

BROKEN = [reading.NOT_FHIR.at()]
ALL = Counts(records=3, created=1, revised=1, unchanged=1)
SOME = Counts(records=3, created=2, rejected=1)
NONE = Counts(records=3, rejected=3)
NOTHING = Counts()


@pytest.mark.parametrize(
    ("counts", "findings", "verdict", "exit_code", "words"),
    [
        (ALL, [], "accepted", ExitCode.ALL_ACCEPTED, "Nothing to do"),
        (SOME, [], "partly_accepted", ExitCode.SOME_REJECTED, "send only them again"),
        (NONE, [], "rejected", ExitCode.SOME_REJECTED, "No record was accepted"),
        (ALL, BROKEN, "partly_accepted", ExitCode.UNREADABLE, "send it again whole"),
        (NOTHING, BROKEN, "rejected", ExitCode.UNREADABLE, "Nothing was loaded"),
    ],
)
def test_verdict(counts, findings, verdict, exit_code, words):
    assert decide_verdict(counts, findings) == verdict
    assert words in decide_next_action(counts, findings)
    assert of_receipt(make_receipt(make_batch(), counts, findings)) == exit_code


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        (BROKEN, "send it again whole"),
        ([expectations.TOO_FEW_RECORDS.at(records=3, expected=9)], "or say that it is right"),
    ],
)
def test_a_held_batch_has_no_verdict_and_says_what_sender_and_operator_do(findings, words):
    batch = make_batch(state="held")
    receipt = make_receipt(batch, SOME, findings)
    assert (receipt.verdict, of_receipt(receipt)) == ("held", ExitCode.HELD)
    assert words in receipt.next_action
    assert "(2 of 3 records" in receipt.next_action
    for verb in ("release", "discard"):
        assert f"'lrms-gateway batch {verb} {batch.id} --reason ...'" in receipt.next_action


def test_a_feed_without_records_has_a_finding_once():
    assert [finding.code for finding in find_emptiness(NOTHING, [])] == ["READ-090"]
    assert find_emptiness(NOTHING, BROKEN) == []
    left_out = [packing.LEFT_OUT.at(folders=1, files=0)]
    assert [finding.code for finding in find_emptiness(NOTHING, left_out)] == ["READ-090"]
    assert find_emptiness(ALL, []) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WrongUseError("x"), ExitCode.WRONG_USE),
        (UnknownError("x"), ExitCode.WRONG_USE),
        (UnavailableError("x"), ExitCode.BROKEN),
        (GatewayError("x"), ExitCode.BROKEN),
    ],
)
def test_errors_have_exit_codes(error, code):
    assert of_error(error) == code

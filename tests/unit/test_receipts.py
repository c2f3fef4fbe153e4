"""Receipts: the three forms say the same, and are safe to open."""

import csv
import io
import json

import pytest

from gateway.receipts.write import CSV_COLUMNS, write_csv, write_json, write_text
from schemas.receipt import Counts
from tests.lib.receipts import make_receipt_finding, make_receipt_record, make_receipt_stream


def make_mixed():
    finding = make_receipt_finding()
    return make_receipt_stream(
        make_receipt_record(1),
        make_receipt_record(
            2, disposition="rejected", reference=None, revision=None, findings=[finding, finding]
        ),
        make_receipt_record(3, local_id=None, disposition="unchanged"),
        counts=Counts(records=3, created=1, unchanged=1, rejected=1),
    )


def test_json_is_one_document_with_records_in_feed_order():
    found = json.loads("".join(write_json(make_mixed())))
    assert [record["number"] for record in found["records"]] == [1, 2, 3]
    assert found["verdict"] == "partly_accepted"
    assert found["records"][1]["findings"][0]["code"] == "TAX-003"
    assert found["records"][2]["local_id"] is None


def test_json_of_no_records():
    assert json.loads("".join(write_json(make_receipt_stream())))["records"] == []


def test_csv_has_a_line_a_finding_and_one_for_a_record_without():
    rows = list(csv.DictReader(io.StringIO("".join(write_csv(make_mixed())))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [(row["number"], row["code"]) for row in rows] == [
        ("1", ""),
        ("2", "TAX-003"),
        ("2", "TAX-003"),
        ("3", ""),
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_in_a_cell_is_made_harmless(start):
    stream = make_receipt_stream(make_receipt_record(1, local_id=f"{start}cmd|' /C calc'!A0"))
    rows = list(csv.DictReader(io.StringIO("".join(write_csv(stream)))))
    assert rows[0]["local_id"].startswith("'")


# Lines of our own making, terminal sequences (7- and 8-bit), a title bar, text turned around.
HOSTILE = "a\nVerdict accepted\r\n\x1b[2J\x9b31m\x1b]0;x\x07\u2028\u202ecod\x85\x0bz"


@pytest.mark.parametrize("write", [write_csv, write_text])
def test_text_of_a_sender_adds_no_line_and_reaches_no_terminal(write):
    names = ("path", "source_path", "message", "fix")
    calm, hostile = (
        "".join(
            write(
                make_receipt_stream(
                    make_receipt_record(
                        1,
                        local_id=text,
                        findings=[make_receipt_finding(**dict.fromkeys(names, text))],
                    )
                )
            )
        )
        for text in ("calm", HOSTILE)
    )
    assert len(hostile.splitlines()) == len(calm.splitlines())
    assert all(one.isprintable() for one in hostile.splitlines())
    assert "a\\nVerdict accepted" in hostile


def test_json_keeps_text_of_a_sender_as_it_is():
    stream = make_receipt_stream(make_receipt_record(1, local_id=HOSTILE))
    text = "".join(write_json(stream))
    assert json.loads(text)["records"][0]["local_id"] == HOSTILE
    assert "\x1b" not in text


def test_text_shows_what_needs_attention():
    text = "".join(write_text(make_mixed()))
    assert "3 records: 1 created, 0 revised, 1 unchanged, 1 rejected" in text
    assert "Record 2 (row 3) id W2: rejected" in text
    assert "error       TAX-003 agents: '99' is not a code of agent-type" in text
    assert "to do: Send one of the codes." in text
    assert "Record 1 " not in text

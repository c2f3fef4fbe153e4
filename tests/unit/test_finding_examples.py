"""The excerpts in the finding catalogue show the place that a finding names."""

import pytest

from schemas.catalogue import get_catalogue
from tests.lib.finding_catalogue import make_finding_catalogue, quote
from tests.lib.finding_examples import SAMPLES, find_example

CODES = sorted(path.name for path in SAMPLES.iterdir())
# Nothing of theirs can be shown: packed bytes, what is not there, what is said of a whole batch.
SHOWN = [code for code in CODES if find_example(code).sent]

TEXT = make_finding_catalogue()


@pytest.mark.parametrize("code", CODES)
def test_an_example_is_in_the_catalogue_as_the_receipt_words_it(code):
    example = find_example(code)
    entry = get_catalogue()[code]
    assert f"[Sample](../samples/findings/{code})" in TEXT
    for line in example.sent:
        assert f"\n{line}\n" in TEXT
    if example.message != entry.message:
        assert f"\n> {quote(example.message)}\n" in TEXT


@pytest.mark.parametrize("code", SHOWN)
def test_an_excerpt_is_short(code):
    sent = find_example(code).sent
    assert len(sent) <= 8
    assert max(map(len, sent)) <= 110


def test_most_findings_on_a_record_show_something():
    on_records = [code for code in CODES if not code.startswith(("EXP-", "PACK-"))]
    assert len(set(SHOWN) & set(on_records)) > 0.95 * len(on_records)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("RULE-010", '  {"url": "PsychologicalHarm", "valueCode": "4"}   ← here'),
        ("MAP-053", "SYN-MAP-053,31/02/2026   ← here"),
        ("MAP-050", '<incident taxonomy="5" id="SYN-MAP-050" type="near miss">   ← here'),
        ("MAP-066", "SYN-ROW-1,10   ← here"),
        ("TEXT-001", '"/description": (not there)   ← here'),
        ("READ-007", '"/entry/1/request": {"method": "DELETE", "url": "AdverseEvent/1"}   ← here'),
        ("READ-075", "Total records,,,,,,,,,,,,,,,,,2   ← here"),
        ("TAX-005", 'AdverseEventGovernance: {"NeverEvent": false}   ← here'),
    ],
)
def test_an_excerpt_has_the_place_in_sight(code, line):
    assert line in find_example(code).sent


@pytest.mark.parametrize(
    ("code", "odd"),
    [
        ("READ-002", r"A \xa350 watch"),
        ("READ-003", '"date": "2025-05-03", "date": "2025-05-04"'),
        ("READ-008", r"was\u0000helped"),
        ("READ-056", "slipped&#11;on"),
        ("READ-062", "location_known,location_organisation,location_known"),
        ("READ-064", "5,4,1,extra"),
        ("TEXT-003", "NHS number 999"),
    ],
)
def test_an_excerpt_of_a_long_line_has_what_is_odd_about_it(code, odd):
    assert any(odd in line for line in find_example(code).sent)

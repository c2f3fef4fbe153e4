"""What counts as an identifier of a person in free text, and what must not."""

import pytest

from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.events import NARRATIVE, make_event, make_submission
from validation.identifiers_in_text import (
    count_emails,
    count_names,
    count_nhs_numbers,
    count_postcodes,
    count_telephones,
)
from validation.rules.free_text import LONG_TEXTS, free_text_names_nobody

# 999 000 0018 and 999 000 0026 have a check digit that fits, 999 000 0019 has not.
NHS_NUMBERS = [
    ("NHS number 9990000018", 1),
    ("999 000 0018", 1),
    ("999-000-0018", 1),
    ("nhs no. 9990000018 and 999 000 0026", 2),
    ("9990000018 is the NHS number", 1),
    ("NHS number 9990000019", 0),
    ("999 000 0019", 0),
    ("9990000018", 0),
    ("serial 1999 000 0018", 0),
    ("999 000 00180", 0),
    ("999-000 0018", 0),
    ("an unhsnumbered 9990000018", 0),
    ("NHS " + "x" * 60 + " 9990000018", 0),
]
EMAILS = [
    ("write to a.person@example.org today", 1),
    ("A+b_c-@x.co.uk, d@e.nhs.uk", 2),
    ("10 mg @ 9 am", 0),
    ("@ward.nurse", 0),
    ("user@localhost", 0),
    ("", 0),
]
TELEPHONES = [
    ("call 01632 960123", 1),
    ("020 7946 0018", 1),
    ("(0114) 496 0123", 1),
    ("07700900123", 1),
    ("07700-900-123 or 07700 900 124", 2),
    ("+44 7700 900123", 1),
    ("+44 (0)20 7946 0018", 1),
    ("0044 1632 960123", 1),
    ("bleep 4312, extension 01234", 0),
    ("01 02 2026 10:30", 0),
    ("between 08:00 and 09:30 on 01/02/2026", 0),
    ("lot 101632960123", 0),
    ("00123456789", 0),
    ("999 000 0018", 0),
]
POSTCODES = [
    ("lives at ZZ1 1ZZ", 1),
    ("ZZ11ZZ and Z9Z 9ZZ", 2),
    ("ZZ1 1ZZ.", 1),
    ("vitamin B12 5MG", 0),
    ("bay 4 2EA", 0),
    ("T1 2ABC", 0),
    ("XZZ1 1ZZ", 0),
    ("zz1 1zz", 0),
    ("L5 3ML given", 0),
]
NAMES = [
    ("Mr Example", 1),
    ("seen by Dr. Sample and Mrs Other", 2),
    ("Ms O'Example, Miss Example, Prof Sample", 3),
    ("Sister ward", 0),
    ("the Dr. The patient was told", 0),
    ("Dr Foster data", 0),
    ("the dr was called", 0),
    ("Mr. and Mrs.", 0),
    ("HDr Sample", 0),
    ("MRI Brain", 0),
    ("Dr on call", 0),
]


@pytest.mark.parametrize(("text", "count"), NHS_NUMBERS)
def test_nhs_numbers(text, count):
    assert count_nhs_numbers(text) == count


@pytest.mark.parametrize(("text", "count"), EMAILS)
def test_emails(text, count):
    assert count_emails(text) == count


@pytest.mark.parametrize(("text", "count"), TELEPHONES)
def test_telephones(text, count):
    assert count_telephones(text) == count


@pytest.mark.parametrize(("text", "count"), POSTCODES)
def test_postcodes(text, count):
    assert count_postcodes(text) == count


@pytest.mark.parametrize(("text", "count"), NAMES)
def test_names(text, count):
    assert count_names(text) == count


def test_one_warning_a_kind_and_element_with_the_count_and_never_the_text():
    told = "Mr Example and Dr Sample, 999 000 0018, ZZ1 1ZZ"
    event = make_event(
        narrative=told,
        PatientInformation=[{"PatientSequence": 1}, {"ClinicalOutcome": told}],
    )
    findings = free_text_names_nobody(event, make_submission())
    assert [(finding.code, finding.path, finding.params) for finding in findings] == [
        (code, path, {"count": count})
        for path in ("narrative", "PatientInformation[1].ClinicalOutcome")
        for code, count in (("TEXT-003", 1), ("TEXT-006", 1), ("TEXT-007", 2))
    ]


def test_the_narrative_of_the_samples_names_nobody():
    assert list(free_text_names_nobody(make_event(narrative=NARRATIVE), make_submission())) == []


def test_every_long_text_is_a_text_of_some_version():
    known = {
        (group.name, element.name)
        for version in TAXONOMY_VERSIONS
        for group in get_taxonomy(version).groups
        for element in group.elements
        if element.type == "string"
    }
    assert {(group, name) for group, names in LONG_TEXTS.items() for name in names} <= known


@pytest.mark.parametrize("piece", ["0", "01 ", "a", "@", "Mr ", "M", "9 ", "Z1 ", "a@a.", "1Z"])
def test_hostile_text_is_searched_in_a_bounded_number_of_steps(piece):
    # Nested repetition would not return in a lifetime here.
    text = piece * (300_000 // len(piece))
    event = make_event(narrative=text)
    assert isinstance(free_text_names_nobody(event, make_submission()), list)

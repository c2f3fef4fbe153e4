"""The reference of an event: written by tables, checked by stdnum's Luhn."""

from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from schemas.identifiers import make_reference, parse_reference

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@given(event_id=st.integers(0, 2**60 - 1))
def test_a_reference_is_the_number_with_its_check_character(event_id: int) -> None:
    reference = make_reference(event_id)
    digits = reference.replace("-", "")
    assert [len(group) for group in reference.split("-")] == [4, 4, 4, 1]
    assert sum(32**place * ALPHABET.index(d) for place, d in enumerate(digits[-2::-1])) == event_id
    assert luhn.is_valid(digits, alphabet=ALPHABET)
    assert parse_reference(reference) == event_id

"""An identifier goes into a FHIR search and comes out of it as it was, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.headers import read_token
from gateway.client.events import make_token


@given(st.text(min_size=1))
def test_what_the_client_writes_the_server_reads(identifier):
    assert read_token(make_token(identifier)) == identifier.strip()


@given(st.text(min_size=1))
def test_a_system_before_it_is_left_out(identifier):
    assert read_token(f"https://lrms.example/ids|{make_token(identifier)}") == identifier.strip()


@pytest.mark.parametrize(
    ("token", "value"),
    [("A1", "A1"), ("sys|A1", "A1"), ("|A1", "A1"), (r"a\|b", "a|b"), (r"s|a\|b\\c", r"a|b\c")],
)
def test_tokens_as_fhir_writes_them(token, value):
    assert read_token(token) == value

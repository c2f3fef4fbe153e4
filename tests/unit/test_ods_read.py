"""What is read of an organisation of the ODS API, whatever it says."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.reference.ods_read import (
    PERIOD,
    Facts,
    UnreadableError,
    read_facts,
    read_organisation,
)
from tests.lib.ods_server import make_organisation

OPEN, ENDED = ("RO197", "2010-04-01", None), ("RO57", "2004-01-01", "2015-03-31")


def read(**how):
    return read_organisation(make_organisation("RX1", "A TRUST", **how))


def test_the_legal_days_count_and_the_last_one_is_its_own():
    found = read(active=False, roles=(("RO197", "2010-04-01", "2026-03-31"),))
    assert (found.opened, found.closed) == (date(2010, 4, 1), date(2026, 4, 1))


def test_one_that_lost_a_role_is_not_closed():
    found = read(roles=(OPEN, ENDED))
    assert (found.opened, found.closed) == (date(2004, 1, 1), None)
    assert found.roles == ("RO197", "RO57")


def test_one_that_is_to_close_says_so_beforehand():
    assert read(roles=(("RO197", None, "2027-03-31"),)).closed == date(2027, 4, 1)


def test_one_that_is_no_longer_active_closed_when_its_last_role_ended():
    found = read(active=False, roles=(ENDED, ("RO197", "2010-04-01", "2026-03-31")))
    assert found.closed == date(2026, 4, 1)
    assert read(active=False, roles=(OPEN,)).closed is None


def test_a_period_of_its_own_counts_before_those_of_its_roles():
    resource = make_organisation("RX1", "A TRUST", active=False, roles=(OPEN,))
    bounds = {"start": "2001-01-01", "end": "2020-12-31"}
    resource["extension"].append(
        {
            "url": PERIOD,
            "extension": [
                {"url": "dateType", "valueCoding": {"code": "Legal"}},
                {"url": "period", "valuePeriod": bounds},
            ],
        }
    )
    found = read_organisation(resource)
    assert (found.opened, found.closed) == (date(2001, 1, 1), date(2021, 1, 1))


def test_without_roles_nothing_is_known_of_its_days():
    found = read(roles=())
    assert (found.opened, found.closed, found.roles) == (None, None, ())
    assert found.changed_on == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("id", "rx1", "no ODS code"),
        ("id", None, "no ODS code"),
        ("id", "X" * 13, "no ODS code"),
        ("name", None, "no name"),
        ("name", ["A"], "no name"),
        ("active", "yes", "neither true nor false"),
        ("extension", [{"valueString": "no address"}], "a role, or a date"),
        ("extension", "text", "a role, or a date"),
    ],
)
def test_what_is_not_as_it_should_be_is_said(name, value, problem):
    resource = make_organisation("RX1", "A TRUST") | {name: value}
    with pytest.raises(UnreadableError, match=problem):
        read_organisation(resource)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "extension", "code", "part", "name"]), inner)
    ),
    max_leaves=12,
)


@given(JSON, JSON)
def test_nothing_else_is_ever_raised(extension, parameter):
    resource = make_organisation("RX1", "A TRUST") | {"extension": extension}
    with suppress(UnreadableError):
        assert read_organisation(resource).code == "RX1"
    told = {"name": "property", "part": parameter}
    for one in (parameter, [told], [told | {"part": [{"name": parameter}]}]):
        assert isinstance(read_facts({"parameter": one}), Facts)


def test_what_a_look_up_tells_in_any_form_of_value():
    def tell(name, **value):
        parts = [{"name": "code", "valueCode": name}, {"name": "value", **value}]
        return {"name": "property", "part": parts}

    told = [
        {"name": "display", "valueString": "A TRUST"},
        tell("successor", valueCode="RX3"),
        tell("successor", valueString="RX2"),
        tell("successor", valueString="not a code"),
        tell("ICB", valueCoding={"code": "QOP"}),
        tell("NHSER", valueCoding={}),
        tell("inactive", valueBoolean=True),
    ]
    assert read_facts({"parameter": told}) == Facts(("RX2", "RX3"), "QOP", None)

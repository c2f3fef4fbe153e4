"""Generated events: within every rule, canonical, repeatable, and without anybody in them."""

import itertools
from collections import Counter
from datetime import date, timedelta

import pytest

from gateway.generator.kinds import load_kinds
from schemas.event import INCIDENT, encode_event
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.generated import REGISTER, judge, make_events, make_maker


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_an_event_without_faults_has_no_findings(version):
    findings = Counter(
        finding.code for event in make_events(1_500, version=version) for finding in judge(event)
    )
    assert findings == Counter()


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_events_are_canonical(version):
    specs = {
        (group.name, element.name): element
        for group in get_taxonomy(version).groups
        for element in group.elements
    }
    for event in make_events(300, version=version):
        for name, groups in event.groups.items():
            for group in groups if isinstance(groups, list) else [groups]:
                assert group
                for element, value in group.items():
                    spec = specs[name, element]
                    assert isinstance(value, list) == spec.many
                    if isinstance(value, list) and spec.type == "code":
                        assert value == sorted(set(value))


def test_equal_seeds_give_equal_events_in_any_order():
    forwards = [encode_event(event) for event in make_events(50)]
    maker = make_maker()
    backwards = [encode_event(maker.make(number)) for number in range(50, 0, -1)]
    assert forwards == backwards[::-1]


def test_another_seed_gives_other_events():
    ours = {encode_event(event) for event in make_events(50, seed=1)}
    theirs = {encode_event(event) for event in make_events(50, seed=2)}
    assert not ours & theirs


def test_the_mix_is_that_of_a_national_year():
    events = make_events(4_000)
    types = Counter(event.event_type for event in events)
    harms = Counter(event.worst_harm for event in events)
    assert set(types) == {"1", "2", "3", "4"}
    assert types[INCIDENT] > 0.9 * len(events)
    assert harms[5] + harms[4] + harms[None] > 0.85 * len(events)
    assert 0 < harms[1] < 0.01 * len(events)
    assert any(event.never_event for event in events)
    elsewhere = sum(
        event.occurred_organisations != [event.reporter_organisation] for event in events
    )
    assert 0.05 * len(events) < elsewhere < 0.11 * len(events)
    assert max(len(event.patients) for event in events) == 3


def test_narratives_have_the_length_of_real_ones():
    lengths = [len(event.narrative) for event in make_events(1_000)]
    assert min(lengths) >= 200
    assert max(lengths) <= 700


def test_events_lie_in_the_year_before_the_last_day():
    until = date(2025, 3, 31)
    days = [event.occurred_on for event in make_events(500, until=until) if event.occurred_on]
    assert until - timedelta(days=365) < min(days) < max(days) <= until


def test_an_identifier_is_planted_where_asked_for_and_found():
    found = Counter(
        finding.code for event in make_events(300, identifiers=1.0) for finding in judge(event)
    )
    assert set(found) == {"TEXT-003", "TEXT-004", "TEXT-005", "TEXT-006", "TEXT-007"}
    assert found.total() == 300


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_every_sentence_has_a_problem_that_fits_it(version):
    for kind in load_kinds(version).kinds:
        assert len(kind.fits) == len(kind.what), kind.name
        assert set(kind.fits) == set(range(len(kind.problems))), kind.name
        assert kind.specialties, kind.name


def test_codes_of_the_invented_register_are_unique_and_successors_exist():
    codes = [organisation.code for organisation in REGISTER]
    assert len(codes) == len(set(codes))
    assert all(one.successor in codes for one in REGISTER if one.successor)
    assert any(one.closed and one.successor for one in REGISTER)
    for one, other in itertools.pairwise(REGISTER):
        assert one.name != other.name

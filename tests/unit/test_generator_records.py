"""Generated records: faults and repeats in the shares asked for, and nothing else disturbed."""

import pytest

from gateway.generator.faults import FAULTS
from gateway.generator.records import RecordMaker
from schemas.finding import has_error
from schemas.taxonomy import TAXONOMY_VERSIONS
from tests.lib.generated import judge, make_maker


def make_records(count, *, version="5", seed=1, errors=0.0, duplicates=0.0):
    maker = make_maker(version, seed)
    records = RecordMaker(maker, seed=seed, errors=errors, duplicates=duplicates)
    return list(records.make_all(count))


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_a_fault_is_an_error_where_it_says_so_and_a_warning_otherwise(version):
    seen = set()
    for record in make_records(1_000, version=version, errors=1.0):
        findings = judge(record.event)
        assert findings, record.fault.name
        assert has_error(findings) == record.fault.rejected, record.fault.name
        seen.add(record.fault.name)
    assert seen == {fault.name for fault in FAULTS if version in fault.versions}


def test_the_share_of_errors_is_kept_and_the_other_records_stay_as_they_were():
    clean, faulty = make_records(2_000), make_records(2_000, errors=0.1)
    assert 150 < sum(record.fault is not None for record in faulty) < 250
    for before, after in zip(clean, faulty, strict=True):
        assert (before.event == after.event) == (after.fault is None)


def test_repeats_name_an_earlier_record_and_half_of_them_change_it():
    records = make_records(3_000, errors=0.05, duplicates=0.2)
    repeats = [record for record in records if record.original is not None]
    assert 500 < len(repeats) < 700
    assert 0.4 * len(repeats) < sum(record.changed for record in repeats) < 0.6 * len(repeats)
    for record in repeats:
        original = records[record.original - 1]
        assert original.number < record.number
        assert original.original is None
        assert original.local_id == record.local_id
        assert (original.event == record.event) != record.changed


def test_new_records_have_ids_of_their_own():
    records = make_records(500, duplicates=0.3)
    new = [record.local_id for record in records if record.original is None]
    assert len(new) == len(set(new))

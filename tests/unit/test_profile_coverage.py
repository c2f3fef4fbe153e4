"""What a profile makes of a whole file, counted."""

import io

from gateway.adapters.limits import Limits
from gateway.profiles import tally as tally_module
from gateway.profiles.coverage import count_file, make_coverage
from gateway.profiles.coverage_model import Coverage
from gateway.profiles.judging import Judging
from mappers.profile_load import load_profile, parse_profile
from tests.lib.events import make_source
from tests.lib.profile_files import (
    RECEIVED_AT,
    SMALL_PROFILE,
    STORY,
    cover_rows,
    make_judging,
    make_row,
    write_rows,
)


def uncoded(coverage: Coverage) -> dict[str, tuple[list[tuple[str, int]], int]]:
    return {
        one.field: ([(value.value, value.count) for value in one.values.shown], one.values.others)
        for one in coverage.uncoded
    }


def rows(count: int, **cells: str) -> list[dict[str, str]]:
    return [make_row(number, **cells) for number in range(1, count + 1)]


def test_records_are_counted_by_outcome():
    found = cover_rows(*rows(3), make_row(4, harm_1="bad"), make_row(5, story=""))
    assert (found.records, found.accepted, found.rejected) == (5, 3, 2)
    codes = {one.code: (one.records, one.times) for one in found.findings}
    assert codes["MAP-050"] == (1, 1)
    assert codes["TEXT-001"] == (1, 1)


def test_each_field_says_what_becomes_of_it():
    found = cover_rows(*rows(3), make_row(4, bleep="7", ward="icu", handler="J"))
    fields = {one.name: one for one in found.fields}
    assert fields["harm_1"].targets == ["PatientInformation.PhysicalHarm"]
    assert fields["handler"].reason == "not of the event"
    assert fields["ward"].use == "asked"
    assert fields["bleep"].use == "unknown"
    assert (fields["bleep"].filled, fields["bleep"].share) == (1, 0.25)
    assert found.has_unknown


def test_what_a_condition_looks_at_is_used_though_it_is_ignored():
    text = SMALL_PROFILE.replace("ignored:\n", "ignored:\n  ward: only a condition asks for it\n")
    tally = count_file(make_judging(text), io.BytesIO(write_rows(*rows(2, ward="icu"))))
    (ward,) = [one for one in make_coverage(tally, file="x").fields if one.name == "ward"]
    assert (ward.use, ward.reason) == ("asked", "only a condition asks for it")


def test_a_column_that_is_never_filled_is_told_in_its_place():
    found = cover_rows(*rows(3))
    fields = {one.name: one for one in found.fields}
    assert list(fields) == list(make_row(1))
    assert fields["device"].filled == 0
    assert fields["device"].use == "mapped"


def test_values_without_a_code_are_counted_at_their_field():
    found = cover_rows(
        *rows(4, harm_1="Bad "),
        *rows(3, harm_1="LOW"),
        *rows(2, harm_1="worse"),
        *rows(3, challenge="2; 77"),
    )
    assert uncoded(found) == {"harm_1": ([("Bad", 4)], 1), "challenge": ([("77", 3)], 0)}


def test_an_event_type_and_a_boolean_without_meaning_count_too():
    found = cover_rows(*rows(3, type="Near miss"), *rows(3, never="perhaps"))
    assert uncoded(found) == {"type": ([("Near miss", 3)], 0), "never": ([("perhaps", 3)], 0)}


BY_NAME = SMALL_PROFILE.replace("{to: LocationDetails.Organisation}",
    "{to: LocationDetails.Organisation, by_name: true, codes: {Our House: RZA01}}")  # fmt: skip


def test_a_name_of_an_organisation_fills_its_element_without_a_register():
    tally = count_file(make_judging(BY_NAME), io.BytesIO(write_rows(*rows(3, trust="North"))))
    assert "LocationDetails.Organisation" not in make_coverage(tally, file="x").never_filled


def test_names_that_the_register_does_not_know_are_asked_for():
    judging = Judging(
        parse_profile(BY_NAME, "small.yaml"),
        limits=Limits(),
        received_at=RECEIVED_AT,
        source=make_source(format="csv"),
        register={},
    )
    feed = write_rows(*rows(4, trust="North"), *rows(3, trust="our house"), make_row(9, trust="X"))
    found = make_coverage(count_file(judging, io.BytesIO(feed)), file="x", source="s")
    assert uncoded(found)["trust"] == ([("North", 4)], 1)
    (one,) = found.uncoded
    assert one.are_names


def test_a_value_that_may_be_a_person_is_only_counted():
    found = cover_rows(*rows(9, harm_1="Mr Example"), *rows(9, harm_1="999 123 4527"))
    assert uncoded(found) == {"harm_1": ([], 2)}


def test_dates_that_cannot_be_read_are_told_by_their_shape():
    found = cover_rows(*rows(2, date="2025-05-03"), make_row(3, date="yesterday"))
    shapes = {(one.field, one.shape): one.count for one in found.unreadable_shapes}
    assert shapes == {("date", "9999-99-99"): 2, ("date", "aaaaaaaaa"): 1}


def test_elements_never_filled_are_those_of_the_profile_and_those_of_the_taxonomy():
    found = cover_rows(*rows(2))
    assert "AdverseEventGovernance.NeverEvent" in found.never_filled
    assert "AdverseEventAgent.InvolvedAgents" not in found.never_filled
    assert "AdverseEventAgent.DrugsInvolved" in found.never_mapped
    assert not set(found.never_filled) & set(found.never_mapped)


def test_what_is_derived_is_counted():
    found = cover_rows(*rows(2), make_row(3, ward="icu"))
    counts = {one.element: one.records for one in found.derived}
    assert counts == {
        "LocationDetails.LocationKnown": 3,
        "AdverseEventClassification.LevelOfConcern": 1,
    }


def test_expectations_are_met_or_not():
    met = {one.what: one.is_met for one in cover_rows(*rows(2)).expectations}
    assert met == {"records": True, "share rejected": True}
    unmet = {one.what: one.is_met for one in cover_rows(make_row(1, type="")).expectations}
    assert unmet == {"records": False, "share rejected": False}


def test_a_file_of_another_kind_is_told_and_not_raised():
    tally = count_file(make_judging(), io.BytesIO(b"\x00\x01"))
    found = make_coverage(tally, file="x.csv")
    assert found.records == 0
    assert [one.severity for one in found.feed] == ["error"]


def test_a_row_that_cannot_be_read_is_counted_and_its_neighbours_are_read():
    raw = write_rows(make_row(1), make_row(2)) + b"1,2,3\r\n" * 1 + b'"a"b,\r\n'
    found = make_coverage(count_file(make_judging(), io.BytesIO(raw)), file="x.csv")
    assert found.records == 4
    assert found.unreadable == 1
    assert found.accepted == 2


def test_memory_is_bounded_by_the_number_of_values_kept(monkeypatch):
    monkeypatch.setattr(tally_module, "MAX_VALUES", 5)
    judging = make_judging()
    raw = write_rows(*(make_row(number, challenge=f"c{number}") for number in range(20)))
    tally = count_file(judging, io.BytesIO(raw))
    assert len(tally.fields["challenge"].values) == 5
    assert tally.fields["challenge"].is_more


def test_free_text_is_kept_nowhere():
    tally = count_file(make_judging(), io.BytesIO(write_rows(*rows(5))))
    assert not tally.fields["story"].values
    assert all(STORY not in field.values for field in tally.fields.values())


def test_repeated_groups_of_xml_are_one_field_each():
    xml = b"""<incidents xmlns="urn:lrms:incidents:1"><incident id="1" taxonomy="5" type="incident">
      <patients><patient><physicalHarm>5</physicalHarm></patient>
      <patient><physicalHarm>77</physicalHarm><shoes>9</shoes></patient></patients>
    </incident></incidents>"""
    judging = Judging(load_profile("lrms-xml"), limits=Limits(), received_at=RECEIVED_AT)
    found = make_coverage(count_file(judging, io.BytesIO(xml)), file="x.xml", min_count=1)
    fields = {one.name: one.use for one in found.fields}
    assert fields["patients/patient/physicalHarm"] == "mapped"
    assert fields["patients/patient/shoes"] == "unknown"
    assert uncoded(found) == {"patients/patient/physicalHarm": ([("77", 1)], 0)}


def test_a_profile_that_expects_nothing_says_nothing():
    text = SMALL_PROFILE[: SMALL_PROFILE.index("expectations:")]
    tally = count_file(make_judging(text), io.BytesIO(write_rows(make_row(1))))
    assert make_coverage(tally, file="x.csv").expectations == []

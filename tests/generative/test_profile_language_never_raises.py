"""Whatever the record: with everything a profile can say, mapping ends in findings, and a date of
birth ends nowhere."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.profile_model import ROWS, Profile
from mappers.profile_read import ProfileMapper
from schemas.catalogue import word_fix, word_message
from schemas.event import encode_event
from schemas.record import Mapped, SourceRecord
from schemas.taxonomy import get_taxonomy
from tests.lib.profile_language import (
    JSON_PROFILE,
    OWN_FIELDS,
    RECORD_FIELDS,
    ROWS_PROFILE,
    WORDS,
)

_MAPPERS = {
    profile.name: ProfileMapper(profile, strict=True, default_version="6")
    for profile in (ROWS_PROFILE, JSON_PROFILE)
}
_texts = st.sampled_from(WORDS) | st.text(max_size=12)
_cells = _texts | st.lists(_texts, max_size=3)
_fields = st.dictionaries(st.sampled_from(RECORD_FIELDS) | st.text(max_size=5), _cells)
_rows = st.lists(st.dictionaries(st.sampled_from(OWN_FIELDS), _cells), max_size=4)
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(OWN_FIELDS), inner),
    max_leaves=5,
)


def _make_content(profile: Profile, fields: dict[str, Any], rows: Any) -> dict[str, Any]:
    if profile is ROWS_PROFILE:
        return {**fields, ROWS: rows}
    items = [{f"/{name}": cell for name, cell in row.items()} for row in rows]
    return {**fields, "/people": items, "/drugs": items}


def _map(profile: Profile, content: dict[str, Any]) -> Mapped:
    mapper, record = _MAPPERS[profile.name], SourceRecord(1, "", content, b"")
    mapped = mapper.map_record(record)
    for finding in mapped.findings:
        assert word_message(finding)
        assert word_fix(finding)
    paths = mapper.source_paths(record)
    if mapped.event is not None:
        encode_event(mapped.event)
        assert set(mapped.derived) <= paths.keys() | {"PractitionerDetails.ReporterType"} | {
            "AdverseEventSafetyChallenges.SafetyChallenges"
        }
    return mapped


@pytest.mark.parametrize("profile", [ROWS_PROFILE, JSON_PROFILE], ids=lambda one: one.name)
@given(_fields, _rows)
@settings(max_examples=200, deadline=None)
def test_records(profile: Profile, fields: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    mapped = _map(profile, _make_content(profile, fields, rows))
    if mapped.event is None:
        return
    taxonomy = get_taxonomy(mapped.event.taxonomy_version)
    for name, group in mapped.event.groups.items():
        for one in group if isinstance(group, list) else [group]:
            for element, value in one.items():
                spec = taxonomy.find_element(name, element)
                assert spec is not None
                assert isinstance(value, list) == spec.many
                assert value not in ("", [])


@pytest.mark.parametrize("profile", [ROWS_PROFILE, JSON_PROFILE], ids=lambda one: one.name)
@given(
    st.dictionaries(st.sampled_from([*RECORD_FIELDS, ROWS, "/people", "/drugs"]), _anything),
)
@settings(max_examples=200, deadline=None)
def test_content_no_reader_of_ours_would_give(profile: Profile, content: dict[str, Any]) -> None:
    _map(profile, content)


@pytest.mark.parametrize("profile", [ROWS_PROFILE, JSON_PROFILE], ids=lambda one: one.name)
@given(
    st.sampled_from(["1987-06-05", "05/06/1987", "5/6/1987", "05/06/87", "1987-6-5", "19870605"]),
    st.sampled_from([None, "3-Nov-2026", "3-Nov-1986", "nonsense"]),
    st.sampled_from(["born", "age"]),
    _rows,
)
@settings(max_examples=100, deadline=None)
def test_a_date_of_birth_ends_nowhere(
    profile: Profile, born: str, day: str | None, field: str, rows: list[dict[str, Any]]
) -> None:
    content: dict[str, Any] = {"/type": "incident"} | ({"/date": day} if day else {})
    rows = [*rows, {"role": "patient", field: born}]
    mapped = _map(profile, _make_content(profile, content, rows))
    assert born not in repr(mapped)
    assert "1987" not in repr(mapped)
    if day == "3-Nov-2026" and field == "born" and born in ("1987-06-05", "05/06/1987"):
        assert mapped.event is not None
        assert any(one.get("AgeAtTimeOfIncidentDays") == 39 * 372 for one in mapped.event.patients)


@pytest.mark.parametrize("profile", [ROWS_PROFILE, JSON_PROFILE], ids=lambda one: one.name)
@given(st.dictionaries(st.sampled_from(["unheard of", "/other/x", "auditor"]), _texts))
@settings(max_examples=50, deadline=None)
def test_what_the_profile_does_not_know_is_told(profile: Profile, fields: dict[str, str]) -> None:
    mapped = _map(profile, {"/type": "incident", **fields})
    filled = {name for name, text in fields.items() if text.strip()}
    assert {one.source_path for one in mapped.findings if one.code == "MAP-001"} == filled

"""Whatever the file: coverage, its report and a preview are made; values are shown by the rule."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.profiles.cover import Covering
from gateway.profiles.preview import make_preview
from gateway.profiles.report import write_report
from gateway.profiles.sharing import MIN_COUNT
from tests.lib.profile_files import HEADER, make_judging, make_row, write_rows

COLUMNS = HEADER.split(",")
CELLS = st.one_of(
    st.sampled_from(["", "low", "LOW", "bad", "incident", "yes", "03/05/2025", "2;77", "RZA"]),
    st.text(max_size=12),
)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(COLUMNS), CELLS, max_size=8).map(
        lambda cells: make_row(1) | cells
    ),
    max_size=8,
)
# Also what is no CSV at all, or not of this profile.
FILES = st.one_of(
    st.builds(lambda rows: write_rows(*rows), ROWS.filter(bool)),
    st.binary(max_size=200),
    st.builds(lambda tail: f"{HEADER}\n".encode() + tail, st.binary(max_size=200)),
)


@settings(max_examples=150, deadline=None)
@given(FILES, FILES)
def test_coverage_never_raises_and_counts_add_up(raw: bytes, before: bytes):
    judging = make_judging()
    found = Covering(judging, io.BytesIO(raw), "now.csv").against(io.BytesIO(before), "then.csv")
    coverage = found.coverage
    assert coverage.accepted + coverage.rejected == coverage.records
    assert coverage.unreadable <= coverage.rejected
    assert all(0 <= field.share <= 1 for field in coverage.fields)
    for field in coverage.uncoded:
        assert all(value.count >= MIN_COUNT for value in field.values.shown)
    assert write_report(coverage, found.drift, made_on="today").endswith("</html>")
    assert found.as_json()["summary"]


@settings(max_examples=100, deadline=None)
@given(FILES)
def test_a_preview_never_raises_and_shows_every_field(raw: bytes):
    preview = make_preview(make_judging(), io.BytesIO(raw), first=1, count=3)
    for record in preview.records:
        for field in record.fields:
            assert field.texts
            assert field.use in ("mapped", "asked", "ignored", "unknown")

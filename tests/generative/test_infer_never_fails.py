"""Whatever a CSV, XML or JSON file holds: a draft that is a profile, or a word on why not."""

import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.profiles.infer import infer_profile
from mappers.profile_load import parse_profile
from schemas.errors import WrongUseError

NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["id", "Date of birth", "patient_1_harm", "patient_2_harm", "{n}", "Severity", "~", "?",
         "NHS number", "a: b", "#x", "Incident date", "Category", "y", "patient {n}", "\\", '"']
    ),
)  # fmt: skip
CELLS = st.one_of(
    st.text(max_size=15),
    st.sampled_from(
        ["1", "Y", "No harm", "01/02/2025", "01/02/25", "12:30", "a;b", "a|b", "RZA01", "~", "no",
         "9990000000", "Mr Smith", "3 months", "\x85", "\ud800", "A: #b", "- x", "45"]
    ),
)  # fmt: skip


def write_csv(rows, delimiter):
    quoted = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    return "\r\n".join(quoted).encode("utf-8", "replace")


@st.composite
def csv_files(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=6))
    row = st.lists(CELLS, min_size=len(names), max_size=len(names))
    rows = draw(st.lists(row, max_size=6)) * draw(st.integers(1, 3))
    return write_csv([names, *rows], draw(st.sampled_from(",;\t|")))


def check_draft(raw, **options):
    try:
        inferred = infer_profile(io.BytesIO(raw), "feed.csv", **options)
    except WrongUseError:
        return None
    profile = parse_profile(inferred.text, "feed.yaml")
    assert profile.name == "feed"
    named = {head.field for head in profile.heads.values()}
    named |= {*profile.elements, *profile.ignored}
    for group in profile.repeated.values():
        named |= {
            f"{group.at or ''}{'/' if profile.format == 'xml' and group.at else ''}{field}"
            for field in group.elements
        }
    assert {one.field.name for one in inferred.draft.fields} <= named
    return profile


@settings(max_examples=25, deadline=None)
@given(csv_files(), st.sampled_from("456"))
def test_any_csv_gives_a_draft_that_names_each_column(raw, version):
    check_draft(raw, taxonomy_version=version)


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_draft_or_a_word_on_why_not(raw):
    check_draft(raw)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), CELLS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=25, deadline=None)
@given(JSON, st.booleans())
def test_any_json_gives_a_draft_or_a_word_on_why_not(value, is_list):
    value = [value, value] if is_list else {"records": [value, value]}
    check_draft(json.dumps(value).encode())


TAGS = st.sampled_from(["a", "incident", "patient", "n:b", "harm", "date", "id"])


@st.composite
def elements(draw, depth=3):
    tag = draw(TAGS)
    text = draw(st.sampled_from(["", "x", "1", "01/02/2025", "No harm"]))
    inside = "".join(draw(st.lists(elements(depth - 1), max_size=3))) if depth else ""
    attribute = draw(st.sampled_from(["", ' id="3"', ' n:k="v"']))
    return f"<{tag}{attribute}>{text}{inside}</{tag}>"


@settings(max_examples=25, deadline=None)
@given(st.lists(elements(), max_size=3), st.sampled_from(['xmlns="urn:d" ', ""]))
def test_any_xml_gives_a_draft_or_a_word_on_why_not(inside, default):
    check_draft(f'<root {default}xmlns:n="urn:n">{"".join(inside)}</root>'.encode())

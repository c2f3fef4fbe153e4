"""The coverage report as HTML: whole in itself, escaped, accessible, and without anybody in it."""

import io
import re
from itertools import pairwise

import pytest
from lxml import html

from gateway.profiles.coverage import count_file, make_coverage
from gateway.profiles.drift import compare
from gateway.profiles.report import write_report
from gateway.profiles.report_needs import list_needs
from gateway.profiles.report_words import summarise
from tests.lib.profile_files import (
    SMALL_PROFILE,
    STORY,
    count_rows,
    make_judging,
    make_row,
    write_rows,
)

HOSTILE = '<script>alert("x")</script>'
Rows = list[dict[str, str]]


def rows(count: int, **cells: str) -> Rows:
    return [make_row(number, **cells) for number in range(1, count + 1)]


def report(after: Rows, before: Rows | None = None) -> str:
    tally = count_rows(*after)
    coverage = make_coverage(tally, file="rows & <b>.csv")
    drift = compare(count_rows(*before), tally, against="before.csv") if before else None
    return write_report(coverage, drift, made_on="22 November 2026")


@pytest.fixture(scope="module")
def full() -> str:
    """A report with every section."""
    after = [
        *rows(30, harm_1="<b>bad</b>", date="2025-05-03"),
        *rows(5, harm_1="Mr Example", handler="Dr Example", story=STORY + " Mr Example"),
        *rows(2, harm_1="rare"),
    ]
    after = [row | {HOSTILE: "Mrs Example"} for row in after]
    return report(after, [row | {"gone": "1"} for row in rows(40, ward="icu")])


@pytest.fixture(scope="module")
def page(full: str) -> html.HtmlElement:
    return html.document_fromstring(full)


def test_it_is_whole_in_itself(full: str, page: html.HtmlElement):
    assert full.startswith("<!DOCTYPE html>")
    assert not page.xpath("//script | //link | //img | //iframe | //object | //form")
    assert not page.xpath("//@src | //@href | //@xlink:href", namespaces={"xlink": "x"})
    assert not [name for one in page.iter() for name in one.attrib if name.startswith("on")]
    assert "url(" not in full
    assert "http" not in full.replace('http-equiv="Content-Security-Policy"', "")
    assert "default-src 'none'" in full


def test_names_and_values_are_escaped(full: str, page: html.HtmlElement):
    assert HOSTILE not in full
    assert "<b>" not in full
    assert HOSTILE in page.text_content()
    assert "<b>bad</b>" in page.text_content()


def test_nobody_and_nothing_rare_is_in_it(full: str):
    for hidden in ("Example", STORY, "rare", "R-1"):
        assert hidden not in full.replace("rarely", "")


def test_headings_are_in_order(page: html.HtmlElement):
    levels = [int(one.tag[1]) for one in page.xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_tables_say_what_they_hold(page: html.HtmlElement):
    tables = page.xpath("//table")
    assert len(tables) >= 6
    for table in tables:
        assert table.xpath("./caption")[0].text_content().strip()
        assert table.xpath("./thead/tr/th[@scope='col']")
        assert not table.xpath("./thead//th[not(@scope)]")
        columns = len(table.xpath("./thead/tr/th"))
        for row in table.xpath("./tbody/tr"):
            assert len(row) == columns
            assert row.xpath("./th[@scope='row']")


def test_charts_have_a_text_alternative(page: html.HtmlElement):
    charts = page.xpath("//svg")
    assert len(charts) == 4
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    for chart in charts:
        assert chart.get("role") == "img"
        for one in chart.get("aria-labelledby").split():
            (named,) = chart.xpath(f".//*[@id='{one}']")
            assert named.text_content().strip()


def test_it_says_its_language_and_title(page: html.HtmlElement):
    assert page.get("lang") == "en-GB"
    assert page.findtext(".//title") == "Coverage of rows & <b>.csv by profile small"


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_can_be_read_on_both_backgrounds(full: str):
    style = full[full.index("<style>") : full.index("</style>")]
    colours = set(re.findall(r"(?:[^-]color|fill): (#[0-9a-f]{6})", style))
    assert len(colours) >= 4
    for colour in colours:
        for background in ("#ffffff", "#f3f2f1"):
            light, dark = sorted((luminance(colour), luminance(background)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, colour


def test_the_summary_is_in_plain_words():
    tally = count_rows(*rows(3), make_row(4, harm_1="bad", handler="J"))
    coverage = make_coverage(tally, file="x.csv")
    assert list(summarise(coverage, None))[:3] == [
        "4 records: 3 accepted, 1 rejected (25.0%).",
        "12 of 13 columns are used, 1 is left out on purpose.",
        "1 value in 'harm_1' has no national code (1 time in all).",
    ]


def test_a_file_without_fault_asks_for_nothing():
    tally = count_rows(*rows(3))
    assert list(list_needs(make_coverage(tally, file="x.csv"), None)) == []
    assert "Nothing: every record would be accepted" in report(rows(3))


def test_what_is_asked_for_can_be_acted_on():
    after = [row | {"bleep": "7"} for row in rows(30, harm_1="bad", challenge="")]
    coverage = make_coverage(count_rows(*after), file="x.csv")
    needs = list(list_needs(coverage, None))
    assert needs[0] == (
        "Tell us the national code of these values of 'harm_1', or send codes that are on its list:"
        " bad (30 times)."
    )
    assert needs[1].startswith("Tell us what 'bleep' holds, or leave it out")
    # What was asked for above is not asked for again as a correction.
    assert needs[2:] == ["Correct 30 records: Incident without safety challenges (RULE-002)."]


def test_a_sender_is_not_asked_for_what_the_profile_lacks():
    text = SMALL_PROFILE.replace(
        "challenge: AdverseEventSafetyChallenges.SafetyChallenges",
        "challenge: AdverseEventOutcome.ImmediateActions",
    )
    tally = count_file(make_judging(text), io.BytesIO(write_rows(*rows(3))))
    coverage = make_coverage(tally, file="x.csv")
    assert [one.code for one in coverage.findings if one.severity == "error"] == ["RULE-002"]
    assert not [one for one in list_needs(coverage, None) if "RULE-002" in one]
    assert any("'profile check' has 2 remarks" in one for one in summarise(coverage, None))


def test_what_a_draft_left_open_is_not_left_out_on_purpose():
    text = SMALL_PROFILE.replace("not of the event", "'TODO: nothing national is like it'")
    tally = count_file(make_judging(text), io.BytesIO(write_rows(*rows(3, handler="J"))))
    coverage = make_coverage(tally, file="x.csv")
    assert "12 of 13 columns are used, 1 is still to be decided." in summarise(coverage, None)
    assert "still to be decided" in write_report(coverage, None, made_on="today")


def test_a_file_without_records_has_a_report():
    assert "No record was read." in report([dict.fromkeys(make_row(1), "")])

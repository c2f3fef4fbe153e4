"""The report: whole in itself, escaped, accessible, and the same in both forms."""

import re
from itertools import pairwise

import msgspec
import pytest
from lxml import html

from gateway.conformance.report_html import word_counts, write_html
from gateway.conformance.report_model import (
    Came,
    CaseResult,
    Counts,
    Fault,
    GroupResult,
    Report,
    Sent,
    StepResult,
    count,
)

HOSTILE = '<script>alert("x")</script>'


def make_step(*faults: Fault, **came: object) -> StepResult:
    values = {"status": 201, "statuses": {201: 1}, "media_type": "a/b", "bytes": 2000,
              "milliseconds": 7}  # fmt: skip
    return StepResult(
        sent=Sent(method="POST", path="/x", headers=["Accept"], body="event", bytes=3, times=1),
        expected=["status 201", HOSTILE],
        came=Came(**(values | came)),
        faults=list(faults),
    )


def make_case(name: str, verdict: str, *steps: StepResult, **more: str) -> CaseResult:
    return CaseResult(
        name=name,
        says=f"the rule {HOSTILE}",
        of="national",
        verdict=verdict,
        milliseconds=1234,
        to_do="mend it",
        steps=list(steps),
        **more,
    )


def make_report(*cases: CaseResult) -> Report:
    counts = count(case.verdict for case in cases)
    group = GroupResult(
        name="wire", title="The wire", says="what clients need", counts=counts, milliseconds=2000,
        cases=list(cases),
    )  # fmt: skip
    return Report(
        kit="0.1.0",
        base="https://gateway.example",
        contract="gateway",
        organisation="RZA",
        versions=["4", "5"],
        run="AB12CD34",
        started_at="2026-11-27T09:30:00+00:00",
        milliseconds=41_000,
        counts=counts,
        groups=[group],
    )


@pytest.fixture(scope="module")
def report() -> Report:
    fault = Fault("/id", "a value", HOSTILE)
    silent = make_step(Fault("answer", "201", "no answer"), status=0, statuses={0: 1})
    many = make_step(statuses={201: 1, 200: 19})
    return make_report(
        make_case("good", "passed", make_step(), many),
        make_case("bad", "failed", make_step(fault), silent),
        make_case("cut", "failed", reason="not played: the server answers no more"),
        make_case("other", "not_applicable", reason="the server has no /feeds"),
    )


@pytest.fixture(scope="module")
def page(report: Report) -> html.HtmlElement:
    return html.document_fromstring(write_html(report))


def test_it_is_whole_in_itself(report: Report, page: html.HtmlElement):
    assert write_html(report).startswith("<!DOCTYPE html>")
    assert not page.xpath("//script | //link | //img | //iframe | //object | //form")
    assert not page.xpath("//@src")
    assert all(href.startswith("#") for href in page.xpath("//@href"))
    assert not [name for one in page.iter() for name in one.attrib if name.startswith("on")]
    assert HOSTILE not in write_html(report)


def test_it_can_be_read_with_any_device(page: html.HtmlElement):
    assert page.get("lang") == "en-GB"
    assert page.xpath("//title/text()") == ["Conformance report: https://gateway.example"]
    levels = [int(one.tag[1]) for one in page.xpath("//h1 | //h2 | //h3")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in page.xpath("//table"):
        assert table.xpath("caption")
        assert all(head.get("scope") for head in table.xpath(".//th"))
    ids = page.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(page.xpath("//section/@aria-labelledby")) <= set(ids)
    assert {href[1:] for href in page.xpath("//@href")} <= set(ids)
    # Colour never says it alone.
    words = [" ".join(one.text_content().split()) for one in page.xpath("//summary")]
    assert [word.split(": ")[1].split(" ")[0] for word in words] == [
        "passed",
        "failed",
        "failed",
        "not",
    ]


def test_what_failed_comes_first_with_what_to_do(page: html.HtmlElement):
    (section,) = page.xpath("//section[@aria-labelledby='to-do']")
    assert section.xpath("h3/text()") == ["wire: bad", "wire: cut"]
    text = " ".join(section.text_content().split())
    assert text.count("What to do: mend it") == 2
    assert "/id: expected a value; came <script>" in text
    assert "Not played: the server answers no more." in text
    assert "A rule of the national wire contract." in text


def test_what_came_is_told(page: html.HtmlElement):
    text = " ".join(page.text_content().split())
    for words in (
        "201 a/b, 2,000 bytes, as expected",
        "1 times 201, 19 times 200",
        "no answer",
        "The server has no /feeds.",
        "27 November 2026, 09:30 UTC, in 41 s",
        "2 of 3 cases failed. 1 do not apply.",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(passed=3), "All 3 cases passed."),
        (Counts(passed=3, failed=1), "1 of 4 cases failed."),
        (Counts(passed=3, not_applicable=2), "All 3 cases passed. 2 do not apply."),
        (Counts(not_applicable=2), "No case was played. 2 do not apply."),
    ],
)
def test_the_outcome_in_words(counts: Counts, words: str):
    assert word_counts(counts) == words


def test_a_report_without_a_failure_asks_for_nothing():
    page = write_html(make_report(make_case("good", "passed", make_step())))
    assert re.search(r"Nothing: every case that applies passed", page)


def test_json_has_the_same(report: Report):
    read = msgspec.json.decode(msgspec.json.encode(report))
    assert read["format"] == "1"
    assert read["counts"] == {"passed": 1, "failed": 2, "not_applicable": 1}
    bad = read["groups"][0]["cases"][1]
    assert bad["steps"][0]["faults"] == [{"what": "/id", "expected": "a value", "came": HOSTILE}]
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report

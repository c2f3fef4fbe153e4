"""What the kit sends: events with edits, feeds, hostile bodies, and the words for them."""

import gzip
import io
import json

import pytest

from gateway.conformance.bodies import make_body, word_body
from gateway.conformance.case import Body
from gateway.conformance.edits import edit
from gateway.conformance.filling import UnfilledError, fill, fill_known
from gateway.conformance.hostile_bodies import MAKERS
from gateway.conformance.play import make_marker, make_values
from gateway.conformance.read_cases import read_event
from tests.lib.kit import RUN, make_target

VALUES = make_values(make_target(), "a-case", RUN)


def test_edits_leave_the_event_as_it_was():
    event = {"a": [{"b": 1}, {"b": 2}, {"b": 3}], "c": "x"}
    body = Body(
        event="any",
        set={"/a/0/b": 9, "/d": {"e": 1}},
        append={"/a": {"b": 4}},
        remove=["/a/0", "/a/2", "/c"],
    )
    assert edit(event, body) == {"a": [{"b": 2}, {"b": 4}], "d": {"e": 1}}
    assert event == {"a": [{"b": 1}, {"b": 2}, {"b": 3}], "c": "x"}


@pytest.mark.parametrize(
    "body", [Body(set={"/x/y": 1}), Body(remove=["/a/7"]), Body(remove=["/x"])]
)
def test_an_edit_that_leads_nowhere_is_an_error(body: Body):
    with pytest.raises(LookupError):
        edit({"a": []}, body)


def test_placeholders_are_filled_and_in_patterns_taken_literally():
    values = {"id": "a.b", "n": "2"}
    value = {"x": ["${id}-${n}", 3], "${n}": {"matches": "^${id}$"}, "somewhere": ["${id}"]}
    assert fill(value, values) == {
        "x": ["a.b-2", 3],
        "2": {"matches": r"^a\.b$"},
        "somewhere": [r"a\.b"],
    }
    with pytest.raises(UnfilledError, match="none"):
        fill("${none}", values)
    assert fill_known("${n} ${later}", {"n": 1}) == "1 ${later}"
    assert fill_known({"matches": "${later}"}, {}) == {"matches": "${later}"}


def test_an_event_has_ids_of_its_own_case_and_run():
    made = json.loads(make_body(Body(event="fall-5"), VALUES))
    assert made["identifier"] == {"value": "CONF-AB12CD34-a-case"}
    assert make_marker(RUN) in made["description"]
    assert "${" not in json.dumps(made)


def test_the_marker_is_a_word_that_no_rule_takes_for_a_number():
    assert make_marker(RUN).isalpha()
    assert make_marker("0123ABCD") != make_marker("0123ABCE")


def test_feeds():
    two = [Body(event="fall-5", set={"/identifier/value": "${local_id}-1"}), Body(event="risk-6")]
    lines = make_body(Body(lines=two), VALUES).splitlines()
    assert json.loads(lines[0])["identifier"]["value"] == "CONF-AB12CD34-a-case-1"
    assert len(lines) == 2
    packed = make_body(Body(lines=two, gzip=True), VALUES)
    assert gzip.decompress(packed).splitlines() == lines
    bundle = json.loads(make_body(Body(entries=two), VALUES))
    assert (bundle["type"], len(bundle["entry"])) == ("batch", 2)
    assert bundle["entry"][1]["request"] == {"method": "POST", "url": "AdverseEvent"}


def test_other_bodies():
    assert make_body(Body(text=""), VALUES) == b""
    assert make_body(Body(json={"a": 1}), VALUES) == b'{"a":1}'
    wrapped = json.loads(make_body(Body(event="fall-5", parameters=True), VALUES))
    assert wrapped["parameter"][0]["resource"]["resourceType"] == "AdverseEvent"


@pytest.mark.parametrize("maker", MAKERS)
def test_a_hostile_body_is_not_the_event_itself(maker: str):
    event = json.loads(make_body(Body(event="fall-5"), VALUES))
    made = make_body(Body(event="fall-5", made=maker), VALUES)
    assert made != json.dumps(event, separators=(",", ":")).encode()
    assert len(made) > 300


@pytest.mark.parametrize(
    ("maker", "part"),
    [
        ("key-twice", b'"date":"2025-05-04"'),
        ("not-a-number", b"NaN"),
        ("infinity", b"-Infinity"),
        ("deep-lists", b"[" * 10_000),
        ("deep-objects", b'{"a":' * 10_000),
        ("huge-integer", b"9" * 5_000),
        ("nul-escaped", b"\\u0000"),
        ("nul-byte", b"\0"),
        ("lone-surrogate", b"\\ud800"),
        ("latin-1", b"\xe9d "),
        ("xml-bomb", b"<!ENTITY a11 "),
    ],
)
def test_a_hostile_body_has_its_poison(maker: str, part: bytes):
    assert part in make_body(Body(event="fall-5", made=maker), VALUES)


def test_what_is_too_long_is_too_long():
    assert len(make_body(Body(event="fall-5", made="nine-megabytes"), VALUES)) > 9 * 2**20
    bomb = make_body(Body(event="fall-5", made="gzip-bomb"), VALUES)
    assert len(bomb) < 2**20
    with gzip.open(io.BytesIO(bomb)) as unpacked:
        assert sum(len(piece) for piece in iter(lambda: unpacked.read(2**20), b"")) > 200 * 2**20


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (Body(event="fall-5"), "event fall-5"),
        (Body(event="fall-5", set={"/date": "x"}), "event fall-5, /date set to x"),
        (Body(event="fall-5", remove=["/date"]), "event fall-5, /date removed"),
        (
            Body(event="fall-5", append={"/extension": {"url": "a"}}),
            'event fall-5, {"url":"a"} added to /extension',
        ),
        (Body(event="fall-5", made="latin-1"), "event fall-5, made hostile: latin-1"),
        (Body(event="fall-5", parameters=True), "Parameters with event fall-5"),
        (Body(text=""), "a body of no bytes"),
        (Body(text="null"), "the text null"),
        (Body(json={"a": 1}), 'the JSON {"a":1}'),
        (
            Body(lines=[Body(event="a"), Body(event="b")], gzip=True),
            "2 lines of NDJSON: event a | event b, as gzip",
        ),
        (Body(entries=[Body(event="a")]), "a batch Bundle of 1: event a"),
    ],
)
def test_a_body_in_words(body: Body, words: str):
    assert word_body(body) == words


def test_shipped_events_are_not_changed_by_what_is_made_of_them():
    before = json.dumps(read_event("fall-5"))
    make_body(Body(event="fall-5", set={"/date": "2025-01-01"}), VALUES)
    assert json.dumps(read_event("fall-5")) == before

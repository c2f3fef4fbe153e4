"""What the kit holds against an answer: values, places, findings, leaks."""

import json

import msgspec
import pytest

from gateway.conformance.answer import Answer
from gateway.conformance.case import Expect
from gateway.conformance.checks import check_answer, check_together, word_expectations
from gateway.conformance.hygiene import find_echo, find_leaks
from gateway.conformance.matching import matches, shorten, word_wanted
from gateway.conformance.places import as_expression, find_all, find_texts

DOCUMENT = {"extension": [{"url": "a", "n": 1}, {"url": "b"}], "id": "x", "empty": []}


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ("", [DOCUMENT]),
        ("/id", ["x"]),
        ("/extension/0/url", ["a"]),
        ("/extension/-1/url", ["b"]),
        ("/extension/*/url", ["a", "b"]),
        ("/extension/*/n", [1]),
        ("/*", [DOCUMENT["extension"], "x", []]),
        ("/extension/2/url", []),
        ("/extension/-3/url", []),
        ("/extension/url", []),
        ("/id/0", []),
        ("/nothing", []),
        ("/empty/-1", []),
    ],
)
def test_places(place: str, found: list[object]):
    assert find_all(DOCUMENT, place) == found


def test_texts_are_found_wherever_they_stand():
    assert sorted(find_texts(DOCUMENT)) == ["a", "b", "x"]


def test_a_pointer_as_fhirpath():
    pointer = "/contained/0/extension/2/valueCode"
    assert as_expression(pointer) == "AdverseEvent.contained[0].extension[2].value"
    assert as_expression("/date") == "AdverseEvent.date"
    assert as_expression("/valued") == "AdverseEvent.valued"


@pytest.mark.parametrize(
    ("wanted", "found", "fits"),
    [
        ("a", ["a"], True),
        ("a", ["b", "a"], True),
        ("a", [], False),
        (1, [1], True),
        (1, [True], False),
        (1, ["1"], False),
        ({"a": 1, "b": 2}, [{"a": 1, "b": 2}], True),
        ({"matches": "^a+$"}, ["aa"], True),
        ({"matches": "^a+$"}, [1], False),
        ({"one_of": [1, 2]}, [2], True),
        ({"one_of": [1, 2]}, [3], False),
        ({"count": 2}, [[1, 2]], True),
        ({"count": 2}, ["ab"], False),
        ({"contains": "b"}, [["a", "b"]], True),
        ({"contains": "b"}, [["a"]], False),
        ({"not": "a"}, ["b"], True),
        ({"not": "a"}, ["a"], False),
        ({"not": "a"}, [], True),
        ({"present": True}, ["a"], True),
        ({"present": True}, [""], False),
        ({"present": True}, [], False),
        ({"absent": True}, [], True),
        ({"absent": True}, ["a"], False),
    ],
)
def test_a_value_is_held_against_what_is_wanted(wanted, found, fits: bool):
    assert matches(wanted, found) is fits
    assert word_wanted(wanted)


def test_values_of_others_are_shown_short_and_harmless():
    assert shorten("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert len(shorten("x" * 500)) < 200


def make_answer(document: object = None, status: int = 200, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"" if document is None else json.dumps(document).encode()
    return Answer(
        status=status, headers={"content-type": "application/fhir+json"} | named, body=body
    )


def check(expect: dict[str, object], answer: Answer, **earlier: Answer) -> list[tuple[str, str]]:
    filled = msgspec.convert({"status": [200]} | expect, Expect)
    assert word_expectations(filled)
    return [(fault.what, fault.came) for fault in check_answer(filled, answer, earlier)]


def test_an_answer_as_expected_has_no_fault():
    expect = {
        "status": ["2xx"],
        "media_type": ["application/fhir+json"],
        "headers": {"ETag": 'W/"1"', "Server": {"absent": True}},
        "json": {"/id": "x", "/extension/-1/url": "b"},
        "somewhere": ["^a$"],
    }
    assert check(expect, make_answer(DOCUMENT, etag='W/"1"')) == []


def test_another_status_is_one_fault_and_tells_what_the_server_said():
    outcome = {"issue": [{"details": {"coding": [{"code": "RULE-010"}], "text": "not\nso"}}]}
    expect = {"status": [201], "json": {"/id": "x"}, "headers": {"ETag": "a"}}
    assert check(expect, make_answer(outcome, 422)) == [("status", "422; RULE-010; not\\nso")]
    assert check(expect, make_answer({"detail": "no"}, 404)) == [("status", "404; no")]


def test_faults_name_the_place():
    expect = {
        "media_type": ["text/csv"],
        "headers": {"ETag": "a"},
        "json": {"/id": "y", "": {"count": 1}},
        "somewhere": ["^z$"],
    }
    found = check(expect, make_answer(DOCUMENT))
    assert [what for what, _ in found] == ["media type", "header ETag", "/id", "body", "body"]
    assert found[1] == ("header ETag", "nothing")
    assert found[2] == ("/id", "x")


def test_headers_of_one_status_only():
    expect = {"status": [200, 409], "headers_when": {409: {"Retry-After": {"matches": r"^\d+$"}}}}
    assert check(expect, make_answer()) == []
    assert check(expect, make_answer(status=409)) == [("header Retry-After", "nothing")]
    assert check(expect, make_answer(status=409, retry_after="2")) == []


def test_a_body_that_cannot_be_read():
    answer = Answer(status=200, headers={"content-type": "application/json"}, body=b"{")
    assert check({"json": {"/id": "x"}}, answer) == [("body", "it cannot be read")]
    deep = Answer(status=200, body=b"[" * 100_000)
    assert check({"json": {"/id": "x"}}, deep) == [("body", "it cannot be read")]


def test_csv_and_ndjson_are_lists():
    csv = Answer(status=200, headers={"content-type": "text/csv"}, body=b"a,b\r\n1,2\r\n3,4\r\n")
    assert check({"json": {"": {"count": 2}, "/1/b": "4"}}, csv) == []
    lines = Answer(
        status=200, headers={"content-type": "application/fhir+ndjson"}, body=b'{"a":1}\n{"a":2}\n'
    )
    assert check({"json": {"": {"count": 2}, "/-1/a": 2}}, lines) == []


def test_no_answer():
    closed, late = Answer(silence="closed"), Answer(silence="late", milliseconds=4000)
    assert check({}, closed) == [("answer", "the connection was closed without an answer")]
    assert check({"or_closed": True}, closed) == []
    assert check({"or_closed": True}, late) == [("answer", "no answer in 4 s")]


def test_the_same_as_before():
    first = make_answer({"id": "x"}, 201)
    assert check({"status": [201], "same_as": "first"}, first, first=first) == []
    found = check({"status": ["2xx"], "same_as": "first"}, make_answer({}, 200), first=first)
    assert [what for what, _ in found] == ["status, beside step first", "body, beside step first"]


ISSUE = {
    "severity": "error",
    "details": {"coding": [{"code": "TAX-007"}], "text": "no code"},
    "diagnostics": "send one",
    "expression": ["AdverseEvent.date"],
}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({}, []),
        ({"details": {"coding": [{"code": "TAX-001"}]}}, ["issue[].details.coding[0].code"]),
        ({"expression": ["AdverseEvent.id"]}, ["expression of TAX-007"]),
        ({"severity": "warning"}, ["severity of TAX-007"]),
        ({"diagnostics": ""}, ["diagnostics of TAX-007"]),
        ({"details": {"coding": [{"code": "TAX-007"}]}}, ["details.text of TAX-007"]),
    ],
)
def test_a_finding_is_looked_for_with_all_its_parts(change, what):
    expect = {"findings": [{"code": "TAX-007", "at": "/date"}]}
    other = {"details": {"coding": [{"code": "OTHER"}]}}
    found = check(expect, make_answer({"issue": [other, ISSUE | change]}))
    assert [one for one, _ in found] == what


def test_answers_side_by_side():
    expect = msgspec.convert({"status": [200], "one": ["/id"], "times": {201: 1}}, Expect)
    same = [make_answer({"id": "x"}, 201), *[make_answer({"id": "x"}) for _ in range(3)]]
    assert list(check_together(expect, same)) == []
    other = [make_answer({"id": "x"}, 201), make_answer({"id": "y"}, 201), make_answer({}, 409)]
    assert [fault.came for fault in check_together(expect, other)] == ["2 values", "2"]
    refused = [make_answer(None, 409)] * 2
    assert [fault.came for fault in check_together(expect, refused)] == ["0 values", "0"]


@pytest.mark.parametrize(
    "text",
    [
        'Traceback (most recent call last):\n  File "/app/x.py", line 3, in f',
        "at nhs.lrms.Api.post(Api.java:42)",
        "   at Lrms.Api.Post(Request r) in C:\\src\\Api.cs:line 42",
        "System.NullReferenceException: Object reference not set",
        "TypeError: x\n    at post (/srv/app/index.js:12:5)",
        "Fatal error: Uncaught Error in /var/www/x.php on line 3",
        "psycopg.errors.UniqueViolation",
    ],
)
def test_a_stack_trace_is_seen_and_not_quoted(text: str):
    leaks = list(find_leaks(Answer(status=500, body=text.encode()), "key"))
    assert leaks
    assert all(leak.came.startswith("a stack trace") for leak in leaks)


@pytest.mark.parametrize(
    "text",
    [
        '{"resourceType":"OperationOutcome","issue":[{"diagnostics":"Send a code"}]}',
        "RULE-055: PreciseTime and EstimatedTime exclude each other; line 3 of the feed",
        "https://developer.learn-from-patient-safety-events.nhs.uk/taxonomy/fhir/x-6",
    ],
)
def test_a_good_answer_is_no_trace(text: str):
    assert list(find_leaks(Answer(status=422, body=text.encode()), "key")) == []


def test_banners_keys_and_echoes():
    assert list(find_leaks(make_answer(server="gateway"), "key")) == []
    (banner,) = find_leaks(make_answer(server="nginx/1.25.1"), "key")
    assert banner.what == "header server"
    (powered,) = find_leaks(make_answer(x_powered_by="PHP"), "key")
    assert powered.what == "header x-powered-by"
    (shown,) = find_leaks(make_answer({"sent": "secret-key"}), "secret-key")
    assert "secret-key" not in str(shown)
    (echo,) = find_echo(make_answer({"text": "fell qzxab"}), "qzxab")
    assert "qzxab" not in str(echo)

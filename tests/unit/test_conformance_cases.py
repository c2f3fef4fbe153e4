"""The shipped cases are themselves right: our own mapping and validation say of each body what the
case expects a server to say of it."""

import re
from collections import Counter
from datetime import date

import msgspec
import pytest

from gateway.adapters.json_strict import read_json
from gateway.adapters.limits import Limits
from gateway.conformance.bodies import make_body
from gateway.conformance.case import CONTRACTS, Body, Step
from gateway.conformance.filling import fill
from gateway.conformance.hostile_bodies import MAKERS
from gateway.conformance.play import make_values
from gateway.conformance.read_cases import GROUPS, read_event, read_groups
from gateway.pipeline.judge import Judge
from mappers.fhir_read import FhirMapper
from schemas.catalogue import AREAS
from schemas.errors import WrongUseError
from schemas.finding import Finding, FindingCode
from schemas.record import SourceRecord
from schemas.submission import Source, Submission
from tests.lib.kit import RUN, list_cases, make_target
from tests.lib.line import read_register

CASES = list_cases()
STEPS = [(group, case, step) for group, case in CASES for step in case.steps]
WITH_EVENT = [
    pytest.param(case.name, step, id=f"{case.name}-{number}")
    for number, (group, case, step) in enumerate(STEPS)
    if group != "feeds" and step.body and step.body.event and not step.body.made
]
# What a step keeps of the answer before it.
KEPT = {"id": "7K2M-9QXB-4T8D-V"}


@pytest.fixture(scope="module")
def judge() -> Judge:
    source = Source(id="kit", organisation="RZA", format="fhir", submits_for=frozenset({"RZA"}))
    register = {one.code: one for one in read_register()}
    mapper = FhirMapper(strict=False, default_version="5")
    return Judge(mapper, Submission(source, date(2026, 11, 27), register))


def find_findings(judge: Judge, name: str, body: Body) -> list[Finding]:
    values = make_values(make_target(), name, RUN) | KEPT
    filled = msgspec.convert(fill(msgspec.to_builtins(body), values), Body)
    content, finding = read_json(make_body(filled, values), Limits())
    assert finding is None
    if content["resourceType"] == "Parameters":
        content = content["parameter"][0]["resource"]
    record = SourceRecord(number=1, locator="document", content=content, raw_hash=b"")
    return list(judge.judge(record).findings)


@pytest.mark.parametrize(("name", "step"), WITH_EVENT)
def test_an_event_is_as_good_or_as_bad_as_its_case_says(judge, name: str, step: Step):
    errors = [one for one in find_findings(judge, name, step.body) if one.severity == "error"]
    found = {(one.code, one.source_path) for one in errors}
    wanted = {(one.code, one.at) for one in step.expect.findings}
    if wanted:
        assert {code for code, _ in found} == {code for code, _ in wanted}
        assert {(code, place) for code, place in wanted if place} <= found
    elif any(status in (200, 201) for status in step.expect.status):
        assert not found


def test_the_refusals_are_of_every_area_of_the_catalogue():
    cases = [case for group, case in CASES if group == "rejections"]
    codes = {one.code for case in cases for step in case.steps for one in step.expect.findings}
    entries = [one for area in AREAS.values() for one in vars(area).values()]
    assert codes <= {one.code for one in entries if isinstance(one, FindingCode)}
    assert len(codes) > 30
    assert {code.partition("-")[0] for code in codes} >= {
        "TAX",
        "RULE",
        "ORG",
        "TEXT",
        "MAP",
        "READ",
    }


def test_names_are_given_once_and_say_nothing_odd():
    names = [case.name for _, case in CASES]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", name) for name in names), names


def test_every_case_says_whose_rule_it_is_and_what_to_do():
    for _, case in CASES:
        assert case.of in CONTRACTS
        assert len(case.says) > 15, case.name
        assert len(case.to_do) > 8, case.name
        assert case.steps, case.name


def test_every_placeholder_is_known_or_kept_before():
    known = {*make_values(make_target(), "x", RUN)}
    for _, case in CASES:
        given = set(known)
        for step in case.steps:
            used = set(re.findall(r"\$\{(\w+)\}", msgspec.json.encode(step).decode()))
            assert used <= given, (case.name, used - given)
            given |= step.keep.keys()


def test_every_pattern_can_be_compiled():
    def look(value: object) -> None:
        if isinstance(value, dict):
            if "matches" in value:
                re.compile(value["matches"])
            for one in value.values():
                look(one)

    for _, _, step in STEPS:
        look(msgspec.to_builtins(step.expect))
        for pattern in step.expect.somewhere:
            re.compile(pattern)


def test_every_maker_and_every_event_is_used():
    bodies = [step.body for _, _, step in STEPS if step.body]
    assert {body.made for body in bodies if body.made} == MAKERS.keys()
    events = {one.event for body in bodies for one in [body, *body.lines, *body.entries]} - {""}
    assert len(events) == 13
    for event in events:
        assert read_event(event)["resourceType"] == "AdverseEvent"


def test_every_version_and_type_is_created():
    created = {case.name for group, case in CASES if group == "wire"}
    for kind in ("incident", "risk", "outcome", "good-care"):
        for version in ("4", "5", "6"):
            assert f"create-{kind}-{version}" in created


def test_a_step_that_expects_to_be_refused_expects_nothing_of_the_event_in_the_answer():
    for _, case, step in STEPS:
        is_refusal = all(str(status).startswith("4") for status in step.expect.status)
        if is_refusal and case.version and step.body and step.expect.findings:
            assert step.expect.clean or case.name.startswith("idempotency-key"), case.name


def test_only_synthetic_people():
    for name in {step.body.event for _, _, step in STEPS if step.body and step.body.event}:
        text = msgspec.json.encode(read_event(name)).decode()
        assert not re.search(r"\b\d{10}\b|\b\d{3} \d{3} \d{4}\b", text), name
        assert "@" not in text


def test_groups_are_chosen_by_name():
    assert [group.name for group in read_groups(("once", "wire"))] == ["wire", "once"]
    assert tuple(group.name for group in read_groups()) == GROUPS
    with pytest.raises(WrongUseError, match="no group 'none'; there are: wire, updates"):
        read_groups(("none",))


def test_a_misspelt_word_is_refused():
    with pytest.raises(msgspec.ValidationError, match="unknown field `staus`"):
        msgspec.convert({"send": "GET /", "expect": {"staus": [200]}}, Step)

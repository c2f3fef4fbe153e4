"""The kinds of incident the generator knows, with codes that hold in one taxonomy version."""

from functools import lru_cache
from importlib import resources
from itertools import accumulate
from typing import Any

import msgspec
import yaml

from schemas.event import Group, Value
from schemas.taxonomy import Taxonomy, get_taxonomy

Problem = dict[str, Group]

# Version 4 lists fewer agents, services and places, and has one problem group for all.
_PROBLEM_4 = "AdverseEventProblem"
_AGENTS_4 = {"11": "7", "12": "7", "13": "6", "14": "10"}
_SERVICES_4 = {"16": "5", "17": "2", "18": "2", "19": "1"}
_ELEMENTS_4 = {
    "BloodInvolved": "BloodProductsInvolvementFactors",
    "TooLittleBloodUsed": "BloodProductsInsufficientDetails",
    "WrongBlood": "BloodProductsWrongDetails",
    "BloodProductsInvolved": "BloodProductsInvolvementFactors",
    "BuildingsInfrastructureInvolved": "BuiltEnvironmentInvolvementFactors",
}


class Kind(msgspec.Struct, frozen=True):
    """One kind of incident. The lists are pools to draw from, of equal chance each; ``fits``
    holds, for each sentence of ``what``, the position of the problem it tells of."""

    name: str
    challenges: list[str]
    processes: list[str]
    specialties: list[str]
    service_areas: list[str]
    problems: list[Problem]
    fits: list[int]
    what: list[str]
    found: list[str]
    action: list[str]
    drugs: list[str]
    never_events: list[str]
    maternity: bool
    radiotherapy: bool


class Kinds(msgspec.Struct, frozen=True):
    """All kinds with their share of incidents summed up, the sentences they share, and what the
    other event types say."""

    kinds: list[Kind]
    cumulated: list[float]
    shared: dict[str, list[str]]
    others: dict[str, dict[str, Any]]


@lru_cache
def load_kinds(version: str) -> Kinds:
    taxonomy = get_taxonomy(version)
    data = _read("kinds.yaml")
    return Kinds(
        kinds=[_make_kind(name, entry, taxonomy) for name, entry in data["kinds"].items()],
        cumulated=list(accumulate(entry["weight"] for entry in data["kinds"].values())),
        shared=data["shared"],
        others=_read("other_kinds.yaml"),
    )


def _read(name: str) -> dict[str, Any]:
    text = resources.files("gateway.generator").joinpath(name).read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def _make_kind(name: str, entry: dict[str, Any], taxonomy: Taxonomy) -> Kind:
    old = taxonomy.version == "4"
    challenges = taxonomy.code_systems["safety-challenges"].codes
    specialties = taxonomy.code_systems["specialty"].codes
    return Kind(
        name=name,
        challenges=[code for code in entry["challenges"] if code in challenges] or ["6"],
        processes=entry["process"],
        specialties=[code for code in entry["specialties"] if code in specialties],
        service_areas=[_SERVICES_4.get(c, c) if old else c for c in entry["service_areas"]],
        problems=[_make_problem(problem, taxonomy) for problem in entry["problems"]],
        fits=entry["fits"],
        what=entry["what"],
        found=entry["found"],
        action=entry["action"],
        drugs=entry.get("drugs", []),
        never_events=[] if old else entry.get("never_events", []),
        maternity=entry.get("maternity", False),
        radiotherapy=entry.get("radiotherapy", False),
    )


def _make_problem(problem: dict[str, dict[str, Any]], taxonomy: Taxonomy) -> Problem:
    made: Problem = {}
    for group, elements in problem.items():
        target = group if group in taxonomy.by_name else _PROBLEM_4
        for element, value in elements.items():
            _put(made.setdefault(target, {}), target, (element, value), taxonomy)
    return {group: elements for group, elements in made.items() if elements}


def _put(elements: Group, group: str, pair: tuple[str, Value], taxonomy: Taxonomy) -> None:
    name, value = pair
    if taxonomy.version == "4" and name == "InvolvedAgents" and isinstance(value, list):
        value = [_AGENTS_4.get(code, code) for code in value]
    if taxonomy.find_element(group, name) is None:
        name = _ELEMENTS_4.get(name, "")
    spec = taxonomy.find_element(group, name)
    if spec is None:
        return
    codes = taxonomy.codes_of(spec)
    if isinstance(value, list):
        value = sorted({one for one in value if codes is None or one in codes})
    if value:
        elements[name] = value

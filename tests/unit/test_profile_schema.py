"""The published JSON Schema: it accepts what people write, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from mappers.profile_dates import NAMED_FORMATS
from mappers.profile_load import find_profiles, parse_profile
from mappers.profile_schema import make_profile_schema
from schemas.errors import WrongUseError
from schemas.taxonomy import NARRATIVE_GROUP, TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.profile_shelf import SMALL, SMALL_JSON, SMALL_XML

PROFILES = Path("mappers/profiles")
SCHEMA = make_profile_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
WORDS = {True: "true", False: "false", None: "null"}
POINT = "DetectionFactors.DetectionPoint"


def find_errors(text: str) -> list[str]:
    """As an editor sees it: plain YAML, with keys as text."""
    errors = VALIDATOR.iter_errors(as_json(yaml.safe_load(text)))
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in errors]


def as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {_key(key): as_json(one) for key, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, list) else value


def _key(key: Any) -> str:
    return WORDS[key] if isinstance(key, bool) or key is None else str(key)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", find_profiles())
def test_every_shipped_profile_is_accepted_and_names_the_schema(name: str) -> None:
    file = PROFILES / name / "profile.yaml"
    text = file.read_text(encoding="utf-8")
    assert find_errors(text) == []
    before, _, path = text.splitlines()[0].partition("$schema=")
    assert before == "# yaml-language-server: "
    assert (file.parent / path).resolve() == Path("docs/profile.schema.json").resolve()


ACCEPTED = [
    SMALL,
    SMALL.replace("version: 1", "version: 1.0"),
    SMALL.replace(": 5", ": version"),
    SMALL.replace(": 5", ": {field: v, codes: {five: 5}}"),
    SMALL.replace("event_type: type", "event_type: {value: 1}"),
    SMALL.replace("event_type: type", "event_type: {field: t, codes: types}")
    + "code_lists: {types: {a: 1}}",
    SMALL + f"elements: {{a: {POINT}}}",
    SMALL + f"elements: {{a: [{POINT}, {{to: {POINT}, when: {{b: 1}}}}]}}",
    SMALL + f"elements: {{a: {{to: {POINT}, codes: {{yes: 1, n: '', 3: ''}}}}}}",
    SMALL + f"elements: {{a: {{to: {POINT}, when: [{{b: x, c: [y, 2]}}, {{d: {{given: no}}}}]}}}}",
    SMALL + "event_date: {field: d, date_format: [DD/MM/YYYY, '%d %m %Y']}",
    SMALL + "booleans: {true: [Y, yes], 'false': [no, 0]}",
    SMALL + f"derive: {{{POINT}: [{{when: {{a: b}}, value: 1}}, {{value: ''}}]}}",
    SMALL + f"constants: {{{POINT}: 1, AdverseEventAgent.InvolvedAgents: [4, '3']}}",
    SMALL + "expectations: {records: {min: 1, max: '9'}, rejected_at_most: '0.25'}",
    SMALL + "rows: {id: a, keep: newest, by: b, date_format: ISO}",
    SMALL + "separator: '|'\nescape: \\",
    SMALL_XML + "namespaces: {'': urn:a, b: urn:b}",
    SMALL_JSON.replace(": 5", ": 6")
    + "record: ''\nmedications: {at: /m, elements: {/a: MedicationDmd.VTMCode}}",
]
INHERITING = [
    "name: x\nversion: 1\nextends: y\n",
    "name: x\nversion: 1\nextends: y.yaml\nformat: xml\nelements: {a: ~, b: {codes: ~}}\n",
    "name: x\nversion: 1\nextends: y\ncode_lists: {a: {b: ~}}\npatients: {elements: {a: ~}}\n",
    f"name: x\nversion: 1\nextends: y\nconstants: {{{POINT}: ~}}\nderive: {{{POINT}: ~}}\n",
    "name: x\nversion: 1\nextends: y\ncode_lists: {a: codes.csv}\nignored: {a: ~, b: why}\n",
]


@pytest.mark.parametrize("text", [*ACCEPTED, *INHERITING])
def test_what_people_write_is_accepted(text: str) -> None:
    assert find_errors(text) == []


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_the_schema_accepts_is_a_profile(text: str) -> None:
    if "types: {a: 1}" not in text:
        parse_profile(text, "x.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "- a",
        "name: x",
        "name: x\nversion: 1\nextends: y\ncolour: red",
        "version: 1\nextends: y",
        SMALL + "colour: red",
        SMALL + "record: a/b",
        SMALL + "namespaces: {a: b}",
        SMALL + "escape: /",
        SMALL + "local_id: [a]",
        SMALL + "local_id: {feld: a}",
        SMALL + "elements: [a]",
        SMALL + "elements: {a: Nothing.Here}",
        SMALL + "elements: {a: AdverseEventCore.Description}",
        SMALL + "elements: {a: ~}",
        SMALL + "elements: {a: {codes: {x: 1}}}",
        SMALL + "elements: {a: []}",
        SMALL + f"elements: {{a: {{to: {POINT}, when: {{}}}}}}",
        SMALL + f"elements: {{a: {{to: {POINT}, when: {{b: {{}}}}}}}}",
        SMALL + f"elements: {{a: {{to: {POINT}, when: {{b: {{anny: [c]}}}}}}}}",
        SMALL + f"elements: {{a: {{to: {POINT}, codes: ../secret.csv}}}}",
        SMALL + f"elements: {{a: {{to: {POINT}, age: hours}}}}",
        SMALL + "event_date: {field: d, date_format: DD/MM}",
        SMALL + f"derive: {{{POINT}: {{value: 1}}}}",
        SMALL + f"derive: {{{POINT}: [{{when: {{a: b}}}}]}}",
        SMALL + "derive: {Nothing.Here: [{value: 1}]}",
        SMALL + "constants: {Nothing.Here: 1}",
        SMALL + "expectations: {records: {min: -1}}",
        SMALL + "expectations: {rejected_at_most: 20}",
        SMALL + "rows: {id: a, keep: oldest}",
        SMALL_XML.replace("record: a/b\n", ""),
        SMALL_XML + "rows: {id: a}",
        SMALL.replace("csv", "xls"),
        SMALL.replace(": 5", ": 7"),
        SMALL.replace("event_type: type", "event_type: {value: 9}"),
        SMALL.replace("name: x", "name: X!"),
    ],
)
def test_what_is_no_profile_is_refused_by_the_schema_and_by_the_gateway(text: str) -> None:
    assert find_errors(text)
    with pytest.raises(WrongUseError):
        parse_profile(text, "x.yaml")


def test_editors_complete_every_element_and_say_what_it_is() -> None:
    element = SCHEMA["$defs"]["element"]
    known = {
        f"{group.name}.{one.name}"
        for version in TAXONOMY_VERSIONS
        for group in get_taxonomy(version).groups
        if group.name != NARRATIVE_GROUP
        for one in group.elements
    }
    assert set(element["enum"]) == known
    described = dict(zip(element["enum"], element["enumDescriptions"], strict=True))
    assert described[POINT].startswith("code; versions 4, 5, 6; ")
    assert described["LocationDetails.Organisation"] == "ODS code, several; versions 4, 5, 6"
    for keys in ("derive", "constants"):
        properties = next(iter(SCHEMA["properties"][keys]["anyOf"]))["properties"]
        assert known - set(properties) == {"AdverseEventReferenceMetadata.ReferenceNumber"}


def test_every_key_is_described_and_every_named_format_is_listed() -> None:
    for name, one in {"profile": SCHEMA, **SCHEMA["$defs"]}.items():
        for key, described in one.get("properties", {}).items():
            assert described["description"], (name, key)
    named = SCHEMA["$defs"]["date_formats"]["anyOf"][0]["anyOf"][0]
    assert named["enum"] == list(NAMED_FORMATS)

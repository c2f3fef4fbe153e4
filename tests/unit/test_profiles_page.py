"""The examples of docs/profiles.md are profiles, and its table has every key."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from mappers import profile_model, profile_parts, profile_terms
from mappers.profile_load import make_shelf, parse_profile
from tests.lib.profile_shelf import SMALL, SMALL_JSON, SMALL_XML

PAGE = Path("docs/profiles.md").read_text(encoding="utf-8")
# What a block is stands in a comment before it, which readers do not see.
BLOCKS = re.findall(r"<!-- (\w+) -->\n```yaml\n(.*?)```\n", PAGE, re.DOTALL)
HEADS = {"whole": "", "child": "", "csv": SMALL, "xml": SMALL_XML, "json": SMALL_JSON}


def fill_up(kind: str, block: str) -> str:
    """A part of a profile with the head that it leaves out."""
    given = set(re.findall(r"^\w+", block, re.MULTILINE))
    head = [line for line in HEADS[kind].splitlines() if line.partition(":")[0] not in given]
    return "\n".join([*head, block])


@pytest.mark.parametrize(("kind", "block"), BLOCKS)
def test_an_example_is_a_profile(kind: str, block: str) -> None:
    assert parse_profile(fill_up(kind, block), "page.yaml")


def test_every_block_of_yaml_is_tried() -> None:
    assert len(BLOCKS) == PAGE.count("```yaml") >= 10


def test_the_smallest_is_clean(tmp_path: Path) -> None:
    ((_, block),) = [one for one in BLOCKS if one[0] == "whole"]
    (tmp_path / "my-export.yaml").write_text(block)
    assert make_shelf(tmp_path).examine("my-export").remarks == []


def test_the_child_does_what_is_said_of_it() -> None:
    ((_, block),) = [one for one in BLOCKS if one[0] == "child"]
    profile = parse_profile(block, "page.yaml")
    assert f"{profile.name} {profile.version}" == "our-trust 3 (lrms-csv 1)"
    assert "`our-trust 3 (lrms-csv 1)`" in PAGE
    assert "agent_drugs_involved" not in profile.elements
    assert "outcome_immediate_actions" not in profile.elements


def test_every_key_is_in_the_table() -> None:
    table = PAGE[PAGE.index("## Every key") :]
    told = set(re.findall(r"`(\w+)`", table))
    models = [
        one
        for module in (profile_model, profile_parts, profile_terms)
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, BaseModel)
        and one.__module__ == module.__name__
    ]
    assert len(models) > 8
    keys = {key for model in models for key in model.model_fields}
    assert keys <= told, keys - told
    assert told <= keys, told - keys

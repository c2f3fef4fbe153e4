"""The shelf of profiles: found by name, read once, one name once; what the shipped ones carry."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers.profile_faults.uses import list_rules
from mappers.profile_load import Shelf, find_profiles, load_profile, make_shelf, parse_profile
from mappers.profile_model import find_spec
from mappers.profile_problems import BadProfileError, Place
from mappers.profile_write import csv_header
from mappers.profile_yaml import read_yaml
from schemas.errors import UnknownError, WrongUseError
from schemas.event import PATIENTS
from schemas.taxonomy import NARRATIVE_GROUP, TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.profile_shelf import SMALL, write_profile


def test_a_small_profile_is_enough() -> None:
    profile = parse_profile(SMALL, "x.yaml")
    assert profile.versions == ("5",)
    assert profile.heads.keys() == {"event_type"}


def test_words_of_yaml_stay_text() -> None:
    content, places = read_yaml("a: {yes: y, no: 1.0}\nb: [null, ~]\nc: 'null'\n", "x.yaml")
    assert content == {"a": {"yes": "y", "no": "1.0"}, "b": ["null", "~"], "c": "null"}
    assert places["a", "no"] == Place("x.yaml", 1)
    assert places["b", 1] == Place("x.yaml", 2)


@pytest.mark.parametrize("removal", ["~", "null", "Null", "NULL"])
def test_a_plain_null_behind_a_key_takes_it_away(removal: str) -> None:
    content, _ = read_yaml(f"a: {removal}\nb: '{removal}'\nc:\n", "x.yaml")
    assert content == {"a": None, "b": removal, "c": ""}


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]\n",
        "[" * 5_000,
        "a: " + "{a: " * 30 + "b" + "}" * 30,
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
    ],
    ids=["itself", "deep list", "deep map", "many laughs"],
)
def test_a_yaml_that_grows_without_end_is_refused(text: str) -> None:
    with pytest.raises(BadProfileError):
        parse_profile(text, "x.yaml")


def test_profiles_are_folders_or_files_and_told_apart_by_name(tmp_path: Path) -> None:
    write_profile(tmp_path / "one")
    (tmp_path / "two.yaml").write_text(SMALL.replace("name: x", "name: two"))
    (tmp_path / "notes").mkdir()
    (tmp_path / "Shouted.yaml").write_text(SMALL)
    shelf = make_shelf(tmp_path, tmp_path / "no such folder")
    assert {"one", "two", "lrms-csv"} <= set(shelf.find_names())
    assert {"notes", "Shouted"}.isdisjoint(shelf.find_names())
    assert [shelf.load(name).name for name in ("one", "two")] == ["one", "two"]


@pytest.mark.parametrize("name", ["nothing", "../secret", "/etc/passwd", "one/profile", "", "."])
def test_an_unknown_name_leads_nowhere_and_names_those_there_are(tmp_path: Path, name: str) -> None:
    write_profile(tmp_path / "shelf" / "one")
    write_profile(tmp_path / "secret")
    shelf = Shelf([tmp_path / "shelf"])
    with pytest.raises(UnknownError, match=r"there are: one$"):
        shelf.load(name)
    with pytest.raises(UnknownError):
        load_profile(name)


def test_an_own_profile_does_not_take_a_shipped_name(tmp_path: Path) -> None:
    write_profile(tmp_path / "lrms-csv")
    with pytest.raises(WrongUseError, match=r"two profiles are named 'lrms-csv': .*extends"):
        make_shelf(tmp_path).load("lrms-csv")


def test_a_profile_has_the_name_of_its_folder(tmp_path: Path) -> None:
    write_profile(tmp_path / "one", SMALL)
    with pytest.raises(BadProfileError, match=r"one/profile.yaml, line 1, name: .*'one'"):
        make_shelf(tmp_path).load("one")
    assert make_shelf(tmp_path).read_file(tmp_path / "one").name == "x"


def test_a_path_is_a_file_or_the_folder_of_one(tmp_path: Path, monkeypatch) -> None:
    write_profile(tmp_path / "one")
    shelf = make_shelf()
    for given in (tmp_path / "one", tmp_path / "one" / "profile.yaml"):
        assert shelf.read_file(given) == shelf.read_any(str(given))
        assert shelf.find_file(str(given)) == tmp_path / "one" / "profile.yaml"
    monkeypatch.chdir(tmp_path)
    assert shelf.read_any("one").name == "one"
    assert shelf.read_any("lrms-csv") == load_profile("lrms-csv")
    with pytest.raises(UnknownError):
        shelf.read_any("one/nothing.yaml")
    with pytest.raises(UnknownError):
        shelf.read_any("two")


def test_a_profile_is_kept_until_one_of_its_files_changes(tmp_path: Path) -> None:
    rule = "elements: {a: {to: AdverseEventAgent.InvolvedAgents, codes: agents.csv}}\n"
    text = SMALL.replace("name: x", "name: parent") + rule
    folder = write_profile(tmp_path / "parent", text, **{"agents.csv": "theirs,national\nD,4\n"})
    (tmp_path / "child.yaml").write_text("name: child\nversion: 1\nextends: parent\n")
    shelf = make_shelf(tmp_path)
    first = shelf.load("child")
    assert shelf.load("child") is first
    (folder / "agents.csv").write_text("theirs,national\nD,3\n")
    second = shelf.load("child")
    assert second != first
    assert shelf.load("child") is second
    shutil.rmtree(folder)
    with pytest.raises(BadProfileError, match="no profile 'parent'"):
        shelf.load("child")


def _elements() -> Iterator[tuple[str, str]]:
    for version in TAXONOMY_VERSIONS:
        for group in get_taxonomy(version).groups:
            for element in group.elements:
                yield version, f"{group.name}.{element.name}"


@pytest.mark.parametrize("name", ["lrms-csv", "lrms-xml"])
def test_the_shipped_profiles_carry_the_whole_taxonomy(name: str) -> None:
    profile = load_profile(name)
    mapped = {use.rule.to for use in list_rules(profile)}
    asked = {target for _, target in _elements() if not target.startswith(f"{NARRATIVE_GROUP}.")}
    assert mapped == asked
    assert profile.narrative is not None


def test_every_shipped_profile_loads_and_nothing_is_to_remark() -> None:
    assert {"lrms-csv", "lrms-xml"} <= set(find_profiles())
    for name in find_profiles():
        assert load_profile(name).name == name
        assert make_shelf().examine(name).remarks == []


def test_an_element_is_the_same_kind_of_value_in_every_version() -> None:
    """What ``find_spec`` stands on."""
    for version, target in _elements():
        group, _, element = target.partition(".")
        spec = get_taxonomy(version).find_element(group, element)
        first = find_spec(target, TAXONOMY_VERSIONS)
        assert spec is not None
        assert first is not None
        assert (spec.type, spec.many) == (first.type, first.many)


def test_the_header_holds_the_numbered_columns_asked_for() -> None:
    profile = load_profile("lrms-csv")
    header = csv_header(profile, patients=2, medications=1)
    assert len(header) == len(set(header))
    assert header[0] == "taxonomy_version"
    assert "patient_2_physical_harm" in header
    assert "patient_3_physical_harm" not in header
    assert "medication_1_vtm_code" in header
    assert not any("{n}" in column for column in header)
    assert PATIENTS in profile.repeated

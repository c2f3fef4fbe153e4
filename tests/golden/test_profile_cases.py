"""The golden cases in the folders of the shipped profiles."""

from pathlib import Path

import pytest

from gateway.profiles.golden import CASES, PROFILE_FILE, run_cases
from mappers.profile_load import make_shelf

SHELF = Path("mappers/profiles")
# These are tried by every event there can be (tests/generative), and by samples/csv and xml.
WITHOUT = {"lrms-csv", "lrms-xml"}
FOLDERS = sorted(path.parent for path in SHELF.glob(f"*/{PROFILE_FILE}"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_profile_does_what_its_cases_say(folder):
    if folder.name in WITHOUT:
        return
    results = run_cases(folder, make_shelf())
    assert [one.name for one in results if one.is_new] == []
    assert {one.name: one.differences for one in results if one.differences} == {}, (
        f"if this is right: lrms-gateway profile test {folder.name} --write"
    )


def test_every_shipped_profile_has_a_case_and_a_sample_feed():
    names = {folder.name for folder in FOLDERS} - WITHOUT
    assert {folder.name for folder in FOLDERS if (folder / CASES).is_dir()} >= names
    samples = {path.parent.name for path in Path("samples/profiles").glob("*/feed.*")}
    assert samples >= names

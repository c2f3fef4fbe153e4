"""Misspelt settings: what is nearly one of them is told, anybody's own names are not."""

import re
from pathlib import Path

import pytest

from gateway.config import Settings
from gateway.misspelt import find_misspelt

KNOWN = Settings.model_fields


def find(*names: str) -> list[str]:
    return list(find_misspelt(names, KNOWN))


@pytest.mark.parametrize("name", [name for name in KNOWN if len(name) > 7])
def test_a_letter_too_few_is_told_with_what_is_meant(name):
    places = range(1, len(name))
    found = [find(f"LRMS_{name[:place]}{name[place + 1 :]}".upper()) for place in places]
    assert all(found)
    assert f"LRMS_{name.upper()} is one" in str(found)


def test_settings_and_other_names_are_not_told():
    assert find("LRMS_HOME", "lrms_home", "PATH", "HOME", "LRMS_WARD_API_PASSWORD", "LRMS_") == []


def test_no_name_that_we_ourselves_use_is_told():
    files = ["Makefile", *Path("docs").rglob("*.md"), *Path("gateway").rglob("*.py")]
    files += [*Path("tests").rglob("*.py"), *Path("dags").rglob("*.py")]
    own = Path(__file__).resolve()
    texts = [Path(one).read_text() for one in files if Path(one).resolve() != own]
    names = {one for text in texts for one in re.findall(r"LRMS_[A-Z0-9_]*[A-Z0-9]", text)}
    assert "LRMS_TEST_DATABASE_URL" in names
    assert find(*names - {"LRMS_DATABSE_URL"}) == []

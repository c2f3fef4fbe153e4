"""The sample feeds of vendors' exports are what their makers make, and are as large and as real as
they should be."""

import json
import re
from pathlib import Path

import pytest

from samples.makers import datix_like, inphase_like, national, ulysses_like
from schemas.identifiers import is_nhs_number

FILES: dict[Path, bytes] = {}
for maker in (datix_like, inphase_like, national, ulysses_like):
    FILES |= maker.make_files()
NAMES = [str(path.relative_to("samples/profiles")) for path in FILES]
LEAST = {"trust-over-datix": 40}


@pytest.mark.parametrize("name", NAMES)
def test_the_feed_is_what_its_maker_makes(name):
    path = Path("samples/profiles") / name
    assert path.read_bytes() == FILES[path], "python -m samples.makers.… writes it again"


@pytest.mark.parametrize("name", NAMES)
def test_nobody_in_a_feed_is_anybody(name):
    """Ten digits that could be an NHS number are of the range that is never given out."""
    text = FILES[Path("samples/profiles") / name].decode("utf-8", "replace")
    numbers = {one for one in re.findall(r"(?<!\d)\d{10}(?!\d)", text) if is_nhs_number(one)}
    assert all(one.startswith("999") for one in numbers)
    assert numbers or "national" in name


@pytest.mark.parametrize("name", NAMES)
def test_a_feed_is_large_and_partly_wrong(name):
    folder = (Path("samples/profiles") / name).parent
    receipt = json.loads((folder / "feed.expected.json").read_bytes())["receipt"]
    counts = receipt["counts"]
    assert counts["records"] >= LEAST.get(folder.name, 200)
    assert 0 < counts["rejected"] < counts["records"] / 5

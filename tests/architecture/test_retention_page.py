"""The page on retention says of every table who prunes it, and of every setting how long."""

import re
from pathlib import Path

from gateway.config import Settings
from store.tables import metadata

PAGE = Path("docs/operations/retention.md").read_text(encoding="utf-8")


def read_table(heading: str) -> dict[str, list[str]]:
    """The rows of the first table behind a heading, by the words in code of their first cell."""
    section = f"\n{PAGE}".split(f"\n{heading}\n")[1].split("\n#")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {
        name: [cell.strip() for cell in cells]
        for first, *cells in rows
        for name in re.findall(r"`([^`]+)`", first)
    }


def test_every_table_is_there_with_who_prunes_it():
    told = read_table("## Every table")
    assert set(told) == set(metadata.tables), "a table is missing, or is no more"
    assert all(holds and until for holds, until in told.values())


def test_a_table_that_is_pruned_names_how_long():
    """Either for ever and why, or a setting or an end that the rows have themselves."""
    for name, (_, until) in read_table("## Every table").items():
        settings = re.findall(r"`(LRMS_[A-Z_]+)`", until)
        assert settings or until.startswith(("for ever: ", "its own end: ", "never grows: ")), name
        known = {f"LRMS_{one.upper()}" for one in Settings.model_fields}
        assert set(settings) <= known, name


def test_every_setting_is_there_with_its_default():
    told = read_table("# Retention: what is kept how long")
    kept = {
        f"LRMS_{name.upper()}": field.default
        for name, field in Settings.model_fields.items()
        if name.startswith("keep_")
    }
    assert {name: int(cells[0].replace(",", "")) for name, cells in told.items()} == kept

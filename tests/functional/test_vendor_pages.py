"""The pages for vendors are true: their commands, typed in their order against a served sandbox,
print what the pages show."""

import re

import pytest

from tests.lib.tutorial import make_pattern
from tests.lib.vendor_page import FOLDER, PAGES, find_steps, open_reader

STEPS_OF_THE_WAY = (
    "/adverse-event/fhir/metadata",
    "--data-binary @$SAMPLES/event.json",
    "$validate",
    "-X PUT $EVENT -H 'If-Match",
    "/feeds?dry-run=true",
    "/promote",
    "text/csv",
    "-X PUT $FEED/records/2",
    "/oauth2/token",
    "GatewayClient",
    "lrms-gateway push",
)


def read(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_command_prints_what_the_page_shows(tmp_path, name):
    with open_reader(tmp_path) as reader:
        for step in find_steps(read(name)):
            printed = reader.take(step)
            # Trailing blanks are not shown.
            told = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
            assert re.fullmatch(make_pattern(step.shown), told), (
                f"{step.text}\n--- the page shows\n{step.shown}--- it prints\n{printed}"
                f"--- python -m tests.lib.vendor_page {name} writes the page anew"
            )


def test_the_first_page_has_the_whole_way():
    typed = "\n".join(step.text for step in find_steps(read("getting-started")))
    assert [step for step in STEPS_OF_THE_WAY if step not in typed] == []


@pytest.mark.parametrize("name", PAGES)
def test_every_block_is_typed_unless_the_page_says_not(name):
    page = read(name)
    blocks = re.findall(r"^```(?:bash|python)\n", page, re.MULTILINE)
    left = page.count("<!-- not typed -->\n```")
    assert len(find_steps(page)) == len(blocks) - left
    assert left <= 1


def test_no_other_page_has_commands():
    for path in FOLDER.glob("*.md"):
        if path.stem not in PAGES:
            assert "```bash" not in path.read_text(encoding="utf-8"), path

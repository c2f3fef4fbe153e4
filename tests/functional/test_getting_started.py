"""docs/vendors/getting-started.md is true: its commands, typed in their order against a served
sandbox, print what the page shows."""

import re

import pytest

from gateway.sandbox.fixed import KEYS
from tests.lib.tutorial import make_pattern
from tests.lib.vendor_page import PAGE, find_steps, open_reader

TEXT = PAGE.read_text(encoding="utf-8")
STEPS = find_steps(TEXT)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    with open_reader(tmp_path_factory.mktemp("checkout")) as reader:
        yield reader


def test_the_page_has_the_whole_way():
    typed = "\n".join(step.text for step in STEPS)
    for step in (
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
    ):
        assert step in typed, step


def test_every_block_is_typed_but_the_one_that_starts_the_server():
    blocks = re.findall(r"^```(?:bash|python)\n", TEXT, re.MULTILINE)
    assert len(STEPS) == len(blocks) - 1


def test_every_command_prints_what_the_page_shows(reader):
    for step in STEPS:
        printed = reader.take(step)
        # Trailing blanks are not shown.
        told = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
        assert re.fullmatch(make_pattern(step.shown), told), (
            f"{step.text}\n--- the page shows\n{step.shown}--- it prints\n{printed}"
            "--- python -m tests.lib.vendor_page writes the page anew"
        )


def test_the_keys_of_the_page_are_those_of_the_sandbox():
    shown = set(re.findall(r"lrms_sandbox_\w+", TEXT))
    assert shown
    assert shown <= {key.secret for key in KEYS}

"""The tutorial is true: its commands, run in their order in a home of their own, print what the
page shows."""

import re
from pathlib import Path

import pytest

from samples.makers.take_on import FILE, write_feed
from tests.lib.tutorial import (
    PAGE,
    cut_into_commands,
    find_blocks,
    make_checkout,
    make_pattern,
)

TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = find_blocks(TEXT)


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    shell = make_checkout(tmp_path_factory.mktemp("checkout"))
    yield shell
    shell.close()


def test_the_page_has_the_whole_way():
    commands = " ".join(command for block in BLOCKS for command, _ in cut_into_commands(block))
    for step in ("infer", "check", "preview", "coverage", "test"):
        assert f"profile {step}" in commands
    assert "source add" in commands
    assert "lrms-gateway ingest" in commands


def test_every_command_prints_what_the_page_shows(shell):
    for block in BLOCKS:
        for command, shown in cut_into_commands(block):
            printed = shell.run(command)
            assert re.fullmatch(make_pattern(shown), printed), (
                f"$ {command}\n--- the page shows\n{shown}--- it prints\n{printed}"
                "--- python -m tests.lib.tutorial writes the page anew"
            )


def test_the_finished_profile_of_the_page_is_the_sample():
    (shown,) = re.findall(r"<!-- finished -->\n```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert shown == Path("samples/take-on/profile.yaml").read_text(encoding="utf-8")


def test_the_feed_is_what_its_maker_writes():
    assert FILE.read_bytes() == write_feed()


def test_every_link_of_the_page_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / target).exists(), target


def test_an_ellipsis_stands_for_anything_and_nothing_else_does():
    shown = "one\n…\nReceipt b-…  of\n"
    assert re.fullmatch(make_pattern(shown), "one\ntwo\nthree\nReceipt b-123  of\n")
    assert not re.fullmatch(make_pattern(shown), "one\nReceipt b-123  off\n")
    assert not re.fullmatch(make_pattern(shown), "one\nReceipt b-123  of\nfour\n")

"""Every alarm has its runbook, and what a runbook names is there."""

import re
import string
from pathlib import Path

import pytest
import typer
import yaml

from gateway.cli import app
from gateway.config import Settings
from gateway.monitoring.metrics import write_metrics
from gateway.monitoring.watches import WATCHES
from schemas.alarm_codes import ALARM_CODES
from tests.lib.line import open_line

FOLDER = Path("docs/operations")
PAGES = ("alarms.md", "README.md")
ALARMS = (FOLDER / "alarms.md").read_text(encoding="utf-8")


def find_commands(text: str) -> list[list[str]]:
    return [words.split() for words in re.findall(r"lrms-gateway ([a-z][^`\n]*)", text)]


@pytest.mark.parametrize("code", ALARM_CODES)
def test_an_alarm_has_its_runbook(code):
    alarm = ALARM_CODES[code]
    section = ALARMS.split(f"\n## {code}\n")[1].split("\n## ")[0]
    title = alarm.title[:1].upper() + alarm.title[1:]
    assert section.strip().startswith(f"**{title}** · {alarm.urgency}.")
    assert find_commands(section), "what is to be done"


def test_no_runbook_is_left_of_an_alarm():
    assert re.findall(r"(?m)^## (.*)$", ALARMS) == list(ALARM_CODES)


@pytest.mark.parametrize("page", PAGES)
def test_each_command_in_it_exists(page):
    root = typer.main.get_command(app)
    commands = find_commands((FOLDER / page).read_text(encoding="utf-8"))
    assert len(commands) > 3
    for words in commands:
        command = root
        rest = list(words)
        while hasattr(command, "commands"):
            found = command.commands.get(rest.pop(0)) if rest else None
            assert found is not None, words
            command = found
        options = {name for one in command.params for name in one.opts}
        assert {word for word in rest if word.startswith("--")} <= options, words


@pytest.mark.parametrize("page", PAGES)
def test_each_setting_and_page_in_it_exists(page):
    text = (FOLDER / page).read_text(encoding="utf-8")
    known = {f"LRMS_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"LRMS_[A-Z_]+(?![A-Z_…])", text)) - known <= {"LRMS_"}
    for target in re.findall(r"\]\(([^)#]+)", text):
        assert (FOLDER / target).exists(), target


def test_every_alarm_is_seen_by_some_watch():
    seen = {code for watch in WATCHES.values() for code in watch.codes}
    assert seen == ALARM_CODES.keys()


@pytest.mark.parametrize("code", ALARM_CODES)
def test_a_wording_asks_for_names_only(code):
    fields = [name for _, name, _, _ in string.Formatter().parse(ALARM_CODES[code].wording) if name]
    assert fields
    assert all(name.isidentifier() for name in fields)


def test_the_rules_for_prometheus_ask_for_metrics_that_there_are(tmp_path):
    rules = yaml.safe_load((FOLDER / "alerting-rules.yml").read_text(encoding="utf-8"))
    asked = {
        name
        for group in rules["groups"]
        for rule in group["rules"]
        for name in re.findall(r"lrms_[a-z_]+", rule["expr"])
    }
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(lrms_[a-z_]+)`", page))
    with open_line(tmp_path) as gateway:
        made = set(re.findall(r"# TYPE (\S+)", write_metrics(gateway)))
    of_the_api = {"lrms_api_requests_total", "lrms_api_request_seconds"}
    assert asked <= made | of_the_api
    assert named == made | of_the_api
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert all((FOLDER / name).exists() for name in config["rule_files"])

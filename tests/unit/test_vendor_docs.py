"""What the pages for vendors say of limits, keys, groups and errors is what the program has, and
their links lead somewhere."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config import Settings
from gateway.identity.jwks import SMALLEST_RSA
from gateway.identity.published_keys import KEPT_SECONDS
from gateway.pipeline.upload import MOST_UNFINISHED
from gateway.sandbox.fixed import KEYS, get_fixed
from gateway.sandbox.wishes import find_wish, parse_wish
from schemas.identity import SCOPES, TOKEN_SECONDS
from store.reservations import KEPT

FOLDER = Path("docs/vendors")
PAGES = sorted(FOLDER.glob("*.md"))


def read(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def find_anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("path", [*PAGES, Path("docs/for-vendors.md")], ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        if anchor:
            assert anchor in find_anchors(file), target


def test_the_index_names_every_page():
    index = read("README")
    for path in PAGES:
        assert path.name == "README.md" or f"({path.name})" in index


def test_the_limits_are_those_of_the_settings():
    rows = re.findall(r"^\|.*\| ([\d,]+) \| `LRMS_(\w+)` \|$", read("api"), re.MULTILINE)
    assert len(rows) == 11
    for number, name in rows:
        default = Settings.model_fields[name.lower()].default
        assert int(number.replace(",", "")) == default, name


def test_other_numbers_of_the_pages():
    assert f"More than {MOST_UNFINISHED} unfinished uploads" in read("api")
    assert KEPT.days == 7
    assert "A key is kept for seven days" in read("api")
    assert f'"expires_in": "{TOKEN_SECONDS}"' in read("authentication")
    assert f"RSA of {SMALLEST_RSA} bits or more" in read("authentication")
    assert KEPT_SECONDS == 5 * 60
    assert f"all {len(get_fixed().organisations)} organisations" in read("sandbox")
    slow = Settings.model_fields["sandbox_slow_seconds"].default
    assert f"after {slow:g} seconds" in read("sandbox")


def test_the_scopes_are_those_there_are():
    assert re.findall(r"^\| `(\w+\.\w+)` \|", read("authentication"), re.MULTILINE) == list(SCOPES)


def find_refusals() -> Iterator[tuple[str, str]]:
    """The status of every refusal of the token endpoint, and how its description begins: as far as
    nothing is filled in."""
    makers = {"make_invalid": "400", "make_unknown": "401", "ClientRefusedError": ""}
    for path in (*Path("gateway/identity").glob("*.py"), Path("gateway/api/tokens.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if (name := node.func.id) not in makers:
                continue
            told = node.args[2] if name == "ClientRefusedError" else node.args[0]
            begin = told.values[0] if isinstance(told, ast.JoinedStr) else told
            if isinstance(begin, ast.Constant):
                yield makers[name] or str(node.args[0].value), str(begin.value)


def test_each_error_of_the_token_endpoint_is_told_and_no_other():
    rows = re.findall(r"^\| (400|401) \| (`.+?`) \|", read("authentication"), re.MULTILINE)
    told = {(status, one) for status, cell in rows for one in re.findall("`(.+?)`", cell)}
    refusals = set(find_refusals())
    assert len(refusals) > 20
    for status, begin in refusals:
        assert any(one == status and text.startswith(begin) for one, text in told), begin
    for status, text in told:
        assert any(one == status and text.startswith(begin) for one, begin in refusals), text


def test_the_keys_are_those_of_the_sandbox():
    known = {key.secret for key in KEYS}
    assert set(re.findall(r"lrms_sandbox_\w+", read("sandbox"))) == known
    assert set(re.findall(r"lrms_sandbox_\w+", read("getting-started"))) < known


def test_every_wish_of_the_sandbox_page_is_one():
    rows = re.findall(r"^\| `(\w+)` \| `(SANDBOX-\w+)` \|", read("sandbox"), re.MULTILINE)
    assert len(rows) == 7
    for header, identifier in rows:
        assert parse_wish(header) == find_wish(identifier)
        assert parse_wish(header).answer == header


def test_the_groups_of_the_kit_are_those_there_are():
    named = re.findall(r"^\| `([\w-]+)` \|", read("conformance"), re.MULTILINE)
    there = {path.stem for path in Path("gateway/conformance/cases").glob("*.yaml")}
    assert set(named) == there

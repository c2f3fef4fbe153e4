"""The table of problem codes holds what the API answers, and nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from gateway.api.problem_codes import PROBLEM_CODES, Code

MODULES = sorted(Path("gateway/api").glob("*.py"))
TABLE = Path("gateway/api/problem_codes.py")
# What makes a problem, and which of its arguments is the code.
MAKERS = {"ApiProblem": 1, "_refuse": 0, "_make_cut": 1}


def find_codes(path: Path) -> Iterator[tuple[int | None, str]]:
    """Every code that a module names, with the status it gives it where it stands beside."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = MAKERS.get(node.func.id)
            if place is not None and len(node.args) > place:
                yield from read_pair(node.args[: place + 1])
        if isinstance(node, ast.Tuple) and len(node.elts) == 4:
            yield from read_pair(node.elts[:2])
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, int):
                    yield from read_pair([key, value])


def read_pair(nodes: list[ast.expr]) -> Iterator[tuple[int | None, str]]:
    values = [one.value if isinstance(one, ast.Constant) else None for one in nodes]
    code = values[-1]
    if isinstance(code, str) and code in get_args(Code):
        status = values[0] if isinstance(values[0], int) else None
        yield status, code


def test_the_table_has_every_code_and_no_other():
    assert list(PROBLEM_CODES) == list(get_args(Code))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_each_code_is_answered_with_its_status(path):
    for status, code in find_codes(path):
        assert status in (None, PROBLEM_CODES[code].status), code


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_problem_has_a_code_that_the_table_lacks(path):
    """mypy says so too; this says it where only the tests are run."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = MAKERS.get(node.func.id, -1)
            given = node.args[place] if 0 < place < len(node.args) else None
            if isinstance(given, ast.Constant):
                assert given.value in PROBLEM_CODES, f"{path}:{node.lineno}"


@pytest.mark.parametrize("code", PROBLEM_CODES)
def test_every_code_is_answered_somewhere(code):
    sources = [path.read_text(encoding="utf-8") for path in MODULES if path != TABLE]
    assert any(f'"{code}"' in source for source in sources)


@pytest.mark.parametrize(("code", "entry"), PROBLEM_CODES.items())
def test_every_entry_says_when_and_what_to_do(code, entry):
    assert entry.when.endswith("."), code
    assert entry.to_do.endswith("."), code
    assert 400 <= entry.status < 600
    # A program that sends again by itself must not do so where the request itself is wrong.
    assert entry.again == "no" or entry.status in {400, 408, 409, 429, 460, 500, 503}

"""The DAG files: what they may hold, read as text."""

import ast
from pathlib import Path

import pytest

FILES = sorted(Path("dags").glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.stem)
def test_no_step_ends_by_raising_that_it_is_skipped(file):
    """What is raised inside ``open_step`` is noted as a failure, and four are an alarm."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for block in ast.walk(tree):
        if isinstance(block, ast.With) and "open_step(" in ast.unparse(block.items[0]):
            raised = [one for one in ast.walk(block) if isinstance(one, ast.Raise)]
            assert raised == [], f"line {raised[0].lineno}"


def test_the_files_are_there():
    assert len(FILES) > 8

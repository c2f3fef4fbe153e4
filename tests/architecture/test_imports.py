"""The house keeps its shape: who imports whom, whose names these are, how long a module gets."""

import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from schemas.catalogue import AREAS, get_catalogue
from schemas.finding import FindingCode

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "mappers", "schemas", "store", "validation")
LONGEST_MODULE = 300
LONG_FOR_A_REASON = {
    "schemas/catalogue/mapping.py": "a table of entries, no code",
    "schemas/catalogue/reading.py": "a table of entries, no code",
    "store/migrations/versions/0001_first_tables.py": "the same tables, written once",
}


def find_modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_the_import_contracts_are_kept():
    # In a process of its own: called here, it would reconfigure logging for the tests that follow.
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_other_distribution_owns_our_names():
    owners = packages_distributions()
    for name in PACKAGES:
        # Absent where the tests run from the folder without an installation.
        assert set(owners.get(name, ["lrms-gateway"])) == {"lrms-gateway"}, name


def test_every_finding_code_is_raised_somewhere():
    modules = find_modules("gateway", "mappers", "validation", "store")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in modules)
    unused = [
        entry.code
        for area in AREAS.values()
        for name, entry in vars(area).items()
        if isinstance(entry, FindingCode) and f".{name}" not in sources
    ]
    assert get_catalogue()
    assert unused == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_too_long(package):
    modules = find_modules(package)
    assert modules
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in modules
    }
    too_long = {path for path, lines in lengths.items() if lines > LONGEST_MODULE}
    assert too_long <= LONG_FOR_A_REASON.keys()


def test_no_reason_outlives_its_module():
    for path in LONG_FOR_A_REASON:
        assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) > LONGEST_MODULE, path

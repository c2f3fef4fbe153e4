"""The documents that are made from the code. ``python -m tests.lib.generated_documents`` writes
them anew; tests/architecture/test_generated_documents.py fails where one is stale."""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.lib.api_documents import make_api, make_errors, make_openapi
from tests.lib.finding_catalogue import make_finding_catalogue
from tests.lib.reference_documents import (
    make_command_line,
    make_profile_schema,
    make_receipt_schema,
    make_settings,
)

ROOT = Path(__file__).resolve().parents[2]

# Path from the project's root → what makes its content.
DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/finding-catalogue.md": make_finding_catalogue,
    "docs/receipt.schema.json": make_receipt_schema,
    "docs/profile.schema.json": make_profile_schema,
    "docs/command-line.md": make_command_line,
    "docs/settings.md": make_settings,
    "docs/openapi.json": make_openapi,
    "docs/vendors/api.md": make_api,
    "docs/vendors/errors.md": make_errors,
}


def find_stale() -> list[str]:
    """The documents that are missing or not as the code would make them now."""
    stale = []
    for path, make in DOCUMENTS.items():
        file = ROOT / path
        if not file.exists() or file.read_text(encoding="utf-8") != make():
            stale.append(path)
    return stale


def write_documents() -> list[str]:
    """Writes those that are stale and says which."""
    written = find_stale()
    for path in written:
        file = ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(DOCUMENTS[path](), encoding="utf-8")
    return written


if __name__ == "__main__":
    for name in write_documents() or ["nothing was stale"]:
        sys.stdout.write(f"{name}\n")

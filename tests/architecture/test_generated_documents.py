"""The documents made from the code are those the code would make now."""

import re

import pytest

from schemas.catalogue import AREAS, get_catalogue
from tests.lib.finding_catalogue import AREA_TITLES, make_finding_catalogue
from tests.lib.generated_documents import DOCUMENTS, ROOT


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_document_is_fresh(path):
    file = ROOT / path
    assert file.exists(), f"{path} is missing: run `make docs`"
    assert file.read_text(encoding="utf-8") == DOCUMENTS[path](), (
        f"{path} is stale: run `make docs`"
    )


def test_the_catalogue_names_every_code_with_its_fix():
    text = make_finding_catalogue()
    for code, entry in get_catalogue().items():
        assert f"### {code} {entry.title}" in text
        assert entry.fix in text


def test_every_link_within_the_catalogue_leads_somewhere():
    text = make_finding_catalogue()
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links
    assert links <= anchors


def test_every_area_has_a_title():
    assert list(AREA_TITLES) == list(AREAS)

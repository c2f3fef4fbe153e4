"""What is found without a tree is what the tree has: each record of the file, and nothing else."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.adapters.xml_bytes import XmlEncoding
from gateway.adapters.xml_flat import NotFlatError, iterate_flat

PIECES = [
    "<r>", "</r>", "</r >", "<r/>", '<r a="1>2">', "<r xmlns='u'>", '<r b=" xmlns=\'u\'">', "<rs>",
    "</rs>", "<p:r>", "</p:r>", "<x>", "</x>", "x", " ", "\n", "<!-- <r> -->", "<![CDATA[<r>]]>",
    "<?r <r>?>", "<r>a</r>", "<r>b</r>\n", "<r a='<'>", "&#1;", "\x01", "\u00e9", "</f>",
]  # fmt: skip


def find(text: str, *, limit: int = 1_000) -> list[int] | None:
    stream = io.BytesIO(text.encode())
    try:
        found = iterate_flat(stream, XmlEncoding(stream), b"r", depth=1, limit=limit)
        return list(found)
    except NotFlatError:
        return None


def check(text: str) -> bool:
    """Whether they were found; then they are those of the tree. As in the product, where the first
    element of the path is seen by the parser before."""
    found = find(text)
    if found is None:
        return False
    root = etree.fromstring(text.encode())
    first = next((child for child in root if etree.QName(child).localname == "r"), None)
    if first is None or first.prefix:
        return False
    records = [child for child in root if child.tag == first.tag]
    assert len(found) == len(records)
    raw = text.encode()
    for record, start, end in zip(records, found, [*found[1:], len(raw)], strict=True):
        assert raw[start:].startswith(b"<r")
        opened = f"<f xmlns='{root.nsmap.get(None, '')}' xmlns:p='p'>".encode()
        alone = etree.fromstring(opened + raw[start:end].removesuffix(b"</f>") + b"</f>")[0]
        assert (alone.tag, alone.text, alone.attrib) == (record.tag, record.text, record.attrib)
    return True


@settings(max_examples=2_000)
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=9),
    root=st.sampled_from(["<f xmlns:p='p'>", "<f xmlns='u' xmlns:p='p'>"]),
)
@example(pieces=["<r>", "<r>a</r>", "<r>a</r>", "</r>"], root="<f xmlns:p='p'>")
@example(pieces=["<r/>", "<r>a</r>"], root="<f xmlns:p='p'>")
@example(pieces=["<r>", "</r >", "<r>a</r>"], root="<f xmlns:p='p'>")
@example(pieces=["<r xmlns='u'>", "</r>", "<r b=\" xmlns='u'\">", "</r>"], root="<f xmlns:p='p'>")
def test_whatever_is_found_is_what_the_tree_has(pieces, root):
    check(root + "".join(pieces) + "</f>")


FLAT = [
    "<f><r>1</r><r>2</r></f>",
    "<f>head<h/> <r>1</r>\n <r a='1' b = \"2>1\">2</r>\n</f>\n",
    "<f xmlns='u'><r xmlns='u'>1</r><r xmlns='u' a='1'>2</r></f>",
    "<f xmlns:p='p'><r><rs/><p:r/></r><r xmlns:q='q'><q:x/></r></f>",
    "\ufeff<?xml version='1.0'?><f><r>1</r></f>",
]
OTHER = {
    "nothing": "<f/>",
    "something between": "<f><r/>x<r>2</r></f>",
    "an empty one before": "<f><r/><r>2</r></f>",
    "an empty one with attributes": "<f><r a='1' /><r>2</r></f>",
    "an empty one": "<f><r>1</r><r/></f>",
    "another element between": "<f><r>1</r><x/><r>2</r></f>",
    "one in another": "<f><r>1<r>2</r></r><r>3</r></f>",
    "several in one": "<f><r><r>1</r><r>2</r></r></f>",
    "elsewhere": "<f><x><r>1</r></x><r>2</r></f>",
    "too deep": "<f><x><r>1</r><r>2</r></x></f>",
    "an end tag with a blank": "<f><r>1</r ><r>2</r></f>",
    "another namespace": "<f><r>1</r><r xmlns='u'>2</r></f>",
    "what looks like a namespace": "<f><r xmlns='u'>1</r><r a=\" xmlns='u'\">2</r></f>",
    "something behind them": "<f><r>1</r><x/></f>",
    "one with a prefix behind them": "<f xmlns:p='p'><r>1</r><p:r/></f>",
    "a comment": "<f><r>1</r><!-- --><r>2</r></f>",
    "a comment in a record": "<f><r><!--</r><r>--></r><r>2</r></f>",
    "CDATA": "<f><r><![CDATA[</r><r>]]></r></f>",
    "a processing instruction": "<f><?x <r>?><r>1</r></f>",
    "a document type": "<!DOCTYPE f><f><r>1</r></f>",
    "not well formed": "<f><r>1</r><r><x></r></f>",
    "broken off": "<f><r>1</r><r>2",
    "more behind the end": "<f><r>1</r></f><f/>",
    "a prefix that nobody declared": "<f><r>1</r><r><q:x/></r></f>",
    "what no XML may hold": "<f><r>1\x01</r><r>2</r></f>",
}


@pytest.mark.parametrize("text", FLAT)
def test_records_one_behind_the_other_are_found(text):
    found = find(text)
    raw = text.encode()
    assert found == [at for at in range(len(raw)) if raw[at:].startswith((b"<r>", b"<r "))]
    assert found


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_any_other_file_is_left_to_the_tree(text):
    assert find(text) is None


def test_a_record_over_the_limit_is_left_to_the_tree_and_does_not_fill_the_memory():
    assert find(f"<f><r>{'x' * 600_000}</r></f>", limit=1_000) is None
    assert find(f"<f><r>{'x' * 600_000}</r></f>", limit=700_000) is not None


def test_tags_on_the_border_of_two_blocks():
    record = "<r a='1'>some text</r>\n"
    for behind in range(2 * len(record)):
        text = f"<f><h>{'x' * behind}</h>{record * (300_000 // len(record))}</f>"
        found = find(text, limit=1_000)
        assert found is not None
        assert len(found) == 300_000 // len(record)

"""Which mapper a source gets, and that a changed profile is noticed by a process that goes on."""

import io
from pathlib import Path

import pytest

from gateway.adapters.limits import Limits
from gateway.pipeline.feeds import make_feed_terms, make_mapper, read_records
from mappers.profile_load import make_shelf
from schemas.batch import Part
from schemas.errors import UnknownError, WrongUseError
from schemas.submission import Source
from tests.lib.profile_shelf import SMALL, SMALL_JSON, write_profile


def source(feed_format: str = "csv", profile: str | None = "one") -> Source:
    return Source(id="s", organisation="RZA", format=feed_format, profile=profile)


def test_a_mapper_is_compiled_once_and_anew_when_its_profile_changes(tmp_path: Path) -> None:
    folder = write_profile(tmp_path / "one")
    shelf = make_shelf(tmp_path)
    first = make_mapper(source(), make_feed_terms(source(), shelf, Limits()))
    assert make_mapper(source(), make_feed_terms(source(), shelf, Limits())) is first
    assert (first.name, first.version) == ("one", "1")
    text = SMALL.replace("name: x", "name: one")
    (folder / "profile.yaml").write_text(text.replace("version: 1", "version: 2"))
    second = make_mapper(source(), make_feed_terms(source(), shelf, Limits()))
    assert (second.name, second.version) == ("one", "2")
    # A change that forgot to raise the version counts all the same.
    (folder / "profile.yaml").write_text(text.replace("version: 1", "version: 2") + "local_id: i\n")
    assert make_mapper(source(), make_feed_terms(source(), shelf, Limits())) is not second


def test_a_feed_without_its_profile_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(WrongUseError, match="source s: a csv feed needs a mapping profile"):
        make_feed_terms(source(profile=None), make_shelf(), Limits())
    with pytest.raises(UnknownError, match="no profile 'one'"):
        make_feed_terms(source(), make_shelf(tmp_path), Limits())


@pytest.mark.parametrize(
    ("shape", "feed"),
    [
        ("json", b'[{"t": "1", "n": 3}, {"t": "4", "n": true}]'),
        ("ndjson", b'{"t": "1", "n": 3}\n{"t": "4", "n": true}\n'),
    ],
)
def test_vendor_json_is_read_by_its_profile(tmp_path: Path, shape: str, feed: bytes) -> None:
    write_profile(tmp_path / "one", SMALL_JSON.replace("name: x", "name: one"))
    part = Part(batch_number=0, number=0, start=0, end=len(feed))
    terms = make_feed_terms(source("json"), make_shelf(tmp_path), Limits())
    records = read_records(io.BytesIO(feed), shape, part, terms)
    assert [one.content for one in records] == [{"/t": "1", "/n": "3"}, {"/t": "4", "/n": "true"}]


def test_what_is_read_by_one_profile_is_not_mapped_by_another(tmp_path: Path) -> None:
    folder, shelf = write_profile(tmp_path / "one"), make_shelf(tmp_path)
    terms = make_feed_terms(source(), shelf, Limits())
    text = SMALL.replace("name: x", "name: one").replace("version: 1", "version: 2")
    (folder / "profile.yaml").write_text(text)
    assert make_mapper(source(), terms).version == "1"
    assert make_mapper(source(), make_feed_terms(source(), shelf, Limits())).version == "2"

"""An event that was written before its revision was known is told as if it was written anew."""

from datetime import UTC, datetime

import msgspec
import pytest

from gateway.pipeline import versions
from gateway.pipeline.versions import write_version
from schemas.asked import EventVersion
from tests.lib.events import make_event

JUDGED_AT = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
LOADED_AT = datetime(2026, 11, 27, 9, 0, 1, 250_000, tzinfo=UTC)


def make_version(*, event_id: int = 7, revision: int = 1, at: datetime = JUDGED_AT) -> EventVersion:
    return EventVersion(
        event=make_event(),
        event_id=event_id,
        local_id="CB/25/0031",
        revision=revision,
        recorded_at=at,
    )


def test_it_is_told_with_its_own_revision_and_instant() -> None:
    anew = make_version(revision=3, at=LOADED_AT)
    told = write_version(msgspec.structs.replace(anew, written=write_version(make_version())))
    # As bytes: the order of fields too.
    assert msgspec.json.encode(told) == msgspec.json.encode(write_version(anew))
    assert told["meta"]["versionId"] == "3"
    assert told["meta"]["lastUpdated"] == "2026-11-27T09:00:01.250+00:00"


def test_what_was_written_is_not_changed() -> None:
    written = write_version(make_version())
    before = msgspec.json.encode(written)
    write_version(msgspec.structs.replace(make_version(revision=2), written=written))
    assert msgspec.json.encode(written) == before


def test_it_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    version = msgspec.structs.replace(make_version(), written=write_version(make_version()))
    monkeypatch.delattr(versions, "write_fhir")
    assert write_version(version)["id"] == version.written["id"]  # type: ignore[index]


def test_under_another_number_it_is_written_anew() -> None:
    anew = make_version(event_id=8)
    told = write_version(msgspec.structs.replace(anew, written=write_version(make_version())))
    assert told == write_version(anew)

"""What the tools say of a field is what the mapper does with it: held for every record of every
shipped profile's feeds."""

from pathlib import Path

import pytest

from gateway.adapters.limits import Limits
from gateway.profiles.field_uses import FieldUses
from gateway.profiles.judging import Judging
from gateway.profiles.preview import make_preview
from gateway.profiles.spots import Spots
from mappers.profile_load import find_profiles, load_profile
from tests.lib.profile_files import RECEIVED_AT

FOLDERS = ("samples/profiles/{}", "mappers/profiles/{}/cases/*", "samples/{}/demo")


def find_feeds(name: str) -> list[Path]:
    folders = [folder.format(part) for folder in FOLDERS for part in (name, name[5:])]
    found = [path for folder in folders for path in Path().glob(f"{folder}/*")]
    return sorted({path for path in found if path.stem in ("feed", "input")})


@pytest.fixture(params=find_profiles())
def judging(request: pytest.FixtureRequest) -> Judging:
    return Judging(load_profile(request.param), limits=Limits(), received_at=RECEIVED_AT)


def test_what_the_profile_does_not_know_is_what_the_mapper_leaves_out(judging: Judging):
    uses, spots = FieldUses(judging.profile), Spots(judging.profile)
    records = 0
    for path in find_feeds(judging.profile.name):
        with path.open("rb") as stream:
            for told in judging.read(stream):
                if told.mapped is None:
                    continue
                records += 1
                given = list(spots.iterate(told.record.content))
                unknown = {
                    one.path
                    for one in given
                    if uses.find(one.name).kind == "unknown" and not one.is_out
                }
                left_out = {one.source_path for one in told.findings if one.code == "MAP-001"}
                assert unknown == left_out, (path, told.record.locator)
                for finding in told.mapped.findings:
                    assert any(one.is_at(finding.source_path) for one in given), finding
    assert records


def test_every_value_of_an_event_stands_in_its_preview(judging: Judging):
    """Beside the field that gave it, or as added; lists whole."""
    for path in find_feeds(judging.profile.name):
        with path.open("rb") as stream:
            shown = make_preview(judging, stream, first=1, count=5)
        with path.open("rb") as stream:
            told = list(judging.read(stream))[: len(shown.records)]
        for record, one in zip(shown.records, told, strict=True):
            if one.mapped is None or one.mapped.event is None:
                continue
            given = {value.element for field in record.fields for value in field.gives}
            given |= {value.element for value in record.added}
            for name, group in one.mapped.event.groups.items():
                for occurrence in group if isinstance(group, list) else [group]:
                    assert {f"{name}.{element}" for element in occurrence} <= given, path

"""Which adapter and which mapper read a feed."""

from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

from gateway.adapters.csv_rows import read_csv
from gateway.adapters.fhir_json import read_fhir_json, read_fhir_ndjson
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.fhir_read import FhirMapper
from mappers.profile_load import load_profile
from mappers.profile_read import ProfileMapper
from schemas.batch import Part, Shape
from schemas.errors import WrongUseError
from schemas.record import Mapper, SourceRecord
from schemas.submission import Source


@lru_cache(maxsize=64)
def make_mapper(source: Source) -> Mapper:
    """The mapper of a source; compiled once a process."""
    if source.format == "fhir":
        return FhirMapper(strict=source.strict, default_version=source.taxonomy_version)
    if source.profile is None:
        raise WrongUseError(f"source {source.id}: a {source.format} feed needs a mapping profile")
    return ProfileMapper(
        load_profile(source.profile),
        strict=source.strict,
        default_version=source.taxonomy_version,
    )


def read_records(
    stream: BinaryIO, shape: Shape, source: Source, part: Part, *, limits: Limits
) -> Iterator[SourceRecord]:
    """The records of a part, in feed order, memory flat. BrokenFeed where it cannot be read on."""
    if shape == "fhir-ndjson":
        return read_fhir_ndjson(stream, part, limits=limits)
    if shape == "fhir-json":
        return read_fhir_json(stream, part, limits=limits)
    if shape == "fhir-xml":
        return read_fhir_xml(stream, part, limits=limits)
    if source.profile is None:
        raise WrongUseError(f"source {source.id}: a {source.format} feed needs a mapping profile")
    profile = load_profile(source.profile)
    if shape == "csv":
        return read_csv(
            stream,
            part,
            limits=limits,
            needed=profile.needed,
            id_column=profile.local_id.field if profile.local_id else None,
        )
    return read_xml(stream, part, profile, limits=limits)

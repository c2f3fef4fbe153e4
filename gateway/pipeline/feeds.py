"""Which adapter and which mapper read a feed."""

from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, NamedTuple

from gateway.adapters.broken import Tell, tell_nobody
from gateway.adapters.csv_rows import read_csv
from gateway.adapters.fhir_json import read_fhir_json, read_fhir_ndjson
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.json_records import read_json_records
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.fhir_read import FhirMapper
from mappers.profile_load import Shelf
from mappers.profile_model import Profile
from mappers.profile_read import ProfileMapper
from schemas.batch import Part, Shape
from schemas.errors import WrongUseError
from schemas.record import Mapper, SourceRecord
from schemas.submission import FeedFormat, Source


class FeedTerms(NamedTuple):
    """What a feed is read by: its format, its profile (FHIR has none), the caps."""

    format: FeedFormat
    profile: Profile | None
    limits: Limits


def make_feed_terms(source: Source, shelf: Shelf, limits: Limits) -> FeedTerms:
    """By the source's profile as it is on the shelf now."""
    profile = None if source.format == "fhir" else _find_profile(source, shelf)
    return FeedTerms(source.format, profile, limits)


def make_mapper(source: Source, terms: FeedTerms) -> Mapper:
    """The mapper for a feed that is read by these terms: a profile may change on the shelf at any
    time, and what it reads is not for another to map."""
    if terms.profile is None:
        return _compile_fhir(source.strict, source.taxonomy_version)
    return _compile_profile(terms.profile, source.strict, source.taxonomy_version)


@lru_cache(maxsize=64)
def _compile_fhir(strict: bool, version: str) -> Mapper:
    return FhirMapper(strict=strict, default_version=version)


@lru_cache(maxsize=64)
def _compile_profile(profile: Profile, strict: bool, version: str) -> Mapper:
    return ProfileMapper(profile, strict=strict, default_version=version)


def _find_profile(source: Source, shelf: Shelf) -> Profile:
    if source.profile is None:
        raise WrongUseError(f"source {source.id}: a {source.format} feed needs a mapping profile")
    return shelf.load(source.profile)


def read_records(
    stream: BinaryIO,
    shape: Shape,
    part: Part,
    terms: FeedTerms,
    *,
    tell: Tell = tell_nobody,
    counted_only: bool = False,
    mapped_only: bool = False,
) -> Iterator[SourceRecord]:
    """The records of a part, in feed order, memory flat. BrokenFeed where it cannot be read on.
    ``tell`` is given what is to be said of the feed as a whole. ``counted_only``: nobody asks for
    the content of the records, which is left out where that saves time. ``mapped_only``: nobody but
    the mapper asks for it, so it may be of a kind that only that reads."""
    profile, limits = terms.profile, terms.limits
    if shape == "fhir-ndjson":
        return read_fhir_ndjson(stream, part, limits=limits, mapped_only=mapped_only)
    if shape == "fhir-json":
        return read_fhir_json(stream, part, limits=limits, mapped_only=mapped_only)
    if shape == "fhir-xml":
        return read_fhir_xml(
            stream,
            part,
            limits=limits,
            tell=tell,
            counted_only=counted_only,
            mapped_only=mapped_only,
        )
    if profile is None:
        raise WrongUseError(f"a {terms.format} feed needs a mapping profile")
    if shape == "csv":
        return read_csv(stream, part, profile, limits=limits, tell=tell)
    if shape == "xml":
        return read_xml(stream, part, profile, limits=limits, tell=tell, counted_only=counted_only)
    by_line = shape == "ndjson"
    return read_json_records(stream, part, profile, limits=limits, by_line=by_line)

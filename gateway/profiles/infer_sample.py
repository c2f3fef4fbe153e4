"""The first records of a feed without a profile, read by the readers that read it with one."""

import io
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final, NamedTuple

from gateway.adapters.broken import BrokenFeed, Tell
from gateway.adapters.csv_rows import read_csv
from gateway.adapters.json_records import read_json_records
from gateway.adapters.limits import Limits
from gateway.adapters.shapes import find_shape
from gateway.adapters.xml_records import read_xml
from gateway.profiles.infer_csv import find_csv_layout
from gateway.profiles.infer_json import survey_json
from gateway.profiles.infer_model import Layout
from gateway.profiles.infer_xml import survey_xml
from gateway.profiles.looks import find_look
from mappers.profile_model import MEDICATIONS, Profile
from schemas.batch import Part
from schemas.catalogue import word_message
from schemas.errors import WrongUseError
from schemas.event import PATIENTS
from schemas.finding import Finding
from schemas.record import SourceRecord
from schemas.values import storable

Content = dict[str, Any]
# What is kept of a text: that it is longer is all that still counts.
_KEPT: Final = 1_000
# What is kept in all, whatever the number of records asked for.
_BUDGET: Final = 64 * 2**20
_KEYS: Final = {PATIENTS: "patients", MEDICATIONS: "medications"}


class Sample(NamedTuple):
    """``is_whole``: the file has no more records. ``unreadable`` counts records that could not be
    read; ``broken`` says why the file could not be read on; ``said`` is what else is to be said
    of the file as a whole."""

    layout: Layout
    records: list[Content]
    is_whole: bool
    unreadable: int
    broken: str | None
    said: list[str]


def read_sample(stream: BinaryIO, *, records: int, limits: Limits) -> Sample:
    """The first ``records`` of a CSV, XML or JSON file; WrongUseError where there is nothing that
    a profile could be drafted from."""
    layout = find_layout(stream, limits)
    return read_by_layout(stream, layout, {}, records=records, limits=limits)


def find_layout(stream: BinaryIO, limits: Limits) -> Layout:
    """How the bytes are to be read, found by looking at them."""
    look = find_look(stream)
    if look == "empty":
        raise WrongUseError("the file is empty")
    if look == "fhir":
        raise WrongUseError(
            "the file is FHIR, which needs no profile: register its source with --format fhir"
        )
    if look == "xml":
        survey = survey_xml(stream)
        if survey is None:
            raise WrongUseError("the file begins like XML and has no element that can be read")
        return Layout(format="xml", record=survey.record, namespaces=survey.namespaces)
    if look == "json":
        try:
            shape = find_shape(stream, "json", limits=limits)
        except BrokenFeed as error:
            raise WrongUseError(word_message(error.finding)) from None
        if shape == "ndjson":
            return Layout(format="json", said=["one JSON object a line"])
        return Layout(format="json", record=survey_json(stream))
    return find_csv_layout(stream, limits)


def read_by_layout(
    stream: BinaryIO, layout: Layout, groups: Mapping[str, str], *, records: int, limits: Limits
) -> Sample:
    """``groups``: XML path or JSON pointer of a repeated group → the national group. Texts are
    cut, so that memory does not depend on the file."""
    stream.seek(0)
    profile = _make_profile(layout, groups)
    kept: list[Content] = []
    unreadable, budget, broken = 0, _BUDGET, None
    told: list[Finding] = []
    read = _open_reader(stream, layout, profile, limits, told.append)
    is_whole = True
    try:
        for record in read:
            if len(kept) + unreadable == records or budget < 0:
                is_whole = False
                break
            if record.content is None:
                unreadable += 1
                continue
            content, size = _shorten(record.content)
            budget -= size
            kept.append(content)
    except BrokenFeed as error:
        broken = word_message(error.finding)
        if not kept:
            raise WrongUseError(broken) from None
    if not kept:
        none = "none of its records can be read" if unreadable else "the file holds no record"
        raise WrongUseError(f"{none}: a draft is made from what records hold")
    said = list(dict.fromkeys(map(word_message, told)))
    return Sample(layout, kept, is_whole, unreadable, broken, said)


def _make_profile(layout: Layout, groups: Mapping[str, str]) -> Profile:
    given: dict[str, Any] = {
        "name": "draft",
        "version": "1",
        "format": layout.format,
        "record": layout.record,
        "namespaces": layout.namespaces,
        "taxonomy_version": "6",  # the one with every group
        "event_type": {"value": "1"},
        # The reader tells elements apart by the attributes that the profile asks for.
        "ignored": dict.fromkeys(layout.predicates, "only to be told apart"),
    }
    keys = {
        national: key for key, national in (("patients", PATIENTS), ("medications", MEDICATIONS))
    }
    for at, national in groups.items():
        given[keys[national]] = {"at": at, "elements": {}}
    return Profile.model_validate(given)


def _open_reader(
    stream: BinaryIO, layout: Layout, profile: Profile, limits: Limits, tell: Tell
) -> Iterator[SourceRecord]:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    part = Part(batch_number=0, number=0, start=0, end=size)
    if layout.format == "xml":
        return read_xml(stream, part, profile, limits=limits)
    if layout.format == "json":
        by_line = layout.record is None
        return read_json_records(stream, part, profile, limits=limits, by_line=by_line)
    return read_csv(stream, part, limits=limits, tell=tell)


def _shorten(content: Content) -> tuple[Content, int]:
    short: Content = {}
    size = 0
    for name, value in content.items():
        if isinstance(value, list):
            inner = [_shorten(one) if isinstance(one, dict) else _cut(one) for one in value]
            short[storable(name)] = [one for one, _ in inner]
            size += sum(length for _, length in inner)
        else:
            short[storable(name)], length = _cut(value)
            size += length + len(name)
    return short, size


def _cut(text: str) -> tuple[str, int]:
    kept = storable(text[:_KEPT])
    return kept, len(kept)

"""A draft of a mapping profile from a feed alone: what its fields are, and how sure that is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from gateway.adapters.limits import Limits
from gateway.profiles.infer_asked import settle_roles, settle_times, settle_units
from gateway.profiles.infer_choose import choose_targets
from gateway.profiles.infer_columns import describe_columns
from gateway.profiles.infer_derive import find_category, propose_derived
from gateway.profiles.infer_known import find_known
from gateway.profiles.infer_model import Column, Draft, FieldDraft, Repeats, Rows, Surroundings
from gateway.profiles.infer_repeats import (
    find_nested,
    find_numbered,
    find_predicates,
    flatten_nested,
    merge_numbered,
)
from gateway.profiles.infer_rows import find_rows
from gateway.profiles.infer_sample import Sample, read_by_layout, read_sample
from gateway.profiles.infer_todo import list_todo
from gateway.profiles.infer_unpack import open_unpacked
from gateway.profiles.infer_write import write_draft
from mappers.profile_faults import find_remarks
from mappers.profile_load import parse_profile
from mappers.profile_model import MEDICATIONS
from schemas.event import PATIENTS
from schemas.values import plain

RECORDS = 5_000
_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Inferred:
    """The analysis, and the YAML text of the draft."""

    draft: Draft
    text: str


def infer_profile(
    stream: BinaryIO,
    filename: str,
    *,
    name: str | None = None,
    taxonomy_version: str = "5",
    records: int = RECORDS,
    limits: Limits | None = None,
) -> Inferred:
    """Looks at the first ``records`` of a CSV, XML or JSON file; WrongUseError where it is none,
    or has nothing that can be read."""
    limits = limits or Limits()
    with open_unpacked(stream, limits) as (content, said):
        sample, groups = _read(content, taxonomy_version, records, limits)
    draft = _analyse(sample, groups, taxonomy_version)
    draft.name = name or make_name(filename)
    draft.filename = plain(filename)
    draft.layout.said = [*said, *draft.layout.said, *sample.said]
    profile = parse_profile(write_draft(draft), f"{draft.name}.yaml")
    remarks = [message for _, message in find_remarks(profile)]
    draft.todo = list_todo(draft, dict.fromkeys(remarks), _word_trouble(sample, draft))
    return Inferred(draft, write_draft(draft))


def _read(
    stream: BinaryIO, version: str, records: int, limits: Limits
) -> tuple[Sample, dict[str, str]]:
    """The sample, and what is repeated in it: XML path or JSON pointer → national group."""
    sample = read_sample(stream, records=records, limits=limits)
    groups: dict[str, str] = {}
    layout = sample.layout
    if layout.format == "xml":
        layout.predicates = find_predicates(sample.records)
        if layout.predicates:
            sample = read_by_layout(stream, layout, {}, records=records, limits=limits)
    if layout.format != "csv":
        groups = find_nested(_list_names(sample), version)
    if groups:
        sample = read_by_layout(stream, layout, groups, records=records, limits=limits)
    return sample, groups


def make_name(filename: str) -> str:
    """A name as profiles have them, from that of a file."""
    stem = filename.rpartition("/")[2].partition(".")[0]
    return _NAME.sub("-", stem.lower()).strip("-")[:60] or "draft"


def _list_names(sample: Sample) -> list[str]:
    """Every field, the header's first, in the order they come."""
    names = dict.fromkeys(sample.layout.names)
    for record in sample.records:
        names.update(dict.fromkeys(record))
    return list(names)


def _analyse(sample: Sample, groups: dict[str, str], version: str) -> Draft:
    numbered: dict[str, tuple[str, str]] = {}
    records: Sequence[dict[str, Any]] = sample.records
    names = _list_names(sample)
    if sample.layout.format == "csv":
        numbered = find_numbered(names, version)
        records = merge_numbered(records, numbered)
        names = list(dict.fromkeys(numbered[one][0] if one in numbered else one for one in names))
    elif groups:
        is_json = sample.layout.format == "json"
        records = flatten_nested(records, groups, is_json=is_json)
        names = list(dict.fromkeys(name for record in records for name in record))
    columns = describe_columns(records, names)
    rows = find_rows(records, columns, version) if sample.layout.format == "csv" else None
    repeated = dict(numbered.values())
    repeated |= _list_inside(names, groups)
    around = _look_around(columns, rows, version)
    drafts = choose_targets(columns, around, repeated, frozenset(groups.values()))
    drafts, repeats = _place(drafts, repeated, groups)
    settle_roles(columns, drafts, repeats, rows)
    settle_units(columns, drafts)
    settle_times(columns, drafts)
    _explain(drafts, find_category(columns, version))
    return Draft(
        name="draft",
        filename="",
        taxonomy_version=version,
        layout=sample.layout,
        records=len(records),
        is_sample=not sample.is_whole,
        fields=drafts,
        rows=rows,
        repeats=repeats,
        derived=propose_derived(columns, drafts, version),
    )


def _list_inside(names: Sequence[str], groups: dict[str, str]) -> dict[str, str]:
    return {
        name: group
        for at, group in groups.items()
        for name in names
        if name.startswith(f"{at}/") or name == at
    }


def _look_around(columns: Sequence[Column], rows: Rows | None, version: str) -> Surroundings:
    lengths = [column.field.median_length for column in columns if column.field.kind == "text"]
    first = columns[0].field.name if columns else ""
    return Surroundings(version, max(lengths, default=0), first, rows.id if rows else None)


def _place(
    drafts: list[FieldDraft], repeated: dict[str, str], groups: dict[str, str]
) -> tuple[list[FieldDraft], list[Repeats]]:
    """Which repeated group of the profile each field stands in, and the groups there are."""
    for one in drafts:
        one.repeated = repeated.get(one.field.name)
    repeats = [Repeats(group=group, at=at) for at, group in groups.items()]
    if not repeats:
        repeats = [Repeats(group=group) for group in dict.fromkeys(repeated.values())]
    there = {one.group for one in repeats}
    for group in (PATIENTS, MEDICATIONS):
        own = [one for one in drafts if one.guess and one.guess.target.startswith(f"{group}.")]
        if own and group not in there:
            repeats.append(Repeats(group=group))
        for one in own:
            one.repeated = group
    return drafts, repeats


def _word_trouble(sample: Sample, draft: Draft) -> list[str]:
    told = []
    names = frozenset(one.field.name for one in draft.fields)
    if known := find_known(names, sample.layout.format):
        told.append(
            f"{known.shared} of {len(names)} fields are those of the shipped profile"
            f" {known.profile}: use it, or begin with 'extends: {known.profile}' instead of this."
        )
    if sample.broken is not None:
        told.append(f"The file cannot be read to its end: {sample.broken}")
    if sample.unreadable:
        told.append(
            f"{sample.unreadable} records of the sample cannot be read: lrms-gateway check says why"
            " of each."
        )
    return told


def _explain(drafts: Sequence[FieldDraft], category: Column | None) -> None:
    """Why a field is left to be decided, where there is a better reason than a weak guess."""
    taken = {one.guess.target: one.field.name for one in drafts if one.guess}
    for one in drafts:
        if one.guess is not None or one.settled:
            continue
        if category is not None and one.field.name == category.field.name:
            one.reason = "says what kind of incident it was: see 'derive'"
        elif one.runner_up is not None and one.runner_up.target in taken:
            one.reason = f"like {one.runner_up.target}, which another field fills already"


def encode_analysis(draft: Draft) -> bytes:
    """The analysis as JSON; no values but those of code lists."""
    return msgspec.json.format(msgspec.json.encode(draft), indent=2)

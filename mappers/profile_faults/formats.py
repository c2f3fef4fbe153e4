"""What each format has: records, namespaces, rows, repeated groups, expectations."""

from collections.abc import Iterator

from mappers.profile_faults.uses import KEY_OF_GROUP, Fault, list_heads
from mappers.profile_model import PLACE, Profile, find_spec
from mappers.profile_parts import RepeatedGroup


def find_faults(profile: Profile) -> Iterator[Fault]:
    yield from _find_record_faults(profile)
    yield from _find_head_faults(profile)
    yield from _find_row_faults(profile)
    for group, repeated in profile.repeated.items():
        key = KEY_OF_GROUP[group]
        if repeated.number is not None and not find_spec(
            f"{group}.{repeated.number}", profile.versions
        ):
            yield (key, "number"), f"{group} has no element {repeated.number}"
        if profile.format == "csv":
            yield from _find_csv_group_faults(profile, key, repeated)
        else:
            yield from _find_nested_group_faults(key, repeated)
    records = profile.expectations.records
    if records.max is not None and records.max < records.min:
        message = f"at least {records.min} and at most {records.max} cannot both be"
        yield ("expectations", "records"), message
    if profile.escape is not None and not _has_separator(profile):
        yield ("escape",), "an escape stands before a separator, and there is none"


def _has_separator(profile: Profile) -> bool:
    rules = [*profile.elements.values()]
    for repeated in profile.repeated.values():
        rules += repeated.elements.values()
    flat = [rule for given in rules for rule in (given if isinstance(given, list) else [given])]
    return profile.separator is not None or any(rule.separator for rule in flat)


def _find_record_faults(profile: Profile) -> Iterator[Fault]:
    if profile.format == "xml" and not profile.record:
        yield (), "an xml profile names its record: the path from the root, as incidents/incident"
    if profile.format == "csv" and profile.record is not None:
        yield ("record",), "a csv profile has no record: each row is one, or see 'rows'"
    if profile.format != "xml" and profile.namespaces:
        yield ("namespaces",), "only xml has namespaces"


def _find_head_faults(profile: Profile) -> Iterator[Fault]:
    for path, rule in list_heads(profile):
        name = path[0]
        if rule.more and name != "narrative":
            yield (*path, "more"), "only the narrative is put together from more fields"
        if rule.more and rule.field in rule.more:
            yield (*path, "more", rule.field), "it is the narrative's first field already"
        if rule.date_format is not None and name != "event_date":
            yield (*path, "date_format"), "only event_date has a date format"
        if rule.codes is not None and name not in ("event_type", "taxonomy_version"):
            yield (*path, "codes"), "only event_type and taxonomy_version have codes"


def _find_row_faults(profile: Profile) -> Iterator[Fault]:
    rows = profile.rows
    if rows is None:
        return
    if profile.format != "csv":
        yield ("rows",), "only a csv has rows"
    if rows.keep == "newest" and rows.by is None:
        yield ("rows",), "keep: newest names the column that says how new a row is: 'by'"
    if rows.keep == "all":
        for key in ("by", "separator", "date_format"):
            if getattr(rows, key) is not None:
                yield ("rows", key), "only where keep is newest"


def _find_csv_group_faults(profile: Profile, key: str, repeated: RepeatedGroup) -> Iterator[Fault]:
    if repeated.at is not None:
        yield (key, "at"), "csv has no 'at': {n} in column names, or rows: true, or one at most"
    if repeated.rows and profile.rows is None:
        yield (key, "rows"), "the profile says by 'rows' which rows are one record"
    if repeated.rows and profile.rows is not None and profile.rows.keep == "newest":
        yield (key, "rows"), "of a record whose newest row alone counts there is one row"
    for field in repeated.elements:
        if repeated.rows and PLACE in field:
            yield (key, "elements", field), "a row of its own for each: no {n} in column names"
        elif field.count(PLACE) > 1:
            yield (key, "elements", field), "the name holds {n} at most once"


def _find_nested_group_faults(key: str, repeated: RepeatedGroup) -> Iterator[Fault]:
    if repeated.rows:
        yield (key, "rows"), "only a csv has rows"
    for field in repeated.elements:
        if field.count(PLACE) > (repeated.at is None):
            yield (key, "elements", field), "{n} at most once, and only where there is no 'at'"

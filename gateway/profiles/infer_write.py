"""The draft of a profile as YAML text: what was found out, and beside each line how sure it is."""

import textwrap
from collections.abc import Iterator
from typing import Final

from gateway.profiles.infer_dates import TIME
from gateway.profiles.infer_heads import HEADS
from gateway.profiles.infer_model import Draft, FieldDraft
from gateway.profiles.infer_rules import word_evidence, write_codes, write_formats, write_rule
from gateway.profiles.infer_yaml import comment, key, quoted, scalar
from mappers.profile_faults.todo import TODO
from mappers.profile_model import MEDICATIONS
from schemas.event import PATIENTS

# Written beside the draft, for editors.
SCHEMA: Final = "profile.schema.json"
_KEYS: Final = {PATIENTS: "patients", MEDICATIONS: "medications"}
_WIDTH: Final = 98
_PERSON: Final = "identifies a person"


def write_draft(draft: Draft) -> str:
    """A YAML text that parses as a profile, whatever the feed was."""
    return "\n".join(_write(draft)) + "\n"


def _write(draft: Draft) -> Iterator[str]:
    yield f"# yaml-language-server: $schema={SCHEMA}"
    yield from _write_preface(draft)
    yield f"name: {draft.name}"
    yield 'version: "0.1"'
    yield f"format: {draft.layout.format}"
    yield f"description: {quoted(f'Drafted from {draft.filename}; not yet looked at by a person.')}"
    yield from _write_layout(draft)
    yield from _write_heads(draft)
    yield from _write_rows(draft)
    yield from _write_elements(draft)
    yield from _write_groups(draft)
    yield from _write_derived(draft)
    yield from _write_ignored(draft)


def _write_preface(draft: Draft) -> Iterator[str]:
    sample = "the first" if draft.is_sample else "all"
    what = "records" if draft.rows is None else "rows"
    told = "; ".join([f"{sample} {draft.records} {what} of {draft.filename}", *draft.layout.said])
    yield comment(f"A draft by lrms-gateway profile infer. Looked at: {told}.")
    yield comment("Behind a field stands how sure its place is, from 0 to 1, and why.")
    yield "#"
    yield comment("To do, the most important first:")
    for number, task in enumerate(draft.todo, start=1):
        start = f"{number:>2}. "
        yield from (
            f"# {line}"
            for line in textwrap.wrap(
                f"{start}{task[:1].upper()}{task[1:]}",
                _WIDTH,
                subsequent_indent=" " * len(start),
                break_long_words=False,
                break_on_hyphens=False,
            )
        )


def _write_layout(draft: Draft) -> Iterator[str]:
    layout = draft.layout
    if layout.format == "xml" or layout.record is not None:
        yield f"record: {scalar(layout.record or '')}"
    if layout.namespaces:
        yield "namespaces:"
        for prefix, uri in layout.namespaces.items():
            yield f"  {key(prefix)} {quoted(uri)}"


def _write_heads(draft: Draft) -> Iterator[str]:
    found = {one.guess.target: one for one in draft.fields if one.guess}
    for name in ("taxonomy_version", "local_id", "event_type", "event_date", "narrative"):
        if name in found:
            yield from _write_head(name, found[name])
        elif name == "taxonomy_version":
            yield f"taxonomy_version: {quoted(draft.taxonomy_version)}"
        elif name == "event_type":
            yield 'event_type: {value: "1"}  # no field says it'


def _write_head(name: str, one: FieldDraft) -> Iterator[str]:
    evidence = comment(word_evidence(one))
    formats = one.field.formats if name == "event_date" else []
    if not formats and not one.codes and name != "taxonomy_version":
        yield f"{name}: {scalar(one.field.name)}  {evidence}"
        return
    yield f"{name}:  {evidence}"
    yield f"  field: {scalar(one.field.name)}"
    if formats:
        yield f"  date_format: {write_formats(formats)}"
    if one.codes:
        yield from write_codes(one.codes, "  ")


def _write_rows(draft: Draft) -> Iterator[str]:
    rows = draft.rows
    if rows is None:
        return
    yield comment(f"rows with the same id are one record: {rows.records} of them in the sample")
    yield "rows:"
    yield f"  id: {scalar(rows.id)}"
    if rows.by is not None:
        yield "  keep: newest"
        yield f"  by: {scalar(rows.by)}"
        if rows.separator is not None:
            yield f"  separator: {quoted(rows.separator)}"
        yield f"  date_format: {write_formats(rows.formats)}"


def _write_elements(draft: Draft) -> Iterator[str]:
    mapped = [one for one in list_mapped(draft) if one.repeated is None]
    timed = [one for one in draft.fields if one.is_time_too]
    if mapped or timed:
        yield ""
        yield "elements:"
        for one in timed:
            yield f"  {key(one.field.name, '  ')}  # the date of the event has a time of day"
            yield f"    to: {TIME}"
            yield f"    date_format: {write_formats(one.field.formats)}"
        for one in mapped:
            yield from write_rule(draft, one, one.field.name, "  ")


def list_mapped(draft: Draft) -> list[FieldDraft]:
    """The fields that become national elements."""
    return [one for one in draft.fields if one.guess and one.guess.target not in HEADS]


def _write_groups(draft: Draft) -> Iterator[str]:
    for repeats in draft.repeats:
        inner = [one for one in list_mapped(draft) if one.repeated == repeats.group]
        yield ""
        yield f"{_KEYS[repeats.group]}:"
        start = ""
        if repeats.at is not None:
            yield f"  at: {scalar(repeats.at)}"
            start = repeats.at if draft.layout.format == "json" else f"{repeats.at}/"
        elif draft.rows is not None and draft.rows.by is None:
            yield "  rows: true"
        if repeats.asked:
            listed = ", ".join(map(quoted, repeats.values))
            yield f"  when: {{{quoted(repeats.asked.removeprefix(start))}: [{listed}]}}"
        if repeats.group == PATIENTS:
            yield "  number: PatientSequence"
        if not inner:
            yield "  elements: {}"
            continue
        yield "  elements:"
        for one in inner:
            yield from write_rule(draft, one, one.field.name.removeprefix(start), "    ")


def _write_derived(draft: Draft) -> Iterator[str]:
    """Only as comments: what is concluded is for a person to decide."""
    if not draft.derived:
        return
    yield ""
    yield "# Nothing in the feed says these; they could be concluded so:"
    yield "# derive:"
    for one in draft.derived:
        yield f"#   {one.target}:"
        for code, values in one.values.items():
            if values:
                listed = ", ".join(map(quoted, values))
                yield f"#     - when: {{{quoted(one.field)}: [{listed}]}}"
                yield f'#       value: ["{code}"]  # {one.labels[code]}'
            else:
                yield f'#     - value: ["{code}"]  # {one.labels[code]}, for all others'


def _write_ignored(draft: Draft) -> Iterator[str]:
    left = [one for one in draft.fields if one.guess is None]
    if not left:
        return
    yield ""
    yield "ignored:"
    for one in left:
        yield f"  {key(one.field.name, '  ')} {scalar(_word_reason(one))}"


def _word_reason(one: FieldDraft) -> str:
    if one.person:
        return _PERSON
    if one.settled:
        return one.settled
    if one.field.kind == "empty":
        return f"{TODO}: empty in every record that was looked at"
    what = _word_kind(one)
    if one.reason:
        return f"{TODO}: {one.reason} ({what})"
    if one.runner_up is None:
        return f"{TODO}: nothing national is like it ({what})"
    guess = one.runner_up
    return f"{TODO}: perhaps {guess.target} at {guess.confidence:.2f} ({what})"


def _word_kind(one: FieldDraft) -> str:
    field = one.field
    kinds = {
        "code": "one value" if field.different == 1 else f"a list of {field.different} values",
        "text": "free text" if field.median_length > 40 else "short text",
        "short year": "dates with two-digit years",
        "date": "dates",
        "time": "times",
        "boolean": "yes or no",
        "integer": "whole numbers",
        "number": "numbers",
        "age": "ages",
        "ods code": "ODS codes",
    }
    return f"{kinds.get(field.kind, field.kind)}; filled in {field.filled:.0%}"

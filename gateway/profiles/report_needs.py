"""What is needed from the sender of a file, in sentences that can be acted on."""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.profiles.coverage_model import Coverage, UncodedField
from gateway.profiles.drift import Drift
from gateway.profiles.report_words import are, name_all, number, word_values
from gateway.profiles.tally import COUNTED

_MOST_NAMED: Final = 5


def list_needs(coverage: Coverage, drift: Drift | None) -> Iterator[str]:
    """Nothing where all is well."""
    yield from dict.fromkeys(one.fix for one in coverage.feed if one.severity != "information")
    yield from _ask_for_codes(coverage.uncoded)
    yield from _ask_for_meanings(coverage, drift)
    for one in coverage.unreadable_shapes[:_MOST_NAMED]:
        times = number(one.count, "time")
        yield f"Correct '{one.field}': {one.title.lower()}, written as {one.shape} ({times})."
    yield from _ask_for_corrections(coverage)
    if drift is not None:
        yield from _ask_about(drift)


def _ask_for_codes(fields: Sequence[UncodedField]) -> Iterator[str]:
    for field in fields:
        if field.values.shown and field.are_names:
            yield (
                f"Tell us the ODS codes of these names in '{field.field}', or send codes instead:"
                f" {word_values(field.values)}."
            )
        elif field.values.shown:
            yield (
                f"Tell us the national code of these values of '{field.field}', or send codes that"
                f" are on its list: {word_values(field.values)}."
            )
    hidden = [field for field in fields if not field.values.shown]
    if hidden:
        names = name_all([field.field for field in hidden], _MOST_NAMED)
        count = sum(field.values.others for field in hidden)
        yield (
            f"Send codes that are on the list of {names}: {number(count, 'value')} there"
            f" {are(count)} not, seen too rarely, or too like a person, to be shown here."
        )


def _ask_for_meanings(coverage: Coverage, drift: Drift | None) -> Iterator[str]:
    renamed = {one.after for one in drift.renamed} if drift else set()
    unknown = [field.name for field in coverage.unknown if field.filled]
    unknown = [name for name in unknown if name not in renamed]
    if unknown:
        hold, them = ("holds", "it") if len(unknown) == 1 else ("hold", "them")
        yield (
            f"Tell us what {name_all(unknown, _MOST_NAMED)} {hold}, or leave {them} out: nothing"
            f" is taken over from {them}."
        )


def _ask_for_corrections(coverage: Coverage) -> Iterator[str]:
    """But for what was asked for above, and what the profile is to blame for."""
    errors = [
        one
        for one in coverage.findings
        if one.severity == "error"
        and one.code not in COUNTED
        and not any(one.code in gap for gap in coverage.gaps)
    ]
    for one in errors[:_MOST_NAMED]:
        yield f"Correct {number(one.records, 'record')}: {one.title} ({one.code})."
    if left := len(errors[_MOST_NAMED:]):
        yield f"Correct what was rejected for {number(left, 'more reason')}: see the findings."


def _ask_about(drift: Drift) -> Iterator[str]:
    for pair in drift.renamed:
        yield f"Confirm that '{pair.before}' is called '{pair.after}' now."
    if drift.vanished:
        gone = name_all(drift.vanished, _MOST_NAMED)
        yield f"Say whether {gone} {are(len(drift.vanished))} gone on purpose."
    for change in drift.codes:
        if change.vanished.times:
            gone = word_values(change.vanished)
            yield f"Say whether '{change.field}' no longer has these codes: {gone}."

"""What a coverage found, in plain sentences, and the words that its reports share."""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.profiles.coverage_model import Coverage
from gateway.profiles.drift import Drift
from gateway.profiles.sharing import ValuesTold

_NOUNS: Final = {"csv": "column"}


def summarise(coverage: Coverage, drift: Drift | None) -> Iterator[str]:
    yield _word_records(coverage)
    if coverage.fields:
        yield _word_fields(coverage)
    yield from _word_values_without_code(coverage)
    yield from _word_unreadable(coverage)
    if count := len(coverage.gaps):
        yield (
            f"The profile itself leaves something open: 'profile check' has"
            f" {number(count, 'remark')}, and records may be rejected for that alone."
        )
    if count := len(coverage.never_filled):
        elements = number(count, "element")
        yield f"{elements} that the profile maps {are(count)} filled by no record."
    for unmet in coverage.expectations:
        if not unmet.is_met:
            yield f"Not as expected: {unmet.what} {unmet.found}, expected {unmet.expected}."
    for finding in coverage.feed:
        yield f"Of the file as a whole: {finding.message.removesuffix('.')}."
    if drift is not None:
        yield _word_drift(drift)


def noun_of(coverage: Coverage) -> str:
    return _NOUNS.get(coverage.format, "field")


def word_values(values: ValuesTold) -> str:
    """``A1 (12 times), B (3 times) and 4 others not shown``; empty where there are none."""
    told = [f"{one.value} ({number(one.count, 'time')})" for one in values.shown]
    if values.others:
        one, many = ("other", "others") if told else ("value", "values")
        told.append(f"{number(values.others, one, many)} not shown")
    return join(told) + (" (more could not be counted)" if values.is_more else "")


def number(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def are(count: int) -> str:
    return "is" if count == 1 else "are"


def name_all(names: Sequence[str], most: int = 3) -> str:
    """Each once, in quotes; of many the first, and how many more."""
    different = list(dict.fromkeys(names))
    told = [f"'{name}'" for name in different[:most]]
    if len(different) > most:
        told.append(f"{len(different) - most} more")
    return join(told)


def join(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _word_records(coverage: Coverage) -> str:
    if not coverage.records:
        return "No record was read."
    told = f"{number(coverage.records, 'record')}: {coverage.accepted:,} accepted"
    share = coverage.rejected / coverage.records
    told += f", {coverage.rejected:,} rejected ({share:.1%})"
    if coverage.unreadable:
        told += f", of which {coverage.unreadable:,} could not be read"
    return f"{told}."


def _word_fields(coverage: Coverage) -> str:
    noun, total = noun_of(coverage), len(coverage.fields)
    told = f"{len(coverage.used)} of {number(total, noun)} {are(len(coverage.used))} used"
    undecided = sum(field.is_undecided for field in coverage.fields)
    ignored = sum(field.use == "ignored" for field in coverage.fields) - undecided
    for count, words in (
        (ignored, "left out on purpose"),
        (undecided, "still to be decided"),
        (len(coverage.unknown), "unknown to the profile"),
    ):
        if count:
            told += f", {count} {are(count)} {words}"
    return f"{told}."


def _word_values_without_code(coverage: Coverage) -> Iterator[str]:
    if not coverage.uncoded:
        return
    fields = name_all([field.field for field in coverage.uncoded])
    values = sum(len(one.values.shown) + one.values.others for one in coverage.uncoded)
    times = sum(one.values.times for one in coverage.uncoded)
    have = "has" if values == 1 else "have"
    yield (
        f"{number(values, 'value')} in {fields} {have} no national code"
        f" ({number(times, 'time')} in all)."
    )


def _word_unreadable(coverage: Coverage) -> Iterator[str]:
    if not coverage.unreadable_shapes:
        return
    times = sum(one.count for one in coverage.unreadable_shapes)
    fields = name_all([one.field for one in coverage.unreadable_shapes])
    values = number(times, "date, time or number", "dates, times or numbers")
    yield f"{values} in {fields} could not be read."


def _word_drift(drift: Drift) -> str:
    records = f"{drift.records_before:,} records then, {drift.records_after:,} now"
    if not drift.is_any:
        return f"Nothing else is different from {drift.against}: {records}."
    parts = [
        (len(drift.new), "new"),
        (len(drift.vanished), "vanished"),
        (len(drift.renamed), "probably renamed"),
        (len(drift.codes), "with other codes"),
        (len(drift.shares), "filled more or less often"),
    ]
    told = ", ".join(f"{count} {words}" for count, words in parts if count)
    return f"Fields that differ from {drift.against}: {told} ({records})."

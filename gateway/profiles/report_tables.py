"""The figures of a coverage as tables of words, for a terminal."""

from collections.abc import Iterator, Sequence

from gateway.profiles.coverage_model import Coverage, FieldCoverage
from gateway.profiles.drift import Drift
from gateway.profiles.report_words import word_values

TableOfWords = tuple[str, Sequence[str], list[Sequence[object]]]


def list_tables(coverage: Coverage, drift: Drift | None) -> Iterator[TableOfWords]:
    """(title, columns, rows); some without a row."""
    yield (
        "Findings",
        ("code", "finding", "severity", "records", "times"),
        [(one.code, one.title, one.severity, one.records, one.times) for one in coverage.findings],
    )
    yield (
        "Values without a national code",
        ("field", "fills", "values"),
        [(one.field, _join(one.targets), word_values(one.values)) for one in coverage.uncoded],
    )
    yield (
        "Not readable, by how it is written",
        ("field", "finding", "written as", "times"),
        [
            (one.field, f"{one.code} {one.title}", one.shape, one.count)
            for one in coverage.unreadable_shapes
        ],
    )
    yield (
        "Fields",
        ("field", "use", "filled", "fills, or why it is left out"),
        [(one.name, one.use, f"{one.share:.0%}", _tell(one)) for one in coverage.fields],
    )
    yield (
        "Derived by the profile, or constant",
        ("element", "records"),
        [(one.element, one.records) for one in coverage.derived],
    )
    yield (
        "Mapped, and never filled",
        ("element",),
        [(name,) for name in coverage.never_filled],
    )
    yield (
        "Expected of a file",
        ("of", "expected", "found", "met"),
        [
            (one.what, one.expected, one.found, "yes" if one.is_met else "no")
            for one in coverage.expectations
        ],
    )
    if drift is not None:
        yield from _list_drift(drift)


def _list_drift(drift: Drift) -> Iterator[TableOfWords]:
    changes: list[Sequence[object]] = [
        (f"probably renamed ({one.confidence:.0%} sure)", one.before, one.after)
        for one in drift.renamed
    ]
    changes += [("vanished", name, "-") for name in drift.vanished]
    changes += [("new", "-", name) for name in drift.new]
    yield f"Fields, against {drift.against}", ("change", "before", "now"), changes
    yield (
        "Codes that came or went",
        ("field", "new", "vanished"),
        [(one.field, word_values(one.new), word_values(one.vanished)) for one in drift.codes],
    )
    yield (
        "Filled more or less often",
        ("field", "before", "now"),
        [(one.field, f"{one.before:.0%}", f"{one.after:.0%}") for one in drift.shares],
    )


def _tell(field: FieldCoverage) -> str:
    return field.reason or _join(field.targets)


def _join(names: list[str]) -> str:
    return ", ".join(names)

"""The coverage report as one HTML file to be mailed: no script, nothing loaded from elsewhere,
every name and value escaped."""

from collections.abc import Iterable
from functools import lru_cache

import jinja2

from gateway.profiles.charts import BarChart, make_bars
from gateway.profiles.coverage_model import Coverage
from gateway.profiles.drift import Drift
from gateway.profiles.report_needs import list_needs
from gateway.profiles.report_words import noun_of, summarise, word_values

_USES = {
    "mapped": "used",
    "asked": "used in conditions",
    "ignored": "left out on purpose",
    "unknown": "unknown to the profile",
}


def write_report(coverage: Coverage, drift: Drift | None, *, made_on: str) -> str:
    """The report; ``made_on`` is the day as people write it."""
    return _get_template().render(
        coverage=coverage,
        drift=drift,
        made_on=made_on,
        noun=noun_of(coverage),
        summary=list(summarise(coverage, drift)),
        needs=list(list_needs(coverage, drift)),
        uses=_USES,
        charts={chart.id: chart for chart in _make_charts(coverage, drift)},
        never_mapped=_by_group(coverage.never_mapped),
        word_values=word_values,
    )


@lru_cache
def _get_template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gateway.profiles"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = lambda share: f"{share:.0%}"
    return environment.get_template("coverage.html")


def _make_charts(coverage: Coverage, drift: Drift | None) -> Iterable[BarChart]:
    outcomes = [
        ("accepted", coverage.accepted),
        ("rejected, but readable", coverage.rejected - coverage.unreadable),
        ("could not be read", coverage.unreadable),
    ]
    yield make_bars("outcomes", "Records by outcome", [(word, n, f"{n:,}") for word, n in outcomes])
    yield make_bars(
        "filled",
        f"Share of records in which each {noun_of(coverage)} is filled",
        [(field.name, field.share, f"{field.share:.0%}") for field in coverage.fields],
        most=1,
    )
    values = [
        (f"{one.field}: {value.value}", value.count, f"{value.count:,}")
        for one in coverage.uncoded
        for value in one.values.shown
    ]
    values.sort(key=lambda row: -row[1])
    yield make_bars("uncoded", "Most frequent values without a national code", values[:20])
    if drift is not None:
        shares = [
            (f"{one.field} {when}", share, f"{share:.0%}")
            for one in drift.shares
            for when, share in (("before", one.before), ("now", one.after))
        ]
        yield make_bars("shares", "Fields filled more or less often than before", shares, most=1)


def _by_group(elements: list[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in elements:
        group, _, element = name.partition(".")
        groups.setdefault(group, []).append(element)
    return groups

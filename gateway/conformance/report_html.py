"""The report as one HTML file for a vendor's developer: no script, nothing loaded from elsewhere,
every name and value escaped."""

from datetime import datetime
from functools import lru_cache
from typing import Final

import jinja2

from gateway.conformance.case import CONTRACTS
from gateway.conformance.report_model import Came, Counts, Report, Verdict

VERDICTS: Final[dict[Verdict, str]] = {
    "passed": "passed",
    "failed": "failed",
    "not_applicable": "not applicable",
}


def write_html(report: Report) -> str:
    return _get_template().render(
        report=report,
        summary=word_counts(report.counts),
        started=f"{datetime.fromisoformat(report.started_at):%-d %B %Y, %H:%M} UTC",
        seconds=round(report.milliseconds / 1000),
        words=VERDICTS,
        contracts=CONTRACTS,
        word_came=_word_came,
    )


def word_counts(counts: Counts) -> str:
    played = counts.passed + counts.failed
    left_out = f" {counts.not_applicable} do not apply." if counts.not_applicable else ""
    if not played:
        return f"No case was played.{left_out}"
    if not counts.failed:
        return f"All {played} cases passed.{left_out}"
    return f"{counts.failed} of {played} cases failed.{left_out}"


def _word_came(came: Came) -> str:
    if len(came.statuses) > 1:
        return ", ".join(f"{times} times {one}" for one, times in came.statuses.items())
    if not came.status:
        return "no answer"
    kind = f" {came.media_type}" if came.media_type else ""
    return f"{came.status}{kind}, {came.bytes:,} bytes"


@lru_cache
def _get_template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("gateway.conformance"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment.get_template("report.html")

"""How the tools for profiles look in a terminal: readable at 100 columns, in a pipe too."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.profiles.golden import CaseResult
from gateway.profiles.preview import Given, Preview, PreviewField, PreviewRecord
from schemas.receipt import ReceiptFinding
from schemas.values import plain

if TYPE_CHECKING:
    from gateway.profiles.cover import Covered

_WIDTH: Final = 100
_LONG: Final = 200
_ONE_LINE: Final = 60
_MOST_NAME: Final = 36
_SEVERITIES: Final = {"error": "red", "warning": "yellow", "information": "cyan"}
_HEADS: Final = {
    "local_id": "the record's id",
    "event_type": "event type",
    "event_date": "date of the event",
    "taxonomy_version": "taxonomy version",
    "narrative": "narrative",
}


def open_screen() -> Console:
    width = None if sys.stdout.isatty() else _WIDTH
    return Console(width=width, highlight=False, markup=False)


def print_preview(preview: Preview) -> None:
    screen = open_screen()
    for record in preview.records:
        _print_record(screen, record)
    if not preview.records and not preview.findings:
        screen.print("There is no such record: the file ends before it.")
    for finding in preview.findings:
        screen.print("Of the file as a whole:", style="bold")
        screen.print(_word_finding(finding))


def _print_record(screen: Console, record: PreviewRecord) -> None:
    local_id = f"  id {plain(record.local_id)}" if record.local_id else ""
    verdict = "rejected" if record.is_rejected else "accepted"
    screen.print(
        Text(f"Record {record.number} ({record.locator}){local_id}: {verdict}", style="bold")
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    # Names are kept whole where they fit: a name broken in two is hard to look for.
    longest = max((len(plain(field.path)) for field in record.fields), default=0)
    table.add_column("field", width=min(max(longest, 5), _MOST_NAME), overflow="fold")
    table.add_column("says", ratio=2, overflow="fold")
    table.add_column("national event", ratio=3, overflow="fold")
    for field in record.fields:
        says = Text("\n").join(Text(_shorten(text)) for text in field.texts)
        table.add_row(Text(plain(field.path)), says, _word_field(field))
    for given in record.added:
        table.add_row("", "", _word_given(given))
    screen.print(table)
    for finding in record.findings:
        screen.print(_word_finding(finding))
    screen.print()


def _word_field(field: PreviewField) -> Text:
    lines = [_word_given(given, field.texts) for given in field.gives]
    if field.use == "ignored":
        lines.append(Text(f"left out: {field.reason}", style="dim"))
    elif field.use == "unknown":
        lines.append(Text("not in the profile: left out", style="yellow"))
    elif field.use == "asked":
        told = f": {field.reason}" if field.reason else ", or the joining of rows"
        lines.append(Text(f"only conditions look at it{told}", style="dim"))
    elif not lines:
        lines.append(Text("gives nothing here", style="dim"))
    lines += [_word_finding(finding) for finding in field.findings]
    return Text("\n").join(lines)


def _word_given(given: Given, texts: Sequence[str] = ()) -> Text:
    name = _HEADS.get(given.element) or given.element.partition(".")[2]
    is_told = len(given.value) > _ONE_LINE and given.value in (text.strip() for text in texts)
    words = Text(f"{name} ", style="bold")
    words.append("the text as it stands" if is_told else _shorten(given.value))
    if given.label:
        words.append(f" {given.label}")
    if given.mark:
        words.append(f" ({given.mark})", style="cyan")
    return words


def _word_finding(finding: ReceiptFinding) -> Text:
    style = _SEVERITIES[finding.severity]
    words = Text(f"{finding.severity} {finding.code} ", style=style)
    words.append(plain(finding.message))
    words.append(f"\nto do: {plain(finding.fix)}")
    return words


def _shorten(text: str) -> str:
    text = plain(text)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text):,} characters)"


def print_coverage(found: "Covered") -> None:
    """The sentences first, then tables; each only where it has something to say."""
    coverage = found.coverage
    print_list(f"{coverage.file} by profile {coverage.profile}", found.summary)
    print_list("What is needed from the sender", found.needs)
    for title, columns, rows in found.tables:
        print_rows(title, columns, rows)


def print_list(title: str, sentences: Iterable[str]) -> None:
    given = list(sentences)
    if not given:
        return
    screen = open_screen()
    screen.print(Text(title, style="bold"))
    for sentence in given:
        table = Table.grid(padding=(0, 1))
        table.add_row("-", Text(plain(sentence)))
        screen.print(table)
    screen.print()


def print_rows(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table under its title; nothing where it has no rows. Numbers stand to the right."""
    given = [[_word_cell(cell) for cell in row] for row in rows]
    if not given:
        return
    screen = open_screen()
    screen.print(Text(title, style="bold"))
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column, first in zip(columns, given[0], strict=True):
        is_number = first.replace(",", "").removesuffix("%").isdigit()
        table.add_column(column, justify="right" if is_number else "left", overflow="fold")
    for row in given:
        table.add_row(*map(Text, row))
    screen.print(table)
    screen.print()


def _word_cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else plain(str(cell))


def print_cases(profile: str, results: Iterable[CaseResult]) -> None:
    for line in _word_cases(profile, list(results)):
        sys.stdout.write(f"{plain(line)}\n")


def _word_cases(profile: str, results: list[CaseResult]) -> Iterator[str]:
    for result in results:
        records = "1 record" if result.records == 1 else f"{result.records:,} records"
        if result.is_new:
            yield f"{result.name}: nothing is expected yet ({records})"
        elif not result.differences:
            yield f"{result.name}: as expected ({records})"
        else:
            count = len(result.differences)
            yield f"{result.name}: {'1 difference' if count == 1 else f'{count:,} differences'}"
        record = ""
        for one in [] if result.is_new else result.differences:
            if one.record != record:
                record = one.record
                yield f"  {record}"
            yield f"    {one.path}"
            yield f"      expected  {_word_value(one.expected)}"
            yield f"      found     {_word_value(one.found)}"
    passed = sum(not result.differences for result in results)
    yield f"profile {profile}: {passed} of {len(results)} cases as expected"


def _word_value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(nothing)"
    return "(nothing)" if value is None else str(value)

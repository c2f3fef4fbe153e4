"""The status as text, for somebody who was woken by it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from gateway.monitoring.instants import word_instant
from gateway.monitoring.status import AlarmNow, SourceNow, Status
from schemas.values import plain
from store.backlog import Waiting

_HEAD = (
    *("source", "last batch", "today: batches", "records", "rejected"),
    *("7 days: batches", "records", "rejected", "usual"),
)
_STATES = {
    "received": "received, to be planned",
    "planned": "planned, to be loaded",
    "held": "held, to be decided",
}
_VERDICTS = {
    "accepted": "accepted",
    "partly_accepted": "partly accepted",
    "rejected": "rejected",
}


def write_status(status: Status) -> str:
    sections = (
        ("LATE OR WRONG", _list_alarms(status)),
        ("WHAT CAME", _list_sources(status)),
        ("WHAT WAITS", _list_waiting(status)),
        ("WHAT FAILED", _list_failed(status)),
        ("STEPS", _list_steps(status)),
    )
    lines = [_head(status)]
    for title, found in sections:
        lines += ["", title, *(f"  {plain(line)}".rstrip() for line in found)]
    return "\n".join(lines)


def _head(status: Status) -> str:
    unheeded = [one for one in status.alarms if one.state != "acknowledged"]
    heeded = len(status.alarms) - len(unheeded)
    words = _count(len(unheeded), "alarm") if unheeded else "all well"
    if status.could_not_look:
        words += ", and not everything could be looked at"
    if heeded:
        words += f" ({_count(heeded, 'acknowledged alarm')})"
    return f"{word_instant(status.at)}  {words}"


def _list_alarms(status: Status) -> Iterator[str]:
    if status.could_not_look:
        yield f"! could not look: {status.could_not_look}"
    for one in status.alarms:
        yield from _word_alarm(one, status.at)
    if not status.alarms and not status.could_not_look:
        yield "nothing"


def _word_alarm(one: AlarmNow, now: datetime) -> Iterator[str]:
    mark = {"urgent": "!!", "soon": "! "}[one.urgency] if one.state != "acknowledged" else "ok"
    number = f"{one.number} " if one.number else ""
    since = f"since {word_instant(one.since)}, {_age(now - one.since)}" if one.number else "new"
    about = f" {one.subject}" if one.subject else ""
    yield f"{mark} {number}{one.code}{about}: {one.title} ({since})"
    yield f"     {one.words}"
    if one.reason:
        yield f"     acknowledged: {one.reason}"
    yield f"     {one.runbook}"


def _list_sources(status: Status) -> Iterator[str]:
    rows = [_row(one) for one in status.sources]
    if not rows:
        yield "no source is registered"
        return
    yield from _align([_HEAD, *rows])


def _row(one: SourceNow) -> tuple[str, ...]:
    counts = [
        f"{number:,}"
        for came in (one.today, one.week)
        for number in (came.batches, came.records, came.rejected)
    ]
    last = word_instant(one.last_at) if one.last_at else "-"
    return one.id, last, *counts, one.usual


def _list_waiting(status: Status) -> Iterator[str]:
    for state, words in _STATES.items():
        yield _waiting(f"batches {words}", status.batches.get(state), status.at)
    running, waiting = status.parts.get("running", 0), status.parts.get("waiting", 0)
    yield f"parts of planned batches: {waiting:,} waiting, {running:,} running"
    yield _waiting("urgent alerts without mail", status.alerts.get("urgent"), status.at)
    yield _waiting("alerts for the next digest", status.alerts.get("digest"), status.at)
    yield _waiting("messages to be delivered", status.messages, status.at)
    for collector, items in status.collecting.items():
        yield f"to be fetched by collector {collector}: {items:,}"


def _list_failed(status: Status) -> Iterator[str]:
    for one in status.quarantined:
        oldest = word_instant(one.oldest)
        yield f"in quarantine, fault {one.fault_id}: {_count(one.records, 'record')} since {oldest}"
    yield f"messages whose address is refused: {status.parked:,}"
    verdicts = (
        f"{status.verdicts_of_week.get(verdict, 0):,} {words}"
        for verdict, words in _VERDICTS.items()
    )
    yield f"batches of 7 days: {', '.join(verdicts)}"


def _list_steps(status: Status) -> Iterator[str]:
    rows = [
        (
            one.name,
            f"ran {word_instant(one.ran_at)}",
            f"{_age(status.at - one.ran_at)} ago" if one.ran_at else "",
            f"FAILED {one.failures} times since, last {word_instant(one.failed_at)}"
            if one.failures
            else "",
        )
        for one in status.steps
    ]
    if rows:
        yield from _align(rows)
    else:
        yield "Airflow never ran a step here"


def _waiting(words: str, waiting: Waiting | None, now: datetime) -> str:
    if waiting is None or not waiting.count or waiting.oldest is None:
        return f"{words}: 0"
    return f"{words}: {waiting.count:,}, the oldest for {_age(now - waiting.oldest)}"


def _age(passed: timedelta) -> str:
    minutes = max(0, int(passed.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _align(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))

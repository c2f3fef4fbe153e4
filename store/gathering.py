"""The rows of one load, gathered table by table. The load is of one batch, or of many that came as
one request each. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from schemas.event import NationalEvent, changed_paths
from schemas.judged import AlertDemand, JudgedRecord
from schemas.receipt import Counts
from store import bulk, few_rows, rows
from store.arrival import Position, Settled, encode_names
from store.audit import Entry, make_entries
from store.claims import Case
from store.tables import alerts, event_search, findings, receipt_lines, revisions


class Gathering:
    """Rows to be, of one load by ``actor``."""

    def __init__(self, actor: str, now: datetime, *, batch_id: str | None = None) -> None:
        self._actor = actor
        self._now = now
        # Of a batch: its events are named by one audit entry a load, and not one each.
        self._batch_id = batch_id
        self._dispositions: Counter[str] = Counter()
        self._lines: list[bulk.Row] = []
        self._findings: list[bulk.Row] = []
        self._revisions: list[bulk.Row] = []
        self._search: list[bulk.Row] = []
        self._new_alerts: dict[bulk.Row, bulk.Row] = {}
        self._late_alerts: dict[bulk.Row, bulk.Row] = {}
        self._entries: list[Entry] = []
        self._made: list[str] = []
        self._revised: list[tuple[str, int]] = []
        self._replaced: list[int] = []
        self._rewritten: list[int] = []
        self._moved: list[bulk.Row] = []
        self._events: list[bulk.Row] = []
        self._seen: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)

    @property
    def counts(self) -> Counts:
        return Counts(records=self._dispositions.total(), **self._dispositions)

    def add_line(
        self,
        batch_number: int,
        record: JudgedRecord,
        event_id: int | None,
        settled: Settled | None,
    ) -> None:
        self._lines.append(rows.make_line(batch_number, record, event_id, settled))
        self._dispositions[record.unloaded if settled is None else settled.disposition] += 1
        if record.findings:
            self._findings += rows.make_findings(batch_number, record.number, record.findings)

    def add_case(self, case: Case, before: NationalEvent | None, year: int) -> None:
        """An event whose records came in order; ``before`` is its content until now, ``year`` its
        year of occurrence from now on."""
        for record, arrival, settled in zip(case.records, case.arrivals, case.settled, strict=True):
            batch_number = arrival.position.batch
            self.add_line(batch_number, record, case.event_id, settled)
            if settled.disposition == "unchanged":
                continue
            event = arrival.acceptance.event
            changes = None if before is None else encode_names(changed_paths(before, event))
            self._revisions.append(
                rows.make_revision(
                    case.event_id, settled, arrival, changes=changes, now=self._now, year=year
                )
            )
            if settled.disposition == "created":
                self._made.append(case.reference)
            else:
                self._revised.append((case.reference, settled.revision))
            alerts_given = arrival.acceptance.alerts
            self.add_alerts(case.event_id, batch_number, alerts_given, new=case.known is None)
            before = event

    def add_search(self, search: Iterable[bulk.Row]) -> None:
        """What the current content is searched by."""
        self._search += search

    def replace_search(self, event_id: int, search: Iterable[bulk.Row]) -> None:
        self._replaced.append(event_id)
        self._search += search

    def change_event(self, event_id: int, values: bulk.Row) -> None:
        """The new values of a stored event's row, in the order of ``store.writing.CURRENT``."""
        self._events.append((event_id, *values, self._now))

    def move_revisions(self, event_id: int, year: int) -> None:
        """The event occurred in another year than was said: its stored revisions go there."""
        self._moved.append((event_id, year))

    def add_seen(self, event_id: int, position: Position) -> None:
        """The event's newest record stands there, and changed nothing."""
        self._seen[position.batch].append((event_id, position.record))

    def add_alerts(
        self, event_id: int, batch_number: int, demands: Iterable[AlertDemand], *, new: bool
    ) -> None:
        """The first demand of a kind for an organisation stays; it may be announced already."""
        kept = self._new_alerts if new else self._late_alerts
        for one in demands:
            key = (event_id, one.organisation, one.kind)
            settled_at = self._now if one.quiet else None
            kept.setdefault(key, (*key, one.reason, batch_number, self._now, settled_at, one.quiet))

    def add_entry(self, action: str, subject: str, details: Mapping[str, Any] | None) -> None:
        self._entries.append((action, subject, details))

    def rewrite_revisions(self, event_id: int, given: Iterable[bulk.Row]) -> None:
        """The event's revisions are these, and no others."""
        self._rewritten.append(event_id)
        self._revisions += given

    def list_new(self) -> list[few_rows.Given]:
        """The rows that are inserted: all there is to write where every event is new."""
        given = {
            revisions: self._revisions,
            event_search: self._search,
            receipt_lines: self._lines,
            findings: self._findings,
            alerts: list(self._new_alerts.values()),
        }
        own = [(table, table.columns.keys(), some) for table, some in given.items()]
        return [*own, make_entries([*self._entries, *self._tell_events()], self._actor, self._now)]

    def _tell_events(self) -> list[Entry]:
        if self._batch_id is None:
            created: list[Entry] = [("event.created", one, None) for one in self._made]
            return created + [
                ("event.revised", one, {"revision": number}) for one, number in self._revised
            ]
        entries: list[Entry] = []
        if self._made:
            entries.append(("events.created", self._batch_id, {"events": self._made}))
        if self._revised:
            entries.append(("events.revised", self._batch_id, {"events": self._revised}))
        return entries

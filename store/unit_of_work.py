"""The unit of work: one transaction and the repositories that work in it."""

from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from store.alarms import Alarms
from store.audit import Audit
from store.backlog import Backlog
from store.batches import Batches
from store.certificates import Certificates
from store.clients import Clients
from store.collected import Collected
from store.collectors import Collectors
from store.contents import Contents
from store.event_search import EventSearch
from store.events import Events
from store.expected import ExpectedOfSources
from store.feed_days import FeedDays
from store.forward_queue import ForwardQueue
from store.forwards import Forwards
from store.grants import Grants
from store.kept_rows import KeptRows
from store.keys import Keys
from store.marks import Marks
from store.old_items import OldItems
from store.organisations import Organisations
from store.outbox_alerts import Alerts
from store.outbox_messages import Messages
from store.outside import Outside
from store.own_batches import OwnBatches
from store.own_records import OwnRecords
from store.partitions import Partitions
from store.parts import Parts
from store.pruned_files import PrunedFiles
from store.quarantine import QuarantinedRecords
from store.quiet import QuietBatches
from store.receipt_messages import ReceiptMessages
from store.receipts import Receipts
from store.records import Records
from store.reference_runs import ReferenceRuns
from store.replays import Replays
from store.reservations import Reservations
from store.retention import Retention
from store.sandbox import Sandbox
from store.singles import Singles
from store.sources import Sources
from store.steps import Steps
from store.synced import SyncedOrganisations
from store.tokens import Tokens
from store.trials import Trials
from store.unloaded import UnloadedRecords
from store.unsettled import UnsettledBatches
from store.uploads import Uploads
from store.usage import UsageCounts
from store.users import Users


class UnitOfWork:
    """Made by ``Store.begin`` and ``Store.read``. Each repository is built when first asked for,
    on the same connection, audit log and instant."""

    def __init__(self, connection: Connection, *, actor: str, at: datetime) -> None:
        self._connection = connection
        self._now = at
        self.audit = Audit(connection, actor=actor, at=at)

    @cached_property
    def organisations(self) -> Organisations:
        return Organisations(self._connection, self.audit, self._now)

    @cached_property
    def sources(self) -> Sources:
        return Sources(self._connection, self.audit, self._now)

    @cached_property
    def grants(self) -> Grants:
        return Grants(self._connection, self.audit, self._now)

    @cached_property
    def keys(self) -> Keys:
        return Keys(self._connection, self.audit, self._now)

    @cached_property
    def certificates(self) -> Certificates:
        return Certificates(self._connection, self.audit, self._now)

    @cached_property
    def clients(self) -> Clients:
        return Clients(self._connection, self.audit, self._now)

    @cached_property
    def tokens(self) -> Tokens:
        return Tokens(self._connection, self.audit, self._now)

    @cached_property
    def usage(self) -> UsageCounts:
        return UsageCounts(self._connection, self.audit, self._now)

    @cached_property
    def users(self) -> Users:
        return Users(self._connection, self.audit, self._now)

    @cached_property
    def batches(self) -> Batches:
        return Batches(self._connection, self.audit, self._now)

    @cached_property
    def own_batches(self) -> OwnBatches:
        return OwnBatches(self._connection, self.audit, self._now)

    @cached_property
    def own_records(self) -> OwnRecords:
        return OwnRecords(self._connection, self.audit, self._now)

    @cached_property
    def trials(self) -> Trials:
        return Trials(self._connection, self.audit, self._now)

    @cached_property
    def parts(self) -> Parts:
        return Parts(self._connection, self.audit, self._now)

    @cached_property
    def records(self) -> Records:
        return Records(self._connection, self.audit, self._now)

    @cached_property
    def quarantine(self) -> QuarantinedRecords:
        return QuarantinedRecords(self._connection, self.audit, self._now)

    @cached_property
    def unloaded(self) -> UnloadedRecords:
        return UnloadedRecords(self._connection, self.audit, self._now)

    @cached_property
    def replays(self) -> Replays:
        return Replays(self._connection, self.audit, self._now)

    @cached_property
    def contents(self) -> Contents:
        return Contents(self._connection, self.audit, self._now)

    @cached_property
    def singles(self) -> Singles:
        return Singles(self._connection, self.audit, self._now)

    @cached_property
    def reservations(self) -> Reservations:
        return Reservations(self._connection, self.audit, self._now)

    @cached_property
    def receipts(self) -> Receipts:
        return Receipts(self._connection, self.audit, self._now)

    @cached_property
    def events(self) -> Events:
        return Events(self._connection, self.audit, self._now)

    @cached_property
    def partitions(self) -> Partitions:
        return Partitions(self._connection, self.audit, self._now)

    @cached_property
    def event_search(self) -> EventSearch:
        return EventSearch(self._connection, self.audit, self._now)

    @cached_property
    def marks(self) -> Marks:
        return Marks(self._connection, self.audit, self._now)

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self._connection, self.audit, self._now)

    @cached_property
    def messages(self) -> Messages:
        return Messages(self._connection, self.audit, self._now)

    @cached_property
    def uploads(self) -> Uploads:
        return Uploads(self._connection, self.audit, self._now)

    @cached_property
    def collectors(self) -> Collectors:
        return Collectors(self._connection, self.audit, self._now)

    @cached_property
    def receipt_messages(self) -> ReceiptMessages:
        return ReceiptMessages(self._connection, self.audit, self._now)

    @cached_property
    def collected(self) -> Collected:
        return Collected(self._connection, self.audit, self._now)

    @cached_property
    def old_items(self) -> OldItems:
        return OldItems(self._connection, self.audit, self._now)

    @cached_property
    def unsettled(self) -> UnsettledBatches:
        return UnsettledBatches(self._connection, self.audit, self._now)

    @cached_property
    def quiet(self) -> QuietBatches:
        return QuietBatches(self._connection, self.audit, self._now)

    @cached_property
    def alarms(self) -> Alarms:
        return Alarms(self._connection, self.audit, self._now)

    @cached_property
    def backlog(self) -> Backlog:
        return Backlog(self._connection, self.audit, self._now)

    @cached_property
    def expected(self) -> ExpectedOfSources:
        return ExpectedOfSources(self._connection, self.audit, self._now)

    @cached_property
    def feed_days(self) -> FeedDays:
        return FeedDays(self._connection, self.audit, self._now)

    @cached_property
    def outside(self) -> Outside:
        return Outside(self._connection, self.audit, self._now)

    @cached_property
    def steps(self) -> Steps:
        return Steps(self._connection, self.audit, self._now)

    @cached_property
    def retention(self) -> Retention:
        return Retention(self._connection, self.audit, self._now)

    @cached_property
    def synced(self) -> SyncedOrganisations:
        return SyncedOrganisations(self._connection, self.audit, self._now)

    @cached_property
    def reference_runs(self) -> ReferenceRuns:
        return ReferenceRuns(self._connection, self.audit, self._now)

    @cached_property
    def kept_rows(self) -> KeptRows:
        return KeptRows(self._connection, self.audit, self._now)

    @cached_property
    def pruned_files(self) -> PrunedFiles:
        return PrunedFiles(self._connection, self.audit, self._now)

    @cached_property
    def forward_queue(self) -> ForwardQueue:
        return ForwardQueue(self._connection, self.audit, self._now)

    @cached_property
    def forwards(self) -> Forwards:
        return Forwards(self._connection, self.audit, self._now)

    @cached_property
    def sandbox(self) -> Sandbox:
        return Sandbox(self._connection, self.audit, self._now)

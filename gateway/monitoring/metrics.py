"""How the gateway stands, as Prometheus reads it: gauges, counted from the store when asked."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from gateway.bootstrap import Gateway
from gateway.notifications.alarm_wording import is_urgent
from schemas.errors import GatewayError
from store.backlog import Waiting
from store.unit_of_work import UnitOfWork

# Whoever asks more often gets what was counted before.
KEPT_SECONDS: Final = 10.0
_DAY: Final = timedelta(days=1)
_EXPIRES_WITHIN: Final = timedelta(days=365)


def write_metrics(gateway: Gateway) -> str:
    """In Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(StoreGauges(gateway))
    return generate_latest(registry).decode()


class StoreGauges:
    """A collector as prometheus_client has them. ``lrms_up`` 0 and nothing else where the store
    does not answer."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._kept_until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: else it would be counted once only to be registered."""
        return []

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if self._gateway.monotonic() >= self._kept_until:
                self._kept = self._count()
                self._kept_until = self._gateway.monotonic() + KEPT_SECONDS
            return self._kept

    def _count(self) -> list[Metric]:
        try:
            with self._gateway.store.read() as work:
                found = [one for make in _FAMILIES for one in make(work, self._gateway)]
        except GatewayError:
            return [_single("lrms_up", "Whether the store answers.", 0)]
        return [_single("lrms_up", "Whether the store answers.", 1), *found]


def _count_batches(work: UnitOfWork, gateway: Gateway) -> Iterator[Metric]:
    states = work.backlog.count_batches()
    yield _labelled(
        "lrms_batches",
        "Batches that are not finished, by state.",
        ["state"],
        {(state,): states.get(state, Waiting()).count for state in ("received", "planned", "held")},
    )
    yield _labelled(
        "lrms_batch_oldest_seconds",
        "Age of the oldest batch that is not finished, by state.",
        ["state"],
        {(state,): _age(one, gateway.now()) for state, one in states.items()},
    )
    yield _labelled(
        "lrms_parts",
        "Parts of planned batches, by state.",
        ["state"],
        {(state,): number for state, number in work.backlog.count_parts().items()},
    )


def _count_feeds(work: UnitOfWork, gateway: Gateway) -> Iterator[Metric]:
    came = work.backlog.count_came(gateway.now() - _DAY)
    yield _labelled(
        "lrms_source_records_day",
        "Records of finished batches received in the last 24 hours, by source.",
        ["source"],
        {(one.source_id,): one.records for one in came},
    )
    yield _labelled(
        "lrms_source_rejected_day",
        "Records of them that were rejected.",
        ["source"],
        {(one.source_id,): one.rejected for one in came},
    )
    yield _labelled(
        "lrms_source_last_received_timestamp_seconds",
        "When the last batch of a source came.",
        ["source"],
        {(name,): at.timestamp() for name, at in work.backlog.find_last_received().items()},
    )


def _count_outbox(work: UnitOfWork, gateway: Gateway) -> Iterator[Metric]:
    alerts, unsent = work.backlog.count_alerts(), work.backlog.count_messages()
    parked, _ = work.backlog.count_parked(gateway.settings.national_leads)
    yield _labelled(
        "lrms_alerts_waiting",
        "Alerts that no message was made of, by kind.",
        ["kind"],
        {(kind,): alerts.get(kind, Waiting()).count for kind in ("urgent", "digest")},
    )
    yield _labelled(
        "lrms_messages",
        "Messages that are not sent, by state.",
        ["state"],
        {("waiting",): unsent.count, ("parked",): parked},
    )
    yield _single(
        "lrms_message_oldest_seconds",
        "Age of the oldest message that waits.",
        _age(unsent, gateway.now()),
    )


def _count_alarms(work: UnitOfWork, gateway: Gateway) -> Iterator[Metric]:
    yield _labelled(
        "lrms_alarm",
        "1 for each alarm that is not closed.",
        ["code", "subject", "state", "urgency"],
        {
            (one.code, one.subject, one.state, "urgent" if is_urgent(one) else "soon"): 1
            for one in work.alarms.find_open()
        },
    )


def _count_steps(work: UnitOfWork, gateway: Gateway) -> Iterator[Metric]:
    steps = work.steps.find_all()
    yield _labelled(
        "lrms_step_last_end_timestamp_seconds",
        "When a step last ran to its end.",
        ["step"],
        {(one.name,): one.ran_at.timestamp() for one in steps if one.ran_at},
    )
    yield _labelled(
        "lrms_step_failures",
        "How often a step failed since it last ran to its end.",
        ["step"],
        {(one.name,): one.failures for one in steps},
    )


def _count_outside(work: UnitOfWork, gateway: Gateway) -> Iterator[Metric]:
    yield _labelled(
        "lrms_collector_items_waiting",
        "Items seen at the far end of a collector, and not received.",
        ["collector"],
        {(name,): number for name, number in work.outside.count_items().items()},
    )
    yield _labelled(
        "lrms_collector_expiry_timestamp_seconds",
        "When the first of them expires there.",
        ["collector"],
        {
            (one.collector_id,): one.first.timestamp()
            for one in work.outside.find_expiring(gateway.now() + _EXPIRES_WITHIN)
        },
    )
    yield _labelled(
        "lrms_collector_failures",
        "How often a collector failed since it last succeeded; of those that did.",
        ["collector"],
        {(one.id,): one.failures for one in work.outside.find_failing_collectors(1)},
    )
    quarantined = work.outside.find_quarantined(100)
    yield _single(
        "lrms_records_quarantined",
        "Records that are not loaded, as our own code failed over them.",
        sum(one.records for one in quarantined),
    )


_FAMILIES: Final[tuple[Callable[[UnitOfWork, Gateway], Iterator[Metric]], ...]] = (
    _count_batches,
    _count_feeds,
    _count_outbox,
    _count_alarms,
    _count_steps,
    _count_outside,
)


def _single(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _labelled(
    name: str, words: str, labels: list[str], values: Mapping[tuple[str, ...], float]
) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for names, value in values.items():
        family.add_metric(names, value)
    return family


def _age(waiting: Waiting, now: datetime) -> float:
    return max(0.0, (now - waiting.oldest).total_seconds()) if waiting.oldest else 0.0

"""Spans by OpenTelemetry, sent by OTLP over HTTP. Endpoint, headers, sampling and the rest are set
by OpenTelemetry's own variables (``OTEL_…``)."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.status import Status, StatusCode

from gateway.monitoring.spans import Value

_PREFIX: Final = "lrms."
# Names that OpenTelemetry has a convention for.
_CONVENTIONS: Final = {
    "route": "http.route",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "error": "error.type",
}
_BATCH: Final = "batch"


class OtlpTracer:
    """All spans about one batch are of one trace, whichever process they are made in: its id
    follows from the batch's, so that nothing has to be carried along."""

    def __init__(self) -> None:
        self._ids = _Ids()
        # What the variables say goes before this name.
        resource = Resource({SERVICE_NAME: "lrms-gateway"}).merge(_read_resource())
        self._provider = TracerProvider(
            resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("lrms-gateway")

    def begin(self, name: str, told: Mapping[str, Value], parent: str) -> "_Begun":
        current = trace.get_current_span().get_span_context()
        links = [Link(remote)] if parent and (remote := _parse_parent(parent)).is_valid else []
        context: Context | None = None
        if batch := told.get(_BATCH):
            root = self._make_root(str(batch))
            if current.trace_id != root.trace_id:
                # A request or a step, which is of a trace of its own, does something for a batch.
                links += [Link(current)] if current.is_valid else []
                context = trace.set_span_in_context(NonRecordingSpan(root), Context())
        span = self._tracer.start_span(
            name, context=context, attributes=_make_attributes(told), links=links
        )
        return _Begun(span)

    def find_trace_id(self) -> str:
        current = trace.get_current_span().get_span_context()
        return trace.format_trace_id(current.trace_id) if current.is_valid else ""

    def record_batch(self, told: Mapping[str, Value], began: datetime, ended: datetime) -> None:
        self._ids.next = self._make_root(str(told[_BATCH]))
        try:
            span = self._tracer.start_span(
                _BATCH,
                context=Context(),
                attributes=_make_attributes(told),
                start_time=_as_nanoseconds(began),
            )
        finally:
            self._ids.next = None
        span.end(_as_nanoseconds(ended))

    def flush(self) -> None:
        self._provider.force_flush()

    def close(self) -> None:
        """Sends what is left; where nobody takes it, it is lost after the exporter's time-out."""
        self._provider.shutdown()

    def _make_root(self, batch_id: str) -> SpanContext:
        digest = hashlib.sha256(b"lrms batch " + batch_id.encode()).digest()
        trace_id, span_id = int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])
        decided = self._provider.sampler.should_sample(None, trace_id, _BATCH).decision
        is_sampled = decided is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if is_sampled else TraceFlags.DEFAULT)
        return SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)


class _Begun:
    """Current in its thread or task until it is ended there."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._token = attach(trace.set_span_in_context(span))

    def tell(self, told: Mapping[str, Value]) -> None:
        self._span.set_attributes(_make_attributes(told))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def end(self, failure: str | None) -> None:
        if failure is not None:
            self._span.set_attribute(_CONVENTIONS["error"], failure)
            self._span.set_status(Status(StatusCode.ERROR))
        detach(self._token)
        self._span.end()


class _Ids(IdGenerator):
    """Random ones, but for the span that stands for a whole batch."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self.next: SpanContext | None = None

    def generate_trace_id(self) -> int:
        return self.next.trace_id if self.next else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        return self.next.span_id if self.next else self._random.generate_span_id()


def _read_resource() -> Resource:
    """OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME; nothing about the machine."""
    found = Resource.create().attributes
    is_named = not str(found.get(SERVICE_NAME, "")).startswith("unknown_service")
    return Resource({name: one for name, one in found.items() if name != SERVICE_NAME or is_named})


def _parse_parent(header: str) -> SpanContext:
    """Of a caller's request: a link and no more. It may not decide what is recorded here."""
    carried = TraceContextTextMapPropagator().extract({"traceparent": header}, Context())
    return trace.get_current_span(carried).get_span_context()


def _make_attributes(told: Mapping[str, Value]) -> dict[str, Value]:
    return {_CONVENTIONS.get(name, _PREFIX + name): one for name, one in told.items()}


def _as_nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000) * 1_000

"""What is being done, and about which batch, source or request: as a span of a trace where an OTLP
endpoint is configured, and as fields of every line that is logged meanwhile. Ids and counts only.

The one module that the pipeline and the API know of all this. A span is of a request, a batch, a
part or a chunk, never of a record; where nothing is configured it costs about a microsecond.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, Token
from datetime import datetime
from functools import wraps
from inspect import signature
from types import MappingProxyType, TracebackType
from typing import Final, ParamSpec, Protocol, Self, TypeVar

from schemas.batch import Batch, Part

Value = str | int
P = ParamSpec("P")
R = TypeVar("R")

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NOTHING: Final[Mapping[str, Value]] = MappingProxyType({})
ABOUT: Final[ContextVar[Mapping[str, Value]]] = ContextVar("lrms_about", default=_NOTHING)


class Begun(Protocol):
    """A span that was begun."""

    def tell(self, told: Mapping[str, Value]) -> None: ...

    def rename(self, name: str) -> None: ...

    def end(self, failure: str | None) -> None: ...


class Tracer(Protocol):
    """What makes spans: ``gateway.monitoring.tracing``, where it is configured."""

    def begin(self, name: str, told: Mapping[str, Value], parent: str) -> Begun: ...

    def find_trace_id(self) -> str: ...

    def record_batch(self, told: Mapping[str, Value], began: datetime, ended: datetime) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class _Tracing:
    """Of this process, as logging is: begun by the first gateway that is opened (``bootstrap``),
    ended by the last that is closed."""

    tracer: Tracer | None = None
    opened = 0


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """By OpenTelemetry's own variables."""
    is_off = environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    is_off = is_off or environment.get("OTEL_TRACES_EXPORTER", "otlp").strip() == "none"
    return not is_off and any(environment.get(name, "").strip() for name in _ENDPOINTS)


@contextmanager
def open_tracing() -> Iterator[None]:
    """Spans go out while the block lasts, where an endpoint is configured; what is left of them is
    sent at the end."""
    if is_configured() and _Tracing.tracer is None:
        # The SDK takes 0.2 s to import, and most of us never need it.
        from gateway.monitoring.tracing import OtlpTracer  # noqa: PLC0415

        _Tracing.tracer = OtlpTracer()
    _Tracing.opened += 1
    try:
        yield
    finally:
        _Tracing.opened -= 1
        if not _Tracing.opened and _Tracing.tracer is not None:
            _Tracing.tracer.close()
            _Tracing.tracer = None


def flush_spans() -> None:
    """What is done with goes out now, and not within seconds."""
    if _Tracing.tracer is not None:
        _Tracing.tracer.flush()


class span:  # noqa: N801 - a context manager, as contextlib's own
    """Something that is done while the block lasts. ``told`` and ``ids`` are ids and counts:
    ``batch``, ``source``, ``part``, ``request``, ``step``, ``records`` …; ``parent``: the
    traceparent of a caller, to link to."""

    __slots__ = ("_begun", "_name", "_parent", "_token", "_told")

    def __init__(
        self, name: str, told: Mapping[str, Value] = _NOTHING, *, parent: str = "", **ids: Value
    ) -> None:
        self._name = name
        self._told = {**told, **ids}
        self._parent = parent
        self._begun: Begun | None = None
        self._token: Token[Mapping[str, Value]] | None = None

    def __enter__(self) -> Self:
        self._token = ABOUT.set({**ABOUT.get(), **self._told})
        if _Tracing.tracer is not None:
            self._begun = _Tracing.tracer.begin(self._name, self._told, self._parent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._begun is not None:
            # The kind alone: the text of an error may quote the event.
            self._begun.end(kind.__name__ if kind is not None else None)
        if self._token is not None:
            ABOUT.reset(self._token)

    def tell(self, **told: Value) -> None:
        """What is known only at the end."""
        if self._begun is not None:
            self._begun.tell(told)

    def rename(self, name: str) -> None:
        if self._begun is not None:
            self._begun.rename(name)


def spanned(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A span around each call of a function. What it is about is taken from the arguments whose
    names are in ``_TELLING``; a result of counts is told too."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        names = [name if name in _TELLING else "" for name in signature(function).parameters]

        @wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            told: dict[str, Value] = {}
            for parameter, given in (*zip(names, args, strict=False), *kwargs.items()):
                if parameter in _TELLING:
                    told |= _TELLING[parameter](given)
            with span(name, told) as begun:
                result = function(*args, **kwargs)
                if isinstance(result, dict):
                    begun.tell(**{key: one for key, one in result.items() if isinstance(one, int)})
            return result

        return wrapped

    return decorate


def record_batch(batch: Batch, ended: datetime, **counts: Value) -> None:
    """A batch from its receipt to its end: the span that all others about it hang from."""
    if _Tracing.tracer is not None:
        told = {"batch": batch.id, "source": batch.source_id, "bytes": batch.size, **counts}
        _Tracing.tracer.record_batch(told, batch.received_at, ended)


def find_trace_id() -> str:
    """Of the span that is current; empty where there is none."""
    return _Tracing.tracer.find_trace_id() if _Tracing.tracer is not None else ""


def _of_batch(batch: object) -> dict[str, Value]:
    return {"batch": batch.id, "source": batch.source_id} if isinstance(batch, Batch) else {}


def _of_part(part: object) -> dict[str, Value]:
    return {"part": part.number} if isinstance(part, Part) else {}


def _of_work(work: object) -> dict[str, Value]:
    return _of_batch(getattr(work, "batch", None)) | _of_part(getattr(work, "part", None))


def _count(name: str) -> Callable[[object], dict[str, Value]]:
    return lambda given: {name: len(given)} if isinstance(given, Sequence) else {}


def _name(name: str) -> Callable[[object], dict[str, Value]]:
    return lambda given: {name: given} if isinstance(given, str) else {}


_TELLING: Final[dict[str, Callable[[object], dict[str, Value]]]] = {
    "batch": _of_batch,
    "batch_id": _name("batch"),
    "source_id": _name("source"),
    "collector_id": _name("collector"),
    "part": _of_part,
    "work": _of_work,
    "parts": _count("parts"),
    "chunk": _count("records"),
    "asked": _count("requests"),
}

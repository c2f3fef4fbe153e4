"""What one process of the API counts: requests by route and status, and how long they took."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

# Any other was made up by a client; a label for each would never end.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ApiCounts:
    """A few microseconds a request. Routes as the API has them, never an address as it came."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "lrms_api_requests",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "lrms_api_request_seconds",
            "From a request's head to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        told = method if method in _METHODS else "other"
        self._requests.labels(told, route, status).inc()
        self._seconds.labels(route).observe(seconds)

"""A real OTLP receiver: an HTTP server that takes traces as a collector does."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Received:
    """What came: each request as it was, and the spans in them."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.paths: list[str] = []

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resources(self) -> dict[str, str]:
        found = [one.resource.attributes for one in self.requests[0].resource_spans]
        return {each.key: each.value.string_value for one in found for each in one}

    def find(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


def read_attributes(span: Span) -> dict[str, str | int]:
    """Fails where one is anything but a text or a whole number."""
    found: dict[str, str | int] = {}
    for one in span.attributes:
        kind = one.value.WhichOneof("value")
        assert kind in {"string_value", "int_value"}, (span.name, one.key, kind)
        found[one.key] = getattr(one.value, kind)
    return found


@contextmanager
def receive_otlp() -> Iterator[tuple[str, Received]]:
    """The address of an endpoint, and what came to it."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.headers["Content-Type"] == "application/x-protobuf"
            received.paths.append(self.path)
            received.requests.append(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

"""Spans as tests see them: kept in memory, or sent to a receiver that speaks OTLP over HTTP as a collector does."""

import gzip
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define, field, frozen
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from usercore.adapters.otel.tracer import Choice, OtelTracer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"
UNCHOSEN = f"00-{TRACE}-00f067aa0ba902b7-00"


@frozen
class Recording:
    """A tracer, and the spans that it has recorded."""

    tracer: OtelTracer
    kept: InMemorySpanExporter

    @classmethod
    def begun(cls, ratio: float = 1.0, followed_per_s: float = 1_000_000.0) -> "Recording":
        """Return one that records everything, or what it is told to."""
        kept = InMemorySpanExporter()
        provider = TracerProvider(sampler=ALWAYS_ON, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(kept))
        return cls(OtelTracer(provider.get_tracer("tests"), Choice(ratio, followed_per_s)), kept)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """Those that have ended, in that order."""
        return self.kept.get_finished_spans()

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.spans]

    def one(self, name: str) -> ReadableSpan:
        """Return the only span of a name."""
        [found] = [span for span in self.spans if span.name == name]
        return found

    def text(self) -> str:
        """Return all that spans say, links, events and states included."""
        return "\n".join(span.to_json(indent=None) for span in self.spans)


def words(span: ReadableSpan) -> dict[str, Any]:
    """Return a span's attributes."""
    return dict(span.attributes or {})


def traceparent(span: ReadableSpan) -> str:
    """Return the header that says: caused by this span."""
    own = span.get_span_context()
    assert own is not None
    return f"00-{own.trace_id:032x}-{own.span_id:016x}-01"


@frozen
class Received:
    """A span as it came over the wire; ids are hexadecimal digits."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    words: dict[str, Any]
    links: list[tuple[str, str]]


@define(eq=False)
class Collector:
    """Receives spans over OTLP/HTTP on loopback, and keeps them; `text` is all of them as they can be read."""

    spans: list[Received] = field(factory=list, init=False)
    text: str = field(default="", init=False)
    _server: ThreadingHTTPServer | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def names(self) -> set[str]:
        return {span.name for span in self.spans}

    def named(self, name: str) -> list[Received]:
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        """Keep what a request holds."""
        request = ExportTraceServiceRequest.FromString(body)
        self.text += str(request)
        for process in request.resource_spans:
            service = {one.key: one.value.string_value for one in process.resource.attributes}["service.name"]
            self.spans += [_received(service, span) for scope in process.scope_spans for span in scope.spans]

    @contextmanager
    def listening(self) -> Iterator["Collector"]:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def _received(service: str, span: Any) -> Received:
    values = {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
    links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Received(service, span.name, *ids, values, links)


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
            collector.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler

"""From spans to a collector: a queue that is bounded, a thread of its own, and at most one log line a minute."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

import structlog
from attrs import define
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NoOpTracer

from usercore.adapters.otel.tracer import Choice, OtelTracer
from usercore.settings.tracing import TraceSettings

FLUSH_S: Final = 3.0
"""How long what was recorded may take to be sent at the end; a collector that does not answer holds up nobody."""
TOLD_EVERY_S: Final = 60.0
_PATH: Final = "/v1/traces"
"""Source: OTLP 1.x specification, OTLP/HTTP request: the default path of traces."""
_SCOPE: Final = "usercore"
_NAME: Final = "user-service"
_LOGGERS: Final = "opentelemetry"


@asynccontextmanager
async def open_tracer(
    settings: TraceSettings, exporter: SpanExporter | None = None
) -> AsyncIterator[OtelTracer | None]:
    """Give a tracer, and send what it recorded at the end, within a limit.

    The SDK reads the rest from its own variables: attributes of the resource, headers and certificates for the
    collector, sizes of its queue. With `OTEL_SDK_DISABLED` there is no tracer.

    Args:
        settings: where the collector is, and what is recorded.
        exporter: sends the spans; None for OTLP.
    """
    provider = TracerProvider(sampler=ALWAYS_ON, resource=_resource(settings), shutdown_on_exit=False)
    recorder = provider.get_tracer(_SCOPE)
    if isinstance(recorder, NoOpTracer):
        yield None
        return
    heard = _Complaints.heard()
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(_address(settings))))
    try:
        yield OtelTracer(recorder, Choice(settings.sample_ratio, settings.followed_per_s))
    finally:
        # A thread that is left behind goes on complaining until the process ends.
        if await _within(FLUSH_S, provider.shutdown):
            heard.ignore()


def _resource(settings: TraceSettings) -> Resource:
    """Return what every span says of its process: ours first, then what the SDK's variables say."""
    if settings.service_name is not None:
        return Resource.create({"service.name": settings.service_name})
    return Resource.create({"service.name": _NAME}).merge(OTELResourceDetector().detect())


def _address(settings: TraceSettings) -> str:
    url = settings.endpoint or ""
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + _PATH


async def _within(limit_s: float, work: Callable[[], object]) -> bool:
    """Do blocking work in a thread that the process need not wait for, and return whether it was done in time."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="traces-flush", daemon=True).start()
    with suppress(TimeoutError):
        await asyncio.wait_for(done.wait(), limit_s)
    return done.is_set()


@define(eq=False)
class _Told:
    at: float = float("-inf")
    withheld: int = 0


class _Complaints(logging.Handler):
    """Says at most once a minute what the SDK complains of, and no text of an exception."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._told = _Told()

    @classmethod
    def heard(cls) -> "_Complaints":
        """Return one that hears all that the SDK says, in place of whoever writes log lines."""
        logger, handler = logging.getLogger(_LOGGERS), cls()
        logger.propagate = False
        logger.addHandler(handler)
        return handler

    def ignore(self) -> None:
        """Hear no more."""
        logger = logging.getLogger(_LOGGERS)
        logger.removeHandler(self)
        logger.propagate = not logger.handlers

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count what would have been one."""
        now = self._clock()
        if now < self._told.at + TOLD_EVERY_S:
            self._told.withheld += 1
            return
        withheld, self._told = self._told.withheld, _Told(now)
        # The message before its arguments are put in: they hold addresses and texts of exceptions.
        structlog.get_logger().warning("traces incomplete", said=str(record.msg), since_last=withheld + 1)

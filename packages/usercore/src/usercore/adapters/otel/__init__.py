"""Traces by OpenTelemetry, sent to a collector over OTLP. Needs the extra `traces`."""

from usercore.adapters.otel.exporting import open_tracer
from usercore.adapters.otel.tracer import OtelTracer

__all__ = ["OtelTracer", "open_tracer"]

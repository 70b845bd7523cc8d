"""The section of traces."""

from attrs import frozen

from usercore.settings.loading import setting
from usercore.settings.parsers import number, text, url


@frozen
class TraceSettings:
    """Traces (OpenTelemetry)."""

    endpoint: str | None = setting(
        "USER_SERVICE_TRACES_ENDPOINT",
        url("http", "https"),
        "Where traces are sent, over OTLP/HTTP: `http://collector:4318`; without a path `/v1/traces` is added. Without "
        "it there are none. Headers, certificates, the queue and further attributes are set by OpenTelemetry's own "
        "`OTEL_…` variables.",
        default=None,
    )
    sample_ratio: float = setting(
        "USER_SERVICE_TRACES_SAMPLE_RATIO",
        number(0, 1),
        "How many of the traces that begin here are recorded, from 0 to 1.",
        default=0.01,
    )
    followed_per_s: float = setting(
        "USER_SERVICE_TRACES_FOLLOWED_PER_S",
        number(0, 100_000),
        "How many traces a second are recorded by each process because the caller records them (`traceparent`); "
        "beyond it they are chosen by the ratio.",
        default=50.0,
    )
    service_name: str | None = setting(
        "USER_SERVICE_TRACES_SERVICE_NAME",
        text,
        "What the service is called in traces; without it `OTEL_SERVICE_NAME`, or `user-service`.",
        default=None,
    )

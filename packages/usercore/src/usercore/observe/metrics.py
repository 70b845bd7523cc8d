"""Every metric of the service, declared once. `docs/metrics.md` is made from here.

Labels hold words from code alone: names of use cases, route templates, error codes. A registry belongs to one
:class:`Metrics`, so that several cores can live in one process.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from attrs import frozen
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from usercore.observe.tallies import Tallies

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Source: Prometheus exposition formats, text-based format 0.0.4."""

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket bounds, from a cached read to the longest request."""


@frozen
class PoolUse:
    """How a connection pool stands.

    Args:
        name: ``write``, ``read`` or ``cache``.
        size: connections it may hold.
        in_use: connections lent out now.
    """

    name: str
    size: int
    in_use: int


@frozen
class Declared:
    """One metric, as the documentation shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    doc: str


class Metrics:
    """The metrics of one core and the runner around it."""

    def __init__(self) -> None:
        """Make every metric, at zero."""
        self.registry = CollectorRegistry()
        self._pools = _PoolCollector()
        self.registry.register(self._pools)
        self._use_cases = Tallies(
            "user_service_use_case_seconds",
            "Time a use case took, by its outcome: ok, or the code of the error.",
            ("use_case", "outcome"),
            SECONDS,
        )
        self.registry.register(self._use_cases)
        self._http = Tallies(
            "user_service_http_request_seconds",
            "Time from the request's first byte to the answer's last, by route template.",
            ("method", "route", "status"),
            SECONDS,
        )
        self.registry.register(self._http)
        self._in_flight = 0
        self._http_in_flight = Gauge(
            "user_service_http_requests_in_flight",
            "Requests being worked on.",
            registry=self.registry,
        )
        self._http_in_flight.set_function(lambda: self._in_flight)
        self._cache = Counter(
            "user_service_cache_reads",
            "Profiles asked of the cache: hit, miss, bypass (cache not reachable), unsealed, error.",
            ("result",),
            registry=self.registry,
        )
        self._outbox_pending = Gauge(
            "user_service_outbox_pending",
            "Events written and not yet published.",
            registry=self.registry,
        )
        self._deliveries_waiting = Gauge(
            "user_service_deliveries_waiting",
            "Deliveries that a service around us has not acknowledged.",
            registry=self.registry,
        )
        self._maintenance_failures = Counter(
            "user_service_maintenance_failures",
            "Rounds of background work that failed, by task.",
            ("task",),
            registry=self.registry,
        )

    def declared(self) -> Iterator[Declared]:
        """List every metric in the order of its declaration."""
        for metric in vars(self).values():
            if isinstance(metric, Tallies):
                yield Declared(metric.name, "histogram", metric.labels, metric.doc)
            elif isinstance(metric, MetricWrapperBase):
                [family] = metric.describe()
                name = f"{family.name}_total" if family.type == "counter" else family.name
                labels = tuple(metric._labelnames)  # noqa: SLF001 -- it does not tell otherwise
                yield Declared(name, family.type, labels, family.documentation)
        for family in self._pools.collect():
            yield Declared(family.name, family.type, ("pool",), family.documentation)

    def use_case(self, name: str, outcome: str, seconds: float) -> None:
        """Count one call of a use case."""
        self._use_cases.observe((name, outcome), seconds)

    def http_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a template, never a path."""
        self._http.observe((method, route, status), seconds)

    def http_in_flight(self, change: int) -> None:
        """Count a request that begins (1) or ends (-1)."""
        self._in_flight += change

    def cache_reads(self, result: str, count: int) -> None:
        """Count profiles asked of the cache."""
        self._cache.labels(result).inc(count)

    def backlog(self, *, outbox: int, deliveries: int) -> None:
        """Set what waits to go out."""
        self._outbox_pending.set(outbox)
        self._deliveries_waiting.set(deliveries)

    def maintenance_failed(self, task: str) -> None:
        """Count a failed round of background work."""
        self._maintenance_failures.labels(task).inc()

    def watch_pools(self, read: Callable[[], Iterable[PoolUse]]) -> None:
        """Ask `read` how the pools stand, at each scrape."""
        self._pools.read = read

    def scrape(self) -> bytes:
        """Return every metric in Prometheus' text format."""
        return generate_latest(self.registry)


class _PoolCollector(Collector):
    """Reads the pools when scraped."""

    def __init__(self) -> None:
        self.read: Callable[[], Iterable[PoolUse]] = tuple

    def collect(self) -> Iterator[Metric]:
        size = GaugeMetricFamily("user_service_pool_size", "Connections a pool may hold.", labels=("pool",))
        in_use = GaugeMetricFamily("user_service_pool_in_use", "Connections lent out now.", labels=("pool",))
        for pool in self.read():
            size.add_metric((pool.name,), pool.size)
            in_use.add_metric((pool.name,), pool.in_use)
        yield size
        yield in_use

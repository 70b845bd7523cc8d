"""Use cases, requests, the cache, limits, and connections."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from attrs import frozen
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from usercore.observe.metrics.base import Declared, Declaring

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket bounds, from a cached read to the longest request."""

_POOL_SIZE: Final = Declared("user_service_pool_size", "gauge", ("pool",), "Connections a pool may hold.")
_POOL_IN_USE: Final = Declared("user_service_pool_in_use", "gauge", ("pool",), "Connections lent out now.")


@frozen
class PoolUse:
    """How a connection pool stands.

    Args:
        name: ``database_write``, ``database_read`` or ``cache``.
        size: connections it may hold.
        in_use: connections lent out now.
    """

    name: str
    size: int
    in_use: int


class ServingMetrics(Declaring):
    """What serving callers costs."""

    def _declare_serving(self) -> None:
        self._use_cases = self._tallies(
            "user_service_use_case_seconds",
            "Time a use case took, by its outcome: ok, or the code of the error.",
            "use_case",
            "outcome",
            bounds=SECONDS,
        )
        self._http = self._tallies(
            "user_service_http_request_seconds",
            "Time from the request's first byte to the answer's last, by route template.",
            "method",
            "route",
            "status",
            bounds=SECONDS,
        )
        self._in_flight = 0
        in_flight = self._gauge("user_service_http_requests_in_flight", "Requests being worked on.")
        in_flight.set_function(lambda: self._in_flight)
        self._cache = self._counter(
            "user_service_cache_reads_total",
            "Profiles asked of the cache: hit, miss, bypass (cache not reachable), unsealed, error.",
            "result",
        )
        self._rate_limit_refusals = self._counter(
            "user_service_rate_limit_refusals_total",
            "Requests refused because their caller's quota was used up, by policy.",
            "policy",
        )
        self._rate_limit_fallbacks = self._counter(
            "user_service_rate_limit_fallbacks_total",
            "Questions for permits that the cache's server did not answer; the copy then counts alone for a second.",
        )
        self._maintenance_failures = self._counter(
            "user_service_maintenance_failures_total",
            "Rounds of background work that failed, by task.",
            "task",
        )
        self._pools = _PoolCollector()
        self._declared += (_POOL_SIZE, _POOL_IN_USE)
        self.registry.register(self._pools)

    def use_case(self, name: str, outcome: str, seconds: float) -> None:
        """Count one call of a use case."""
        self._use_cases.observe((name, outcome), seconds)

    def http_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a template, never a path."""
        self._http.observe((method, route, status), seconds)

    def http_in_flight(self, change: int) -> None:
        """Count a request that begins (1) or ends (-1)."""
        self._in_flight += change

    def rate_limited(self, policy: str) -> None:
        """Count a request refused for its caller's quota."""
        self._rate_limit_refusals.labels(policy).inc()

    def rate_limit_fallback(self) -> None:
        """Count a question for permits that was not answered."""
        self._rate_limit_fallbacks.inc()

    def cache_reads(self, result: str, count: int) -> None:
        """Count profiles asked of the cache."""
        self._cache.labels(result).inc(count)

    def maintenance_failed(self, task: str) -> None:
        """Count a failed round of background work."""
        self._maintenance_failures.labels(task).inc()

    def watch_pools(self, read: Callable[[], Iterable[PoolUse]]) -> None:
        """Ask `read` how the pools stand, at each scrape."""
        self._pools.read = read


class _PoolCollector(Collector):
    """Reads the pools when scraped."""

    def __init__(self) -> None:
        self.read: Callable[[], Iterable[PoolUse]] = tuple

    def collect(self) -> Iterator[Metric]:
        size = GaugeMetricFamily(_POOL_SIZE.name, _POOL_SIZE.doc, labels=_POOL_SIZE.labels)
        in_use = GaugeMetricFamily(_POOL_IN_USE.name, _POOL_IN_USE.doc, labels=_POOL_IN_USE.labels)
        for pool in self.read():
            size.add_metric((pool.name,), pool.size)
            in_use.add_metric((pool.name,), pool.in_use)
        yield size
        yield in_use

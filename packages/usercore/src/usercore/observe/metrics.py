"""Every metric of the service, declared once. `docs/metrics.md` is made from here.

Labels hold words from code alone: names of use cases, route templates, error codes. A registry belongs to one
:class:`Metrics`, so that several cores can live in one process.
"""

from collections import Counter as TallyOf
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

from usercore.delivery.breaker import BreakerState
from usercore.delivery.ports import OutboxBatch
from usercore.delivery.values import DeliveryStanding
from usercore.observe.tallies import Tallies
from usercore.privacy.requests.values import RequestKind
from usercore.privacy.retention.values import ReportLine

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Source: Prometheus exposition formats, text-based format 0.0.4."""

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket bounds, from a cached read to the longest request."""


LAG_SECONDS: Final = (*SECONDS, 60.0, 600.0, 3600.0)
"""The same, to a broker that was away for an hour."""


_BREAKER: Final = {BreakerState.CLOSED.value: 0, BreakerState.HALF_OPEN.value: 1, BreakerState.OPEN.value: 2}


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
        self._privacy_overdue = Gauge(
            "user_service_privacy_requests_overdue",
            "Privacy requests that were not answered in the time of the law, by kind.",
            ("kind",),
            registry=self.registry,
        )
        self._audit_checkpoint = Gauge(
            "user_service_audit_checkpoint_time_seconds",
            "When the last checkpoint of the audit trail was made, in seconds since 1970.",
            registry=self.registry,
        )
        self._retained = Counter(
            "user_service_retention_done",
            "Rows deleted and accounts acted upon by the retention schedule, by rule.",
            ("rule",),
            registry=self.registry,
        )
        self._retention_held = Gauge(
            "user_service_retention_held",
            "Rows and accounts that the last run left for a legal hold or a restriction, by rule.",
            ("rule",),
            registry=self.registry,
        )
        self._retention_last = Gauge(
            "user_service_retention_last_run_seconds",
            "When this process last ran the retention schedule to its end, in seconds since 1970; 0: never.",
            registry=self.registry,
        )
        self._maintenance_failures = Counter(
            "user_service_maintenance_failures",
            "Rounds of background work that failed, by task.",
            ("task",),
            registry=self.registry,
        )

        self._relay_events = Counter(
            "user_service_relay_events",
            "Events published, by message.",
            ("message",),
            registry=self.registry,
        )
        self._relay_failures = Counter(
            "user_service_relay_failures",
            "Batches that could not be published, by the code of the error; they are tried again.",
            ("code",),
            registry=self.registry,
        )
        self._relay_batches = Tallies(
            "user_service_relay_batch_seconds",
            "Time from taking shards of the outbox to letting go of them, where something was published.",
            (),
            SECONDS,
        )
        self.registry.register(self._relay_batches)
        self._relay_lag = Tallies(
            "user_service_relay_lag_seconds",
            "Time from what happened to the brokers' acknowledgement of its event.",
            (),
            LAG_SECONDS,
        )
        self.registry.register(self._relay_lag)
        self._relay_shards = Gauge(
            "user_service_relay_shards_held",
            "Shards of the outbox that this process published last; 0 when there was nothing.",
            registry=self.registry,
        )

        self._declare_deliveries()
        self._declare_limits()
        self._declare_stream()

    def _declare_deliveries(self) -> None:
        self._deliveries_waiting = Gauge(
            "user_service_deliveries_waiting",
            "Deliveries that a service around us has not acknowledged.",
            ("recipient",),
            registry=self.registry,
        )
        self._deliveries_failed = Gauge(
            "user_service_deliveries_failed",
            "Deliveries that were given up, about which no operator has decided.",
            ("recipient",),
            registry=self.registry,
        )
        self._deliveries_oldest = Gauge(
            "user_service_deliveries_oldest_seconds",
            "Age of the oldest delivery that waits; 0 where none does.",
            ("recipient",),
            registry=self.registry,
        )
        self._delivery_attempts = Counter(
            "user_service_delivery_attempts",
            "Calls to the services around us, by outcome: delivered, postponed, refused, given_up.",
            ("recipient", "outcome"),
            registry=self.registry,
        )
        self._delivery_breaker = Gauge(
            "user_service_delivery_breaker_state",
            "Whether a service is left alone: 0 no (closed), 1 it is being probed (half open), 2 yes (open).",
            ("recipient",),
            registry=self.registry,
        )

    def _declare_limits(self) -> None:
        self._rate_limit_refusals = Counter(
            "user_service_rate_limit_refusals",
            "Requests refused because their caller's quota was used up, by policy.",
            ("policy",),
            registry=self.registry,
        )
        self._rate_limit_fallbacks = Counter(
            "user_service_rate_limit_fallbacks",
            "Questions for permits that the cache's server did not answer; the copy then counts alone for a second.",
            registry=self.registry,
        )

    def _declare_stream(self) -> None:
        self._stream_messages = Counter(
            "user_service_stream_messages",
            "Consumed messages by their end: applied, repeated, rejected, answered, parked, ignored, dead_letter.",
            ("topic", "outcome"),
            registry=self.registry,
        )
        self._stream_batches = Tallies(
            "user_service_stream_batch_seconds",
            "Time from taking a batch of messages to their acknowledgement.",
            ("topic",),
            SECONDS,
        )
        self.registry.register(self._stream_batches)
        self._stream_retries = Counter(
            "user_service_stream_retries",
            "Tries that failed and were repeated in place, by the code of the error.",
            ("code",),
            registry=self.registry,
        )
        self._dead_letters = Counter(
            "user_service_dead_letters",
            "Messages set aside because nobody could use them, by what is wrong.",
            ("topic", "code"),
            registry=self.registry,
        )
        self._dead_letters_waiting = Gauge(
            "user_service_dead_letters_waiting",
            "Dead letters that no operator has decided about.",
            registry=self.registry,
        )
        self._parked = Gauge(
            "user_service_parked_messages",
            "Events that wait for their user, order or payment to become known.",
            registry=self.registry,
        )
        self._stream_lag = Gauge(
            "user_service_stream_lag_messages",
            "Messages of the partitions assigned to this copy that have not found their end.",
            ("topic",),
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

    def rate_limited(self, policy: str) -> None:
        """Count a request refused for its caller's quota."""
        self._rate_limit_refusals.labels(policy).inc()

    def rate_limit_fallback(self) -> None:
        """Count a question for permits that was not answered."""
        self._rate_limit_fallbacks.inc()

    def cache_reads(self, result: str, count: int) -> None:
        """Count profiles asked of the cache."""
        self._cache.labels(result).inc(count)

    def backlog(self, *, outbox: int) -> None:
        """Set how many events wait to go out."""
        self._outbox_pending.set(outbox)

    def deliveries(self, standing: Iterable[DeliveryStanding], now: datetime) -> None:
        """Set how things stand between us and each recipient."""
        for one in standing:
            age = timedelta() if one.oldest is None else now - one.oldest
            self._deliveries_waiting.labels(one.recipient.value).set(one.waiting)
            self._deliveries_failed.labels(one.recipient.value).set(one.failed)
            self._deliveries_oldest.labels(one.recipient.value).set(max(age.total_seconds(), 0.0))

    def delivery_attempted(self, recipient: str, outcome: str) -> None:
        """Count one call to a service around us."""
        self._delivery_attempts.labels(recipient, outcome).inc()

    def delivery_breaker(self, recipient: str, state: str) -> None:
        """Set how a recipient's breaker stands."""
        self._delivery_breaker.labels(recipient).set(_BREAKER[state])

    def audit_checkpoint(self, at: datetime) -> None:
        """Set when the last checkpoint of the audit trail was made."""
        self._audit_checkpoint.set(at.timestamp())

    def overdue(self, by_kind: Mapping[RequestKind, int]) -> None:
        """Set how many privacy requests are overdue; a kind that has none is shown as 0."""
        for kind in RequestKind:
            self._privacy_overdue.labels(kind.value).set(by_kind.get(kind, 0))

    def relayed(self, batch: OutboxBatch, at: datetime, seconds: float) -> None:
        """Count a batch of events that the brokers acknowledged at a time."""
        for name, count in TallyOf(message.message for message in batch.messages).items():
            self._relay_events.labels(name).inc(count)
        for message in batch.messages:
            self._relay_lag.observe((), (at - message.occurred_at).total_seconds())
        self._relay_batches.observe((), seconds)
        self._relay_shards.set(len(batch.shards))

    def relay_idle(self) -> None:
        """Say that nothing was to be published."""
        self._relay_shards.set(0)

    def relay_failed(self, code: str) -> None:
        """Count a batch that could not be published."""
        self._relay_failures.labels(code).inc()

    def retained(self, lines: Sequence[ReportLine], at: datetime) -> None:
        """Take down what a run of the retention schedule did; no line: it was not due."""
        for line in lines:
            self._retained.labels(line.rule.value).inc(line.done)
            self._retention_held.labels(line.rule.value).set(line.due.held)
        if lines:
            self._retention_last.set(at.timestamp())

    def maintenance_failed(self, task: str) -> None:
        """Count a failed round of background work."""
        self._maintenance_failures.labels(task).inc()

    def stream_message(self, topic: str, outcome: str) -> None:
        """Count a consumed message that found its end."""
        self._stream_messages.labels(topic, outcome).inc()

    def stream_batch(self, topic: str, seconds: float) -> None:
        """Count a batch of messages that was acknowledged."""
        self._stream_batches.observe((topic,), seconds)

    def stream_retried(self, code: str) -> None:
        """Count a failed try that is repeated in place."""
        self._stream_retries.labels(code).inc()

    def dead_letter(self, topic: str, code: str) -> None:
        """Count a message that was set aside."""
        self._dead_letters.labels(topic, code).inc()

    def set_aside(self, *, parked: int, dead_letters: int) -> None:
        """Set what waits for something to become known, and what waits for an operator."""
        self._parked.set(parked)
        self._dead_letters_waiting.set(dead_letters)

    def stream_lag(self, topic: str, messages: int) -> None:
        """Set how many messages of a topic wait to be worked on here."""
        self._stream_lag.labels(topic).set(messages)

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

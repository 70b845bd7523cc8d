"""From two looks at a service to what happened in between: a pure function."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from attrs import evolve, frozen

from user_cli.top.scrapes import Key, Scrape

__all__ = ["Backlog", "Copy", "DeliveryLine", "Frame", "Pool", "RouteLine", "StreamLine", "frame_of", "quantile"]

_HTTP: Final = "user_service_http_request_seconds"
_RELAY_LAG: Final = "user_service_relay_lag_seconds"
_BREAKER_STATE: Final = "user_service_delivery_breaker_state"
_BREAKER: Final = {0.0: "closed", 1.0: "half open", 2.0: "open"}
_SERVER_ERROR: Final = 500


@frozen
class DeliveryLine:
    """How things stand between the service and one recipient.

    Args:
        recipient: who.
        waiting: deliveries that were not acknowledged.
        failed: those that were given up, about which nobody has decided.
        oldest_s: the age of the oldest one that waits, or None where none does.
        breaker: whether it is left alone: closed (no), half open, open; None where no copy says.
    """

    recipient: str
    waiting: int
    failed: int
    oldest_s: float | None
    breaker: str | None = None


@frozen
class Backlog:
    """What waits, as the database has it.

    Args:
        outbox: events that were not published.
        outbox_oldest_s: the age of the oldest of them, or None where there is none or nobody knows.
        deliveries: by recipient.
        dead_letters: messages that wait for an operator.
        parked: events that wait for something to become known.
        overdue: privacy requests past the time of the law.
    """

    outbox: int
    outbox_oldest_s: float | None
    deliveries: tuple[DeliveryLine, ...]
    dead_letters: int
    parked: int
    overdue: int


@frozen
class Copy:
    """One copy of the service.

    Args:
        url: where it is.
        trouble: why it says nothing, or None.
        in_flight: requests that it works on.
        per_second: requests that it answered.
    """

    url: str
    trouble: str | None
    in_flight: int
    per_second: float


@frozen
class RouteLine:
    """One route, over all copies.

    Args:
        method: of the requests.
        route: as a template.
        per_second: how many were answered.
        errors_per_second: how many of them with 5xx.
        p50_s: half of them took no longer.
        p99_s: 99 of 100 took no longer.
    """

    method: str
    route: str
    per_second: float
    errors_per_second: float
    p50_s: float
    p99_s: float


@frozen
class Pool:
    """Connections of one kind, over all copies."""

    name: str
    in_use: int
    size: int


@frozen
class StreamLine:
    """What one topic brings, over all copies.

    Args:
        topic: its name.
        per_second: messages that found their end.
        lag: messages that have not.
    """

    topic: str
    per_second: float
    lag: int


@frozen
class Frame:
    """A service at a glance. Rates are of the time between two looks.

    Args:
        seconds: between the looks.
        copies: in the order in which they were named.
        per_second: requests answered by all of them.
        errors_per_second: of these with 5xx.
        refused_per_second: requests beyond a quota.
        routes: the busiest first.
        cache_hits: which part of the cache's answers was a profile, or None where nothing was asked.
        cache_misses_per_second: profiles that the database was asked for.
        pools: by name.
        backlog: what waits.
        published_per_second: events that the brokers acknowledged.
        relay_lag_s: 99 of 100 of them were acknowledged so soon after what happened, or None where none was.
        streams: by topic.
        failures: what failed and how often a second: use cases without an answer, background work, the relay.
    """

    seconds: float
    copies: tuple[Copy, ...]
    per_second: float
    errors_per_second: float
    refused_per_second: float
    routes: tuple[RouteLine, ...]
    cache_hits: float | None
    cache_misses_per_second: float
    pools: tuple[Pool, ...]
    backlog: Backlog
    published_per_second: float
    relay_lag_s: float | None
    streams: tuple[StreamLine, ...]
    failures: tuple[tuple[str, float], ...]


def frame_of(before: Sequence[Scrape], after: Sequence[Scrape], backlog: Backlog | None = None) -> Frame:
    """Return what happened between two looks, and how things stand at the second.

    Args:
        before: what the copies said first.
        after: what the same copies said later, in the same order.
        backlog: what the database says; without it, the copies' last count is shown.
    """
    pairs = list(zip(before, after, strict=True))
    seen = _Seen(tuple(_Pair(one, other) for one, other in pairs))
    hits = sum(seen.rates("user_service_cache_reads_total", result="hit").values())
    reads = sum(seen.rates("user_service_cache_reads_total").values())
    routes = tuple(_routes(seen))
    lag = seen.buckets(_RELAY_LAG).get((), {})
    return Frame(
        seconds=max((other.at - one.at for one, other in pairs), default=0.0),
        copies=tuple(_copy(_Pair(one, other)) for one, other in pairs),
        per_second=sum(route.per_second for route in routes),
        errors_per_second=sum(route.errors_per_second for route in routes),
        refused_per_second=sum(seen.rates("user_service_rate_limit_refusals_total").values()),
        routes=routes,
        cache_hits=hits / reads if reads else None,
        cache_misses_per_second=reads - hits,
        pools=tuple(_pools(after)),
        backlog=_with_breakers(backlog or _told(after), after),
        published_per_second=sum(seen.rates("user_service_relay_events_total").values()),
        relay_lag_s=quantile(lag, 0.99) if any(lag.values()) else None,
        streams=tuple(_streams(seen, after)),
        failures=tuple(_failures(seen)),
    )


@frozen
class _Pair:
    """One copy at two moments."""

    before: Scrape
    after: Scrape

    def rates(self, name: str, **labels: str) -> Iterator[tuple[Mapping[str, str], float]]:
        """Yield by how much counters rose a second; nothing where the copy was silent at one of the moments."""
        seconds = self.after.at - self.before.at
        if self.before.trouble or self.after.trouble or seconds <= 0:
            return
        for marks, value in self.after.values(name, **labels):
            key: Key = (name, tuple(sorted(marks.items())))
            earlier = self.before.samples.get(key, 0.0)
            # A counter that fell began anew: the copy was restarted.
            yield marks, (value - earlier if value >= earlier else value) / seconds


@frozen
class _Seen:
    """All copies at two moments."""

    pairs: tuple[_Pair, ...]

    def rates(self, name: str, *by: str, **labels: str) -> dict[tuple[str, ...], float]:
        """Return by how much counters rose a second, summed up by labels."""
        sums: dict[tuple[str, ...], float] = {}
        for pair in self.pairs:
            for marks, rate in pair.rates(name, **labels):
                key = tuple(marks.get(label, "") for label in by)
                sums[key] = sums.get(key, 0.0) + rate
        return sums

    def buckets(self, name: str, *by: str) -> dict[tuple[str, ...], dict[float, float]]:
        """Return the buckets of histograms, as rates, summed up by labels."""
        found: dict[tuple[str, ...], dict[float, float]] = {}
        for (*key, limit), rate in self.rates(f"{name}_bucket", *by, "le").items():
            found.setdefault(tuple(key), {})[float(limit)] = rate
        return found


def quantile(buckets: Mapping[float, float], part: float) -> float:
    """Return below what a part of the observations lies, as Prometheus' ``histogram_quantile`` has it.

    Args:
        buckets: by upper limit, how many lie at or below it; the last limit is infinite.
        part: between 0 and 1.
    """
    ordered = sorted(buckets.items())
    wanted = part * max((count for _, count in ordered), default=0.0)
    if wanted <= 0:
        return 0.0
    for (lower, below), (upper, until) in pairwise([(0.0, 0.0), *ordered]):
        if until >= wanted:
            return lower if upper == float("inf") else lower + (upper - lower) * (wanted - below) / (until - below)
    return ordered[-1][0]


def _copy(pair: _Pair) -> Copy:
    in_flight = sum(value for _, value in pair.after.values("user_service_http_requests_in_flight"))
    answered = sum(rate for _, rate in pair.rates(f"{_HTTP}_count"))
    return Copy(pair.after.url, pair.after.trouble, round(in_flight), answered)


def _routes(seen: _Seen) -> Iterable[RouteLine]:
    counts = seen.rates(f"{_HTTP}_count", "method", "route")
    errors: dict[tuple[str, ...], float] = {}
    for (method, route, status), rate in seen.rates(f"{_HTTP}_count", "method", "route", "status").items():
        if int(status or 0) >= _SERVER_ERROR:
            errors[method, route] = errors.get((method, route), 0.0) + rate
    buckets = seen.buckets(_HTTP, "method", "route")
    lines = (
        RouteLine(
            method,
            route,
            rate,
            errors.get((method, route), 0.0),
            quantile(buckets.get((method, route), {}), 0.5),
            quantile(buckets.get((method, route), {}), 0.99),
        )
        for (method, route), rate in counts.items()
        if rate > 0
    )
    return sorted(lines, key=lambda line: (-line.per_second, line.route, line.method))


def _pools(after: Sequence[Scrape]) -> Iterator[Pool]:
    sizes, used = _sums(after, "user_service_pool_size", "pool"), _sums(after, "user_service_pool_in_use", "pool")
    return (Pool(name, round(used.get(name, 0.0)), round(size)) for name, size in sorted(sizes.items()))


def _streams(seen: _Seen, after: Sequence[Scrape]) -> Iterator[StreamLine]:
    rates = {topic: rate for (topic,), rate in seen.rates("user_service_stream_messages_total", "topic").items()}
    lags = _sums(after, "user_service_stream_lag_messages", "topic")
    for topic in sorted({*rates, *lags}):
        yield StreamLine(topic, rates.get(topic, 0.0), round(lags.get(topic, 0.0)))


def _failures(seen: _Seen) -> Iterator[tuple[str, float]]:
    outcomes = seen.rates("user_service_use_case_seconds_count", "use_case", "outcome")
    named = {
        **{f"{case}: {outcome}": rate for (case, outcome), rate in outcomes.items() if outcome in _NO_ANSWER},
        **{
            f"background: {task}": rate
            for (task,), rate in seen.rates("user_service_maintenance_failures_total", "task").items()
        },
        **{f"relay: {code}": rate for (code,), rate in seen.rates("user_service_relay_failures_total", "code").items()},
    }
    return ((what, rate) for what, rate in sorted(named.items(), key=lambda one: (-one[1], one[0])) if rate > 0)


_NO_ANSWER: Final = frozenset({"unexpected", "unavailable", "exhausted"})


def _sums(scrapes: Iterable[Scrape], name: str, label: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for scrape in scrapes:
        for marks, value in scrape.values(name):
            sums[marks.get(label, "")] = sums.get(marks.get(label, ""), 0.0) + value
    return sums


def _most(scrapes: Iterable[Scrape], name: str, **labels: str) -> float:
    """Return the greatest of what copies say of the same thing."""
    return max((value for scrape in scrapes for _, value in scrape.values(name, **labels)), default=0.0)


def _told(after: Sequence[Scrape]) -> Backlog:
    """Return what waits by the copies' last count: each has counted the same database."""
    recipients = sorted(_sums(after, "user_service_deliveries_waiting", "recipient"))
    return Backlog(
        outbox=round(_most(after, "user_service_outbox_pending")),
        outbox_oldest_s=None,
        deliveries=tuple(_delivery(after, recipient) for recipient in recipients),
        dead_letters=round(_most(after, "user_service_dead_letters_waiting")),
        parked=round(_most(after, "user_service_parked_messages")),
        overdue=round(
            sum(
                _most(after, "user_service_privacy_requests_overdue", kind=kind)
                for kind in _sums(after, "user_service_privacy_requests_overdue", "kind")
            )
        ),
    )


def _delivery(after: Sequence[Scrape], recipient: str) -> DeliveryLine:
    waiting = round(_most(after, "user_service_deliveries_waiting", recipient=recipient))
    oldest = _most(after, "user_service_deliveries_oldest_seconds", recipient=recipient)
    failed = round(_most(after, "user_service_deliveries_failed", recipient=recipient))
    return DeliveryLine(recipient, waiting, failed, oldest if waiting else None)


def _with_breakers(backlog: Backlog, after: Sequence[Scrape]) -> Backlog:
    known = _sums(after, _BREAKER_STATE, "recipient")
    deliveries = tuple(
        evolve(one, breaker=_BREAKER.get(_most(after, _BREAKER_STATE, recipient=one.recipient)))
        if one.recipient in known
        else one
        for one in backlog.deliveries
    )
    return evolve(backlog, deliveries=deliveries)

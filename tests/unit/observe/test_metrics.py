"""Metrics are declared once, documented, and scraped as declared."""

from datetime import timedelta

from tests.builders import IDS, NOW, SECOND
from usercore.delivery.ports import OutboxBatch, OutboxMessage
from usercore.delivery.values import DeliveryStanding, Recipient
from usercore.observe.metrics import Metrics, PoolUse
from usercore.privacy.requests.values import RequestKind
from usercore.privacy.retention.values import Due, Kept, ReportLine, Trail


def a_batch() -> OutboxBatch:
    message = OutboxMessage(1, IDS.event_id(), "UserCreated", IDS.user_id(), 1, NOW, b"{}", topic="user-created")
    return OutboxBatch([message], [], [4, 7])


def test_a_scrape_holds_every_declared_metric_with_its_labels() -> None:
    metrics = Metrics()
    metrics.watch_pools(lambda: [PoolUse("read", 8, 3)])
    metrics.use_case("create_user", "ok", 0.002)
    metrics.http_request("GET", "/v1/users/{userId}", 200, 0.001)
    metrics.http_in_flight(1)
    metrics.cache_reads("hit", 5)
    metrics.replica_read("primary", "behind")
    metrics.replica_lag("1", 0.5)
    metrics.rate_limited("reads")
    metrics.backlog(outbox=7)
    metrics.deliveries([DeliveryStanding(Recipient.AUDIT, 2, 1, NOW - SECOND)], NOW)
    metrics.delivery_attempted("AUDIT", "delivered")
    metrics.delivery_breaker("AUDIT", "open")
    metrics.maintenance_failed("deliver_to_audit")
    metrics.relayed(a_batch(), NOW + SECOND, 0.02)
    metrics.relay_failed("unavailable")
    metrics.overdue({RequestKind.ERASURE: 2})
    metrics.parts_ahead({Trail.AUDIT: 2})
    metrics.retained([ReportLine(Kept.ACTIVITY, timedelta(days=1), Due(3, None, held=2), 3)], NOW)
    metrics.stream_message("create-user", "applied")
    metrics.stream_batch("create-user", 0.01)
    metrics.stream_retried("unavailable")
    metrics.dead_letter("create-user", "not_json")
    metrics.stream_lag("create-user", 3)
    text = metrics.scrape().decode()
    for metric in metrics.declared():
        assert f"# HELP {metric.name} {metric.doc}" in text
        for label in metric.labels:
            assert f'{label}="' in text
    assert 'user_service_deliveries_oldest_seconds{recipient="AUDIT"} 1.0' in text
    assert 'user_service_delivery_breaker_state{recipient="AUDIT"} 2.0' in text
    assert 'user_service_privacy_requests_overdue{kind="ERASURE"} 2.0' in text
    assert 'user_service_pool_in_use{pool="read"} 3.0' in text
    assert 'user_service_cache_reads_total{result="hit"} 5.0' in text


def test_two_cores_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.cache_reads("hit", 1)
    assert 'cache_reads_total{result="hit"}' not in other.scrape().decode()


def test_observations_fall_into_the_buckets_that_prometheus_counts_upwards() -> None:
    metrics = Metrics()
    for seconds in (0.0005, 0.0006, 0.3, 99.0):
        metrics.use_case("get_user", "ok", seconds)
    lines = metrics.scrape().decode().splitlines()
    buckets = [line for line in lines if line.startswith("user_service_use_case_seconds_bucket")]
    counts = {line.partition('le="')[2].partition('"')[0]: float(line.split()[-1]) for line in buckets}
    assert counts["0.0005"] == 1  # a bound belongs to its bucket
    assert counts["0.001"] == counts["0.25"] == 2
    assert counts["0.5"] == counts["10.0"] == 3
    assert counts["+Inf"] == 4
    assert 'user_service_use_case_seconds_count{outcome="ok",use_case="get_user"} 4.0' in lines


def test_requests_in_flight_are_those_begun_and_not_ended() -> None:
    metrics = Metrics()
    metrics.http_in_flight(1)
    metrics.http_in_flight(1)
    metrics.http_in_flight(-1)
    assert "user_service_http_requests_in_flight 1.0" in metrics.scrape().decode()


def test_a_published_batch_is_counted_by_message_and_timed_from_what_happened() -> None:
    metrics = Metrics()
    metrics.relayed(a_batch(), NOW + SECOND, 0.02)
    text = metrics.scrape().decode()
    assert 'user_service_relay_events_total{message="UserCreated"} 1.0' in text
    assert "user_service_relay_lag_seconds_sum 1.0" in text
    assert "user_service_relay_shards_held 2.0" in text
    metrics.relay_idle()
    assert "user_service_relay_shards_held 0.0" in metrics.scrape().decode()

"""The outbox, and the relay that publishes it."""

from collections import Counter as TallyOf
from datetime import datetime
from typing import Final

from usercore.delivery.ports import OutboxBatch
from usercore.observe.metrics.base import Declaring
from usercore.observe.metrics.serving import SECONDS

LAG_SECONDS: Final = (*SECONDS, 60.0, 600.0, 3600.0)
"""Bucket bounds, from a batch at once to brokers that were away for an hour."""


class PublishingMetrics(Declaring):
    """How events come to the brokers."""

    def _declare_publishing(self) -> None:
        self._outbox_pending = self._gauge("user_service_outbox_pending", "Events written and not yet published.")
        self._relay_events = self._counter(
            "user_service_relay_events_total", "Events published, by message.", "message"
        )
        self._relay_failures = self._counter(
            "user_service_relay_failures_total",
            "Batches that could not be published, by the code of the error; they are tried again.",
            "code",
        )
        self._relay_batches = self._tallies(
            "user_service_relay_batch_seconds",
            "Time from taking shards of the outbox to letting go of them, where something was published.",
            bounds=SECONDS,
        )
        self._relay_lag = self._tallies(
            "user_service_relay_lag_seconds",
            "Time from what happened to the brokers' acknowledgement of its event.",
            bounds=LAG_SECONDS,
        )
        self._relay_shards = self._gauge(
            "user_service_relay_shards_held",
            "Shards of the outbox that this process published last; 0 when there was nothing.",
        )

    def backlog(self, *, outbox: int) -> None:
        """Set how many events wait to go out."""
        self._outbox_pending.set(outbox)

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

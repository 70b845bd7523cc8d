"""Deliveries to the services around us."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from usercore.delivery.breaker import BreakerState
from usercore.delivery.values import DeliveryStanding
from usercore.observe.metrics.base import Declaring

_BREAKER: Final = {BreakerState.CLOSED.value: 0, BreakerState.HALF_OPEN.value: 1, BreakerState.OPEN.value: 2}


class DeliveringMetrics(Declaring):
    """How things stand between us and those whom we tell."""

    def _declare_deliveries(self) -> None:
        self._deliveries_waiting = self._gauge(
            "user_service_deliveries_waiting",
            "Deliveries that a service around us has not acknowledged.",
            "recipient",
        )
        self._deliveries_failed = self._gauge(
            "user_service_deliveries_failed",
            "Deliveries that were given up, about which no operator has decided.",
            "recipient",
        )
        self._deliveries_oldest = self._gauge(
            "user_service_deliveries_oldest_seconds",
            "Age of the oldest delivery that waits; 0 where none does.",
            "recipient",
        )
        self._delivery_attempts = self._counter(
            "user_service_delivery_attempts_total",
            "Calls to the services around us, by outcome: delivered, postponed, refused, given_up.",
            "recipient",
            "outcome",
        )
        self._delivery_breaker = self._gauge(
            "user_service_delivery_breaker_state",
            "Whether a service is left alone: 0 no (closed), 1 it is being probed (half open), 2 yes (open).",
            "recipient",
        )

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

"""Every metric of the service, declared once, a module for each topic. `docs/metrics.md` is made from here.

Labels hold words from code alone: names of use cases, route templates, error codes. A registry belongs to one
:class:`Metrics`, so that several cores can live in one process.
"""

from typing import Final

from prometheus_client import generate_latest

from usercore.observe.metrics.base import Declared
from usercore.observe.metrics.consuming import ConsumingMetrics
from usercore.observe.metrics.delivering import DeliveringMetrics
from usercore.observe.metrics.privacy import PrivacyMetrics
from usercore.observe.metrics.publishing import PublishingMetrics
from usercore.observe.metrics.replicas import ReplicaMetrics
from usercore.observe.metrics.serving import PoolUse, ServingMetrics

__all__ = ["CONTENT_TYPE", "Declared", "Metrics", "PoolUse"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Source: Prometheus exposition formats, text-based format 0.0.4."""


class Metrics(ServingMetrics, ReplicaMetrics, PublishingMetrics, PrivacyMetrics, DeliveringMetrics, ConsumingMetrics):
    """The metrics of one core and the runner around it."""

    def __init__(self) -> None:
        """Make every metric, at zero."""
        super().__init__()
        self._declare_serving()
        self._declare_replicas()
        self._declare_publishing()
        self._declare_privacy()
        self._declare_deliveries()
        self._declare_stream()

    def scrape(self) -> bytes:
        """Return every metric in Prometheus' text format."""
        return generate_latest(self.registry)

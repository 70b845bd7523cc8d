"""Reads that replicas may answer, and how old their answers may be."""

from usercore.observe.metrics.base import Declaring


class ReplicaMetrics(Declaring):
    """What the database's replicas do."""

    def _declare_replicas(self) -> None:
        self._replica_reads = self._counter(
            "user_service_replica_reads_total",
            "Reads that replicas may answer, by who did (replica, primary) and why: fresh; caller (who wants the "
            "primary, or of whom nobody knows what they wrote), unknown (where the primary stands), behind, down, "
            "failed.",
            "target",
            "reason",
        )
        self._replica_lag = self._gauge(
            "user_service_replica_lag_seconds",
            "How old what a replica answers may be at most, by its place in the settings; infinite where it does not "
            "answer.",
            "replica",
        )

    def replica_read(self, target: str, reason: str) -> None:
        """Count a read that replicas may answer."""
        self._replica_reads.labels(target, reason).inc()

    def replica_lag(self, replica: str, seconds: float) -> None:
        """Set how old what a replica answers may be at most."""
        self._replica_lag.labels(replica).set(seconds)

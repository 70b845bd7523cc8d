"""Privacy requests, the audit trail, and retention."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from usercore.observe.metrics.base import Declaring
from usercore.privacy.requests.values import RequestKind
from usercore.privacy.retention.values import ReportLine, Trail


class PrivacyMetrics(Declaring):
    """What is owed to people, and to those who look after it."""

    def _declare_privacy(self) -> None:
        self._privacy_overdue = self._gauge(
            "user_service_privacy_requests_overdue",
            "Privacy requests that were not answered in the time of the law, by kind.",
            "kind",
        )
        self._audit_checkpoint = self._gauge(
            "user_service_audit_checkpoint_time_seconds",
            "When the last checkpoint of the audit trail was made, in seconds since 1970.",
        )
        self._retained = self._counter(
            "user_service_retention_done_total",
            "Rows deleted and accounts acted upon by the retention schedule, by rule.",
            "rule",
        )
        self._retention_held = self._gauge(
            "user_service_retention_held",
            "Rows and accounts that the last run left for a legal hold or a restriction, by rule.",
            "rule",
        )
        self._retention_last = self._gauge(
            "user_service_retention_last_run_seconds",
            "When this process last ran the retention schedule to its end, in seconds since 1970; 0: never.",
        )

        self._parts_ahead = self._gauge(
            "user_service_parts_ahead",
            "Parts of history and of the audit trail that are ready beyond the one that is written to, by trail.",
            "trail",
        )

    def parts_ahead(self, ahead: Mapping[Trail, int]) -> None:
        """Set how many parts of each trail are ready."""
        for trail, count in ahead.items():
            self._parts_ahead.labels(trail.value).set(count)

    def audit_checkpoint(self, at: datetime) -> None:
        """Set when the last checkpoint of the audit trail was made."""
        self._audit_checkpoint.set(at.timestamp())

    def overdue(self, by_kind: Mapping[RequestKind, int]) -> None:
        """Set how many privacy requests are overdue; a kind that has none is shown as 0."""
        for kind in RequestKind:
            self._privacy_overdue.labels(kind.value).set(by_kind.get(kind, 0))

    def retained(self, lines: Sequence[ReportLine], at: datetime) -> None:
        """Take down what a run of the retention schedule did; no line: it was not due."""
        for line in lines:
            self._retained.labels(line.rule.value).inc(line.done)
            self._retention_held.labels(line.rule.value).set(line.due.held)
        if lines:
            self._retention_last.set(at.timestamp())

"""Write deploy/grafana/user-service.json, the dashboard; `--check` fails when it has drifted."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

PAGE: Final = Path(__file__).resolve().parent.parent / "deploy" / "grafana" / "user-service.json"
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_COLUMNS: Final = 3
_WIDTH: Final = 8
_HEIGHT: Final = 8


@frozen
class Panel:
    """One graph.

    Args:
        title: what it shows.
        unit: one of Grafana's names for units.
        queries: expressions, each with its legend. `METRIC[]` stands for a metric of the chosen copies.
        doc: what to make of it.
        limit: drawn red from there on.
    """

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]
    doc: str
    limit: float | None = None


def _rate(metric: str, by: str, legend: str) -> tuple[str, str]:
    return f"sum by ({by}) (rate(user_service_{metric}[][$__rate_interval]))", legend


def _most(metric: str, by: str, legend: str) -> tuple[str, str]:
    """Return what every copy tells of all, once."""
    return f"max by ({by}) (user_service_{metric}[])", legend


def _quantile(q: float, metric: str, by: str, legend: str) -> tuple[str, str]:
    labels = f"le, {by}" if by else "le"
    return (
        f"histogram_quantile({q}, sum by ({labels}) (rate(user_service_{metric}_bucket[][$__rate_interval])))",
        legend,
    )


_AGE: Final = "user_service_{}[] > 0"
ROWS: Final = {
    "Traffic": [
        Panel(
            "Requests by route",
            "reqps",
            [_rate("http_request_seconds_count", "method, route", "{{method}} {{route}}")],
            "Answered requests.",
        ),
        Panel(
            "Answers by status",
            "reqps",
            [_rate("http_request_seconds_count", "status", "{{status}}")],
            "5xx use up the error budget: docs/observability.md.",
        ),
        Panel(
            "Requests in flight",
            "short",
            [_most("http_requests_in_flight", "instance", "{{instance}}")],
            "Begun and not answered.",
        ),
        Panel(
            "Latency",
            "s",
            [_quantile(q, "http_request_seconds", "", f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)],
            "From a request's first byte to its answer's last.",
            1,
        ),
        Panel(
            "p99 by route",
            "s",
            [_quantile(0.99, "http_request_seconds", "route", "{{route}}")],
            "Which route is slow.",
            1,
        ),
        Panel(
            "Refused for quotas",
            "reqps",
            [
                _rate("rate_limit_refusals_total", "policy", "{{policy}}"),
                _rate("rate_limit_fallbacks_total", "instance", "not counted together: {{instance}}"),
            ],
            "docs/rate-limits.md",
        ),
    ],
    "Use cases and what they stand on": [
        Panel(
            "Use cases",
            "ops",
            [_rate("use_case_seconds_count", "use_case", "{{use_case}}")],
            "Calls, from whichever side.",
        ),
        Panel(
            "Use cases that do not end well",
            "ops",
            [
                (
                    'sum by (use_case, outcome) (rate(user_service_use_case_seconds_count[outcome!="ok"][5m]))',
                    "{{use_case}} {{outcome}}",
                )
            ],
            "By the code of the error: docs/errors.md.",
        ),
        Panel(
            "Use cases, p99",
            "s",
            [_quantile(0.99, "use_case_seconds", "use_case", "{{use_case}}")],
            "Where the time goes.",
        ),
        Panel(
            "Pools in use",
            "percentunit",
            [
                (
                    "max by (instance, pool) (user_service_pool_in_use[] / user_service_pool_size[])",
                    "{{instance}} {{pool}}",
                )
            ],
            "At 1 whoever comes next waits for a connection.",
            0.9,
        ),
        Panel(
            "Reads of the cache",
            "ops",
            [_rate("cache_reads_total", "result", "{{result}}")],
            "bypass: Redis does not answer, and PostgreSQL is asked.",
        ),
        Panel(
            "Failing background work",
            "ops",
            [_rate("maintenance_failures_total", "task", "{{task}}")],
            "The log says why.",
        ),
    ],
    "Publishing": [
        Panel(
            "Outbox",
            "short",
            [("max(user_service_outbox_pending[])", "waiting")],
            "Events written and not yet published.",
        ),
        Panel(
            "Published",
            "ops",
            [
                _rate("relay_events_total", "message", "{{message}}"),
                _rate("relay_failures_total", "code", "failed: {{code}}"),
            ],
            "What failed is tried again: docs/kafka.md.",
        ),
        Panel(
            "From what happened to the brokers' word",
            "s",
            [_quantile(q, "relay_lag_seconds", "", f"p{q * 100:g}") for q in (0.5, 0.99)],
            "How late others hear of it.",
            60,
        ),
    ],
    "Consuming": [
        Panel(
            "Messages by outcome",
            "ops",
            [_rate("stream_messages_total", "topic, outcome", "{{topic}} {{outcome}}")],
            "repeated: what came again and had no second effect.",
        ),
        Panel(
            "Lag",
            "short",
            [("sum by (topic) (user_service_stream_lag_messages[])", "{{topic}}")],
            "Messages that have not found their end.",
            10000,
        ),
        Panel(
            "Retries in place",
            "ops",
            [_rate("stream_retries_total", "code", "{{code}}")],
            "A part of ours is away.",
        ),
        Panel(
            "Dead letters",
            "ops",
            [_rate("dead_letters_total", "topic, code", "{{topic}} {{code}}")],
            "userctl dlq list",
        ),
        Panel(
            "Set aside",
            "short",
            [
                ("max(user_service_dead_letters_waiting[])", "dead letters"),
                ("max(user_service_parked_messages[])", "parked"),
            ],
            "Dead letters wait for an operator, parked events for what they tell of.",
        ),
        Panel(
            "Batches, p99",
            "s",
            [_quantile(0.99, "stream_batch_seconds", "topic", "{{topic}}")],
            "From taking a batch to its acknowledgement.",
        ),
    ],
    "The services around this one": [
        Panel(
            "Deliveries",
            "short",
            [
                _most("deliveries_waiting", "recipient", "{{recipient}} waiting"),
                _most("deliveries_failed", "recipient", "{{recipient}} given up"),
            ],
            "docs/services.md",
        ),
        Panel(
            "Calls",
            "ops",
            [_rate("delivery_attempts_total", "recipient, outcome", "{{recipient}} {{outcome}}")],
            "By outcome.",
        ),
        Panel(
            "Breakers and the oldest delivery",
            "short",
            [
                _most("delivery_breaker_state", "recipient", "{{recipient}} breaker: 2 is open"),
                _most("deliveries_oldest_seconds", "recipient", "{{recipient}} oldest, s"),
            ],
            "An open breaker leaves a service alone for a while.",
        ),
    ],
    "Privacy and audit": [
        Panel(
            "Overdue privacy requests",
            "short",
            [_most("privacy_requests_overdue", "kind", "{{kind}}")],
            "docs/privacy-requests.md",
            1,
        ),
        Panel(
            "Age of the last checkpoint",
            "s",
            [(f"time() - max({_AGE.format('audit_checkpoint_time_seconds')})", "age")],
            "docs/audit.md",
            3600,
        ),
        Panel(
            "Retention",
            "short",
            [
                ("sum by (rule) (increase(user_service_retention_done_total[][1d]))", "{{rule}} done in a day"),
                _most("retention_held", "rule", "{{rule}} held"),
            ],
            "docs/retention.md",
        ),
    ],
}


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    return {
        "uid": "user-service",
        "title": "User Service",
        "tags": ["user-service"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_data_source(), _instances()]},
        "panels": list(_panels()),
    }


def _data_source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _instances() -> dict[str, Any]:
    query = "label_values(user_service_pool_size, instance)"
    return {
        "name": "instance",
        "label": "Copy",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": "instances"},
        "definition": query,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for title, panels in ROWS.items():
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": _at(0, top, 24, 1),
        }
        number, top = number + 1, top + 1
        for place, panel in enumerate(panels):
            line, column = divmod(place, _COLUMNS)
            yield _graph(panel, number, _at(column * _WIDTH, top + line * _HEIGHT, _WIDTH, _HEIGHT))
            number += 1
        top += -(-len(panels) // _COLUMNS) * _HEIGHT


def _at(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _graph(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    style = "off" if panel.limit is None else "line"
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.doc,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "custom": {"fillOpacity": 8, "thresholdsStyle": {"mode": style}},
                "thresholds": {"mode": "absolute", "steps": steps},
            },
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": _SOURCE, "expr": _chosen(expr), "legendFormat": legend}
            for at, (expr, legend) in enumerate(panel.queries)
        ],
    }


def _chosen(expr: str) -> str:
    """Return an expression for the chosen copies alone."""
    copies = 'instance=~"$instance"'
    return expr.replace("[]", f"{{{copies}}}").replace('[outcome!="ok"]', f'{{{copies}, outcome!="ok"}}')


def text() -> str:
    """Return the file as it should be."""
    return json.dumps(dashboard(), indent=2) + "\n"


def main(arguments: list[str]) -> None:
    """Write the dashboard, or check it."""
    if "--check" not in arguments:
        PAGE.write_text(text(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != text():
        sys.exit("deploy/grafana/user-service.json has drifted: run python tools/dashboard.py")


if __name__ == "__main__":
    main(sys.argv[1:])

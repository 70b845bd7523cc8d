"""Dashboard and alert rules ask for what the service emits, and every alert is explained and tried."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from tools import promtool
from usercore.observe.metrics import Metrics

ROOT = Path(__file__).resolve().parents[3]
DASHBOARD = ROOT / "deploy" / "grafana" / "user-service.json"
OF_PROMETHEUS = {"up": {"job", "instance"}}
OF_A_TARGET = {"job", "instance"}


def known() -> dict[str, set[str]]:
    """Return the labels of every series that a copy emits, by its name."""
    found = dict(OF_PROMETHEUS)
    for metric in Metrics().declared():
        labels = {*metric.labels, *OF_A_TARGET}
        if metric.kind == "histogram":
            found |= {f"{metric.name}_count": labels, f"{metric.name}_sum": labels}
            found[f"{metric.name}_bucket"] = labels | {"le"}
        else:
            found[metric.name] = labels
    return found


def alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load(promtool.RULES.read_text(encoding="utf-8"))
    return [rule for group in rules["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[str]:
    for rule in alerts():
        yield rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "5m")


def asked_of(expression: str) -> tuple[dict[str, set[str]], set[str]]:
    """Return the labels that are asked of each series, and those by which anything is grouped or joined."""
    series: dict[str, set[str]] = {}
    grouped: set[str] = set()

    def look(node: promql.Expr) -> None:
        vector = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if isinstance(vector, promql.VectorSelector):
            assert vector.name is not None
            series.setdefault(vector.name, set()).update(one.name for one in vector.matchers.matchers)
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            grouped.update(node.modifier.labels)

    promql.walk(promql.parse(expression), look)
    return series, grouped


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_every_series_and_label_that_is_asked_for_is_emitted(expression: str) -> None:
    series, grouped = asked_of(expression)
    emitted = known()
    assert series
    assert set(series) <= set(emitted)
    for name, labels in series.items():
        assert labels <= emitted[name], name
    assert grouped <= set.union(*(emitted[name] for name in series))


def test_a_series_that_nobody_emits_is_noticed() -> None:
    series, grouped = asked_of('sum by (colour) (rate(user_service_made_up_total{shape="round"}[5m]))')
    assert (series, grouped) == ({"user_service_made_up_total": {"shape"}}, {"colour"})
    assert "user_service_made_up_total" not in known()


def test_every_alert_is_explained_and_says_where() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    names = [rule["alert"] for rule in alerts()]
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == names
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"
        assert {"summary", "description"} <= set(rule["annotations"])


def test_every_alert_has_a_timeline_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    timelines = yaml.safe_load(promtool.TIMELINES.read_text(encoding="utf-8"))["tests"]
    names = {timeline["name"] for timeline in timelines}
    assert names == {f"{rule['alert']} {what}" for rule in alerts() for what in ("fires", "is quiet")}
    for timeline in timelines:
        [tried] = timeline["promql_expr_test"]
        assert bool(tried["exp_samples"]) == timeline["name"].endswith("fires")


@pytest.mark.skipif(promtool.found() is None, reason="no promtool: python tools/promtool.py fetches one")
def test_every_alert_fires_in_its_timeline_and_only_there() -> None:
    where = promtool.found()
    assert where is not None
    promtool.check(where)


def test_the_dashboard_is_the_one_that_the_tool_writes() -> None:
    subprocess.run([sys.executable, "tools/dashboard.py", "--check"], cwd=ROOT, check=True)


def test_panels_have_names_of_their_own_and_do_not_overlap() -> None:
    every = panels()
    assert len({panel["id"] for panel in every}) == len(every)
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in every)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24

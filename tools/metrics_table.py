"""Write docs/metrics.md from the metrics the service declares; `--check` fails when it has drifted."""

import sys
from collections.abc import Iterator
from pathlib import Path

from usercore.observe.metrics import Metrics

PAGE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
HEAD = """\
# Metrics

`GET /metrics` gives them in Prometheus' text format. Labels hold words from code alone: names of use cases, route
templates, error codes; never a path, an id or anything a caller sent. Each copy of the service counts for itself.

| metric | type | labels | what it tells |
|---|---|---|---|
"""


def page() -> str:
    """Return the page as it should be."""
    return HEAD + "".join(_rows())


def _rows() -> Iterator[str]:
    for metric in Metrics().declared():
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        yield f"| `{metric.name}` | {metric.kind} | {labels} | {metric.doc} |\n"


def main(arguments: list[str]) -> None:
    """Write the page, or check it."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/metrics.md has drifted: run python tools/metrics_table.py")


if __name__ == "__main__":
    main(sys.argv[1:])

"""A histogram for the hot path: counting costs a lookup and an addition, and the rest is done when scraped.

The client library's own histogram takes a lock for every bucket it looks at, because it serves threads. These
are counted on one event loop and scraped on it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class _Tally:
    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class Tallies(Collector):
    """Counts observations by labels and buckets.

    Args:
        name: the metric's name.
        doc: what it tells.
        labels: the labels' names.
        bounds: the buckets' upper bounds, ascending; one without a bound is added.
    """

    def __init__(self, name: str, doc: str, labels: tuple[str, ...], bounds: Sequence[float]) -> None:
        self.name = name
        self.doc = doc
        self.labels = labels
        self._bounds = tuple(bounds)
        self._bound_names = (*map(floatToGoString, bounds), "+Inf")
        self._tallies: dict[tuple[str | int, ...], _Tally] = {}

    def observe(self, labels: tuple[str | int, ...], amount: float) -> None:
        """Count one observation under the labels' values, in the order of their names."""
        tally = self._tallies.get(labels)
        if tally is None:
            tally = self._tallies[labels] = _Tally(len(self._bound_names))
        tally.counts[bisect_left(self._bounds, amount)] += 1
        tally.total += amount

    def collect(self) -> Iterator[Metric]:
        """Return everything counted so far."""
        family = HistogramMetricFamily(self.name, self.doc, labels=self.labels)
        for labels, tally in self._tallies.items():
            buckets = list(zip(self._bound_names, map(float, accumulate(tally.counts)), strict=True))
            family.add_metric([str(value) for value in labels], buckets, tally.total)
        yield family

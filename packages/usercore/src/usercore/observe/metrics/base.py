"""How a metric is declared: once, with what the documentation says of it."""

from collections.abc import Iterator, Sequence

from attrs import frozen
from prometheus_client import CollectorRegistry, Counter, Gauge

from usercore.observe.tallies import Tallies


@frozen
class Declared:
    """One metric, as the documentation shows it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    doc: str


class Declaring:
    """A registry that remembers what was declared in it, in that order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.registry = CollectorRegistry()
        self._declared: list[Declared] = []

    def declared(self) -> Iterator[Declared]:
        """List every metric in the order of its declaration."""
        yield from self._declared

    def _gauge(self, name: str, doc: str, *labels: str) -> Gauge:
        self._declared.append(Declared(name, "gauge", labels, doc))
        return Gauge(name, doc, labels, registry=self.registry)

    def _counter(self, name: str, doc: str, *labels: str) -> Counter:
        """Declare a counter; its name ends in ``_total``."""
        self._declared.append(Declared(name, "counter", labels, doc))
        return Counter(name, doc, labels, registry=self.registry)

    def _tallies(self, name: str, doc: str, *labels: str, bounds: Sequence[float]) -> Tallies:
        self._declared.append(Declared(name, "histogram", labels, doc))
        tallies = Tallies(name, doc, labels, bounds)
        self.registry.register(tallies)
        return tallies

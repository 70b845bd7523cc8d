"""What copies of the service say of themselves on `/metrics`."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import httpx
from attrs import field, frozen
from prometheus_client.parser import text_string_to_metric_families

__all__ = ["Key", "Scrape", "read_scrape", "scrape_all"]

Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name, and its labels sorted by name."""

_TIMEOUT_S: Final = 3.0
_MOST_BYTES: Final = 16 * 1024 * 1024
"""Far above what a copy says: whoever answers with more is no copy of ours."""


@frozen
class Scrape:
    """What one copy said at one moment.

    Args:
        url: of the copy.
        at: in seconds of a clock that never goes back.
        samples: by name and labels.
        trouble: why there are none, or None.
    """

    url: str
    at: float
    samples: Mapping[Key, float] = field(factory=dict, repr=False)
    trouble: str | None = None

    def values(self, name: str, **labels: str) -> Iterator[tuple[Mapping[str, str], float]]:
        """Yield the samples of a name that have these labels, with all of their labels."""
        for (known, marks), value in self.samples.items():
            if known == name and all(pair in marks for pair in labels.items()):
                yield dict(marks), value


def read_scrape(url: str, at: float, text: str) -> Scrape:
    """Return what a text in Prometheus' format says.

    Raises:
        ValueError: it is in no such format.
    """
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return Scrape(url, at, samples)


async def scrape_all(client: httpx.AsyncClient, urls: Sequence[str]) -> tuple[Scrape, ...]:
    """Return what every copy says now, in the order given; one that does not answer says why."""
    return tuple(await asyncio.gather(*(_scrape(client, url) for url in urls)))


async def _scrape(client: httpx.AsyncClient, url: str) -> Scrape:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            text = await _fetch(client, url)
        return read_scrape(url, time.monotonic(), text)
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL):
        trouble = "does not answer"
    except ValueError:
        trouble = "does not answer with metrics"
    return Scrape(url, time.monotonic(), trouble=trouble)


async def _fetch(client: httpx.AsyncClient, url: str) -> str:
    target = url if url.endswith("/metrics") else url.rstrip("/") + "/metrics"
    async with client.stream("GET", target) as answer:
        answer.raise_for_status()
        body = bytearray()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > _MOST_BYTES:
                raise ValueError("too long to be metrics")
    return body.decode()

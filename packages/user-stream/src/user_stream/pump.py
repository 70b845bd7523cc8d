"""From Faust's stream of events to batches, and back to acknowledgements.

What Faust 0.15.3 does to offsets decides the order of things here. It commits the highest acknowledged offset
whenever no gap lies before it, and overlooks a gap of one message, and any gap before the first commit. So events
are acknowledged in the order of their arrival, and only when every event of their batch has found its end: no offset
that is acknowledged ever stands behind one that is not. An event that escapes through an exception would be
acknowledged by Faust itself, so none does: what ends a batch early ends the process.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import suppress
from time import perf_counter
from typing import Any, Final, Protocol

from usercore.messaging.values import RawMessage
from usercore.observe.metrics import Metrics

__all__ = ["Pump", "raw_message"]

_MILLISECONDS: Final = 1000
LINGER_S: Final = 0.02
"""As long as Faust takes to hand over some hundred events; no message waits for it that has none behind it."""


class Event(Protocol):
    """What Faust calls an event, as far as we need it."""

    @property
    def message(self) -> Any:  # noqa: ANN401 -- Faust's own message
        """The record."""
        ...

    def ack(self) -> bool:
        """Let its offset be committed."""
        ...


def raw_message(record: Any, prefix: str) -> RawMessage:  # noqa: ANN401 -- Faust's own message
    """Return a record untouched; headers are the pairs as they came, as a mapping would lose repeated ones."""
    return RawMessage(
        topic=record.topic.removeprefix(prefix),
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=round((record.timestamp or 0.0) * _MILLISECONDS),
        key=record.key,
        value=record.value,
        headers=tuple((name, value or b"") for name, value in record.headers or ()),
    )


class Pump:
    """Moves the events of one topic through the processor, batch by batch.

    Args:
        topic: without the deployment's prefix.
        prefix: the deployment's.
        most: events in a batch.
        work: brings every message of a batch to its end, or raises.
        metrics: times the batches.
        behind: whether the broker has more of an event's partition than that event.
        linger_s: how long a batch may then fill.
    """

    def __init__(
        self,
        topic: str,
        prefix: str,
        most: int,
        work: Callable[[Sequence[RawMessage]], Awaitable[None]],
        metrics: Metrics,
        *,
        behind: Callable[[Event], bool] = lambda _: False,
        linger_s: float = LINGER_S,
    ) -> None:
        self.topic = topic
        self._prefix = prefix
        self._most = most
        self._work = work
        self._metrics = metrics
        self._behind = behind
        self._linger_s = linger_s
        self._arrived: deque[Event] = deque()
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._closing = False
        self.finished: dict[int, int] = {}
        """By partition: the offset behind the last message that found its end here."""

    async def read(self, stream: Any) -> None:  # noqa: ANN401 -- Faust's own stream
        """Take events from Faust for ever: the whole of an agent. A full queue makes Faust wait, and so the broker."""
        events: AsyncIterable[Event] = stream.noack().events()
        async for event in events:
            self._arrived.append(event)
            self._some.set()
            if len(self._arrived) >= self._most:
                self._enough.set()
                self._room.clear()
                await self._room.wait()

    async def run(self) -> None:
        """Work until closed; the batch in hand is finished first.

        Raises:
            Exception: what the processor raised. Nothing of that batch is acknowledged.
        """
        while (batch := await self._next()) is not None:
            await self._finish(batch)

    def reads(self, topic: str) -> bool:
        """Whether this is its topic, the deployment's prefix included."""
        return topic == self._prefix + self.topic

    def close(self) -> None:
        """Take no further batch. What has arrived and is in none is not acknowledged, so it comes again."""
        self._closing = True
        self._some.set()
        self._enough.set()

    async def _next(self) -> Sequence[Event] | None:
        """Return what has arrived, and wait for the first of it; None once closed.

        Faust hands over one event at a time, slower than a small batch is worked on. So where the broker is known to
        have more, the batch is given a moment to fill: batches would stay small, and each costs its round trips.
        """
        await self._some.wait()
        if not self._closing and len(self._arrived) < self._most and self._behind(self._arrived[-1]):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._enough.wait(), self._linger_s)
        if self._closing:
            return None
        batch = [self._arrived.popleft() for _ in range(min(self._most, len(self._arrived)))]
        if not self._arrived:
            self._some.clear()
        self._enough.clear()
        self._room.set()
        return batch

    async def _finish(self, batch: Sequence[Event]) -> None:
        began = perf_counter()
        await self._work([raw_message(event.message, self._prefix) for event in batch])
        for event in batch:
            event.ack()
            self.finished[event.message.partition] = event.message.offset + 1
        self._metrics.stream_batch(self.topic, perf_counter() - began)

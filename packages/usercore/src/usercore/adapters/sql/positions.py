"""Where the primary stood, and when: what tells how old a replica's answers can be at most."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from attrs import define, field

from usercore.kernel.consistency import Position

CURRENT: Final = b"""
SELECT (CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()
        ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::bigint
"""
"""SQL for the position of a primary: whatever was committed before lies before it. What is flushed does where COMMIT
waits for that; the flushed part is preferred because the rest may reach replicas only with the next flush."""


@define(eq=False)
class Positions:
    """Remembers positions of the primary for as long as replicas may lag.

    Args:
        max_lag_s: how old the answers of a replica may be at most.
        now: a clock that never goes back, in seconds.
    """

    max_lag_s: float
    now: Callable[[], float] = monotonic
    latest: Position = 0
    """At least as far as everything that this process has had acknowledged."""
    _samples: deque[tuple[float, Position]] = field(factory=deque, init=False)
    _committed_since: Position = field(default=0, init=False)
    _asking: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    def committed(self, position: Position) -> None:
        """Take note of a position that the primary told after a COMMIT."""
        self.latest = max(self.latest, position)
        self._committed_since = max(self._committed_since, position)

    async def sample(self, ask: Callable[[], Awaitable[Position]]) -> None:
        """Ask where the primary stands.

        Another server in its place may stand further back, so what was known before does not count any more: who is
        asked now knows of every commit that was acknowledged before the question.
        """
        async with self._asking:
            asked_at, self._committed_since = self.now(), 0
            position = await ask()
            self.latest = max(position, self._committed_since)
            self._samples.append((asked_at, position))
            while self._samples and self._samples[0][0] < asked_at - self.max_lag_s:
                self._samples.popleft()

    def least(self) -> Position | None:
        """Return how far a replica must have come so that its answers are not too old; None: that is not known."""
        oldest = self.now() - self.max_lag_s
        return next((position for at, position in self._samples if at >= oldest), None)

    def age(self, position: Position) -> float:
        """Return by how many seconds answers from a position may be out of date at most; infinity where it is long."""
        reached = [at for at, sampled in self._samples if sampled <= position]
        return self.now() - reached[-1] if reached else float("inf")

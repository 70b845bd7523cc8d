"""Who wrote last and when, in this process alone."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from usercore.kernel.consistency import Position, WriteMarks


class MemoryWriteMarks:
    """Remembers positions.

    Args:
        ttl_s: for how long.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, ttl_s: float, now: Callable[[], float] = monotonic) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._marks: OrderedDict[str, tuple[float, Position]] = OrderedDict()
        """By caller, whoever wrote last at the end."""

    async def remember(self, caller: str, position: Position) -> None:
        """Keep a position of a caller, unless a later one is kept."""
        self._forget()
        _, before = self._marks.pop(caller, (0.0, 0))
        self._marks[caller] = (self._now() + self._ttl_s, max(before, position))

    async def last(self, caller: str) -> Position:
        """Return the last position of a caller; 0 where none is remembered, or not any more."""
        self._forget()
        _, position = self._marks.get(caller, (0.0, 0))
        return position

    def _forget(self) -> None:
        now = self._now()
        while self._marks and next(iter(self._marks.values()))[0] <= now:
            self._marks.popitem(last=False)


if TYPE_CHECKING:
    _marks: WriteMarks = MemoryWriteMarks(1.0)

"""How far a replica must have come for somebody to read there what they know of.

A position is how much the database had written down at some moment; it only grows. Whoever has a position, and reads
where the database has come as far, sees everything that was acknowledged before that moment.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol, TypeAlias

from attrs import define, field

Position: TypeAlias = int
"""Bytes of PostgreSQL's write-ahead log before it; 0: before everything."""


@define(eq=False)
class Reading:
    """The reads of one caller that replicas may answer. Reads outside of one are answered by the primary alone.

    Args:
        must_see: asks, at the first such read, how far a replica must have come; None: none will do.
    """

    must_see: Callable[[], Awaitable[Position | None]]
    seen: Position = 0
    """How far the database had come that answered last; what is read later is read there or further on."""
    _least: Position | None = field(default=None, init=False)
    _asked: bool = field(default=False, init=False)

    async def least(self) -> Position | None:
        """Return how far whoever answers the next read must have come; None: only the primary will do."""
        if not self._asked:
            self._least, self._asked = await self.must_see(), True
        return None if self._least is None else max(self._least, self.seen)


_CURRENT: Final[ContextVar[Reading | None]] = ContextVar("reading", default=None)


def current_reading() -> Reading | None:
    """Return the reading that this task is about, or None."""
    return _CURRENT.get()


@contextmanager
def reading_as(reading: Reading) -> Iterator[Reading]:
    """Let replicas answer what is read inside."""
    token = _CURRENT.set(reading)
    try:
        yield reading
    finally:
        _CURRENT.reset(token)


class WriteMarks(Protocol):
    """Remembers for a while how far the database had come when a caller last wrote."""

    async def remember(self, caller: str, position: Position) -> None:
        """Keep a position of a caller, unless a later one is kept.

        Args:
            caller: who wrote; callers are told apart by this word, which leaves the process hashed alone.
            position: at least as far as what they wrote.

        Raises:
            UnavailableError: what remembers does not answer.
        """
        ...

    async def last(self, caller: str) -> Position:
        """Return the last position of a caller; 0 where none is remembered, or not any more.

        Raises:
            UnavailableError: what remembers does not answer.
        """
        ...

"""Time and ids by the standard library alone."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import define, field, frozen

from usercore.kernel.ids import EventId, UserId
from usercore.kernel.ports import Clock, IdGenerator

_VERSION: Final = 7 << 76
_VARIANT: Final = 0b10 << 62
_COUNTER_BITS: Final = 12
_RANDOM_BITS: Final = 62


@frozen
class SystemClock:
    """The clock of the operating system."""

    def now(self) -> datetime:
        """Return the time now: aware, in UTC, whole microseconds."""
        return datetime.now(UTC)


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


@define(eq=False)
class Uuid7Ids:
    """Makes UUIDv7, each greater than the one before, even within a millisecond.

    Source: RFC 9562, 5.7, with the fixed-length dedicated counter of 6.2, method 1, in `rand_a`: it
    begins at a random value below half its range, and borrows the next millisecond when it is full.

    Args:
        unix_ms: the time in milliseconds since 1970.
    """

    _unix_ms: Callable[[], int] = field(default=_unix_ms)
    _last_ms: int = field(default=0, init=False)
    _counter: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def user_id(self) -> UserId:
        """Return a new UUIDv7 in canonical text form."""
        return UserId(self._next())

    def event_id(self) -> EventId:
        """Return a new UUIDv7 in canonical text form."""
        return EventId(self._next())

    def _next(self) -> str:
        with self._lock:
            moment, counter = self._tick()
        low = _VARIANT | secrets.randbits(_RANDOM_BITS)
        return str(UUID(int=moment << 80 | _VERSION | counter << 64 | low))

    def _tick(self) -> tuple[int, int]:
        now = self._unix_ms()
        if now > self._last_ms:
            self._begin(now)
        elif self._counter + 1 >> _COUNTER_BITS:
            self._begin(self._last_ms + 1)
        else:
            self._counter += 1
        return self._last_ms, self._counter

    def _begin(self, moment: int) -> None:
        self._last_ms, self._counter = moment, secrets.randbits(_COUNTER_BITS - 1)


if TYPE_CHECKING:
    _clock: Clock = SystemClock()
    _ids: IdGenerator = Uuid7Ids()

"""What segments ask of the world outside."""

from collections.abc import Sequence
from typing import Protocol

from usercore.segments.values import Count, Segment
from usercore.users.conditions import Condition


class SegmentCounter(Protocol):
    """Counts those of whom a condition holds, in the states in which users are still themselves."""

    async def count(self, condition: Condition, *, within_s: float) -> Count:
        """Return how many they are at one moment: exactly, or at least, where looking takes longer than it may.

        Args:
            condition: what must hold.
            within_s: how long to look, about.

        Raises:
            UnavailableError: the database does not answer, or not in time.
        """
        ...

    async def plan(self, condition: Condition) -> Sequence[str]:
        """Return, line by line and for people, how the store would look for them; nothing is looked for.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...


class SegmentStore(Protocol):
    """Keeps filters under names."""

    async def all(self) -> Sequence[Segment]:
        """Return every segment, by name.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def get(self, name: str) -> Segment | None:
        """Return the segment of a name, or None.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def add(self, segment: Segment) -> bool:
        """Keep a segment; False where its name is taken, and nothing was done.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def remove(self, name: str) -> Segment | None:
        """Forget a segment, and return it; None where there was none.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

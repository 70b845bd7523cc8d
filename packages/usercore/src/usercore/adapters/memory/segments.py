"""Segments, counted and kept in memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.conditions import MemoryConditions
from usercore.adapters.memory.database import MemoryDatabase
from usercore.segments.ports import SegmentCounter, SegmentStore
from usercore.segments.values import Count, Segment
from usercore.users.conditions import Condition
from usercore.users.queries import PRESENT


@frozen
class MemorySegmentCounter:
    """Counts users by looking at every one of them: fit for thousands, not for millions."""

    database: MemoryDatabase

    async def count(self, condition: Condition, *, within_s: float) -> Count:  # noqa: ARG002 -- it is quick
        """Return how many they are."""
        conditions, users = MemoryConditions(self.database), self.database.users.values()
        return Count(sum(user.status.state in PRESENT and conditions.hold(condition, user) for user in users))

    async def plan(self, condition: Condition) -> Sequence[str]:  # noqa: ARG002 -- always the same
        """Say that everybody is looked at."""
        return ["every user in memory is looked at"]


@frozen
class MemorySegmentStore:
    """Keeps filters under names."""

    database: MemoryDatabase

    async def all(self) -> Sequence[Segment]:
        """Return every segment, by name."""
        return sorted(self.database.segments.values(), key=lambda segment: segment.name)

    async def get(self, name: str) -> Segment | None:
        """Return the segment of a name, or None."""
        return self.database.segments.get(name)

    async def add(self, segment: Segment) -> bool:
        """Keep a segment; False where its name is taken."""
        return self.database.segments.setdefault(segment.name, segment) is segment

    async def remove(self, name: str) -> Segment | None:
        """Forget a segment, and return it; None where there was none."""
        return self.database.segments.pop(name, None)


if TYPE_CHECKING:
    _counter: SegmentCounter = MemorySegmentCounter(MemoryDatabase())
    _store: SegmentStore = MemorySegmentStore(MemoryDatabase())

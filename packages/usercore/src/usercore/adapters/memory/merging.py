"""Merges, in memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId, UserId
from usercore.merging.ports import MergeReader
from usercore.merging.values import Merge


@frozen
class MemoryMergeReader:
    """Reads merges."""

    database: MemoryDatabase

    async def get(self, merge_id: EventId) -> Merge | None:
        """Return a merge, or None."""
        return self.database.merges.get(merge_id)

    async def current(self, merged: UserId) -> Merge | None:
        """Return the merge by which an account ended, or None."""
        found = (one for one in self.database.merges.values() if one.merged == merged and one.undone is None)
        return next(found, None)

    async def of(self, user_id: UserId) -> Sequence[Merge]:
        """Return the merges that a user was part of, the newest first."""
        found = (one for one in self.database.merges.values() if user_id in {one.survivor, one.merged})
        return sorted(found, key=lambda one: (one.at, one.id), reverse=True)

    async def obstacle(self, survivor: UserId, merged: UserId) -> UserCoreError | None:
        """Return why the law forbids to touch one of the two now."""
        return self.database.obstacle(survivor, merged)

    async def facts(self, user_id: UserId) -> int:
        """Return how many facts are kept about a user."""
        return sum(entry.user_id == user_id for entry in self.database.facts.values())

    async def facts_told_of(self, merged: UserId, survivor: UserId) -> int:
        """Return how many of a survivor's facts were told of a merged account, or of one merged into that."""
        theirs = {merged, *self.database.merged_into(merged)}
        told = ((name, entry) for name, entry in self.database.facts.items() if entry.user_id == survivor)
        return sum(self.database.told_of.get(name) in theirs for name, _ in told)


if TYPE_CHECKING:
    _merges: MergeReader = MemoryMergeReader(MemoryDatabase())

"""What merging asks of the world outside."""

from collections.abc import Sequence
from typing import Protocol

from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId, UserId
from usercore.merging.values import Merge


class MergeReader(Protocol):
    """Reads merges. They are written with the step that announces them.

    Every method raises UnavailableError where the database does not answer.
    """

    async def get(self, merge_id: EventId) -> Merge | None:
        """Return a merge, or None."""
        ...

    async def current(self, merged: UserId) -> Merge | None:
        """Return the merge by which an account ended, or None where it stands by itself."""
        ...

    async def of(self, user_id: UserId) -> Sequence[Merge]:
        """Return the merges in which a user stayed or went, the newest first; those that were undone too."""
        ...

    async def obstacle(self, survivor: UserId, merged: UserId) -> UserCoreError | None:
        """Return why the law forbids to touch one of the two now: a UserHeldError or a MergeRequestOpenError.

        The transaction of a merge looks once more.
        """
        ...

    async def facts(self, user_id: UserId) -> int:
        """Return how many facts about what a user did are kept."""
        ...

    async def facts_told_of(self, merged: UserId, survivor: UserId) -> int:
        """Return how many of a survivor's facts were told of a merged account, or of one merged into that before."""
        ...

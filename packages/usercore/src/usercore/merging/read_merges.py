"""Look at merges."""

from collections.abc import Sequence

from attrs import frozen

from usercore.kernel.ids import EventId, UserId
from usercore.merging.errors import MergeNotFoundError
from usercore.merging.ports import MergeReader
from usercore.merging.values import Merge, MergePolicy
from usercore.users.history import living
from usercore.users.ports import UserReader


@frozen
class ReadMerges:
    """Reads the merges that a user was part of."""

    users: UserReader
    merges: MergeReader
    policy: MergePolicy

    async def __call__(self, user_id: UserId) -> Sequence[Merge]:
        """Return the merges in which a user stayed or went, the newest first; those that were undone too.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
        """
        await living(self.users, user_id)
        return await self.merges.of(user_id)

    async def one(self, user_id: UserId, merge_id: EventId) -> Merge:
        """Return one merge that a user was part of.

        Raises:
            UserNotFoundError, UserErasedError: there is no such user.
            MergeNotFoundError: there is no such merge of theirs.
        """
        await living(self.users, user_id)
        merge = await self.merges.get(merge_id)
        if merge is None or user_id not in {merge.survivor, merge.merged}:
            raise MergeNotFoundError
        return merge

    async def made_at(self, survivor: UserId, version: int) -> Merge:
        """Return the merge that made a version of its survivor.

        Raises:
            MergeNotFoundError: none did.
        """
        for merge in await self.merges.of(survivor):
            if merge.survivor == survivor and merge.survivor_version == version:
                return merge
        raise MergeNotFoundError

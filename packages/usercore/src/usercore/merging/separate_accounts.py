"""Make accounts of their own again of those that a restored backup has as merged into erased ones."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ids import UserId
from usercore.merging.ports import MergeReader
from usercore.merging.undo_merge import UndoMerge, UndoMergeCommand
from usercore.merging.values import Merge, MergePolicy
from usercore.privacy.requests.ports import Separation
from usercore.users.ports import UserReader

WHENEVER: Final = MergePolicy(undo_within=timedelta(days=365_000))
"""Lets merges be taken back however long ago they were made."""
_REASON: Final = "taken back before the erasure, which a restored backup did not know"


@frozen
class SeparateAccounts:
    """Takes merges back of which the ledger of erasures tells that they had been taken back.

    An erasure takes along whoever is merged into the account, and the ledger names each. Whom it does not name was
    somebody else again by then.

    Args:
        users: read whoever was merged.
        merges: by which.
        undo: takes one back, however long ago it was made.
    """

    users: UserReader
    merges: MergeReader
    undo: UndoMerge

    async def __call__(self, people: Sequence[UserId], erased: Collection[UserId], context: CommandContext) -> None:
        """Take back the merges of accounts that are not erased into accounts that are.

        Args:
            people: whose erasure is to be done again.
            erased: everybody whom the ledger names.
            context: who asks.

        Raises:
            UnavailableError: the database does not answer.
        """
        for person in people:
            for merged in await self.users.merged_into(person):
                if merged not in erased:
                    await self._separate(merged, erased, context)

    async def _separate(self, merged: UserId, erased: Collection[UserId], context: CommandContext) -> None:
        chain = await self._chain(merged)
        if not chain or chain[0].survivor not in erased:
            return
        try:
            for merge in reversed(chain):
                await self.undo(UndoMergeCommand(merge.survivor, merge.id, _REASON), context)
        except UnavailableError:
            raise
        except UserCoreError:
            # A hold, say, or a name that somebody else has by now. The account stays as it is, and is not erased.
            return

    async def _chain(self, merged: UserId) -> Sequence[Merge]:
        """Return the merges that lead from an account to the one that stands for it, the nearest first."""
        chain: list[Merge] = []
        while (merge := await self.merges.current(merged)) is not None:
            chain.append(merge)
            merged = merge.survivor
        return chain


if TYPE_CHECKING:

    def _conforms(users: UserReader, merges: MergeReader, undo: UndoMerge) -> Separation:
        return SeparateAccounts(users, merges, undo)

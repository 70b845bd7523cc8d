"""Commits that leave no stale value in the cache."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from usercore.adapters.redis.link import Shielded
from usercore.adapters.redis.protocol import WriteThrough
from usercore.kernel.errors import UserCoreError
from usercore.users.ports import Change, UserWriter


class FencedUserWriter:
    """Commits with the cache fenced; what has begun runs to its end even if the caller is cancelled.

    Args:
        through: writes by the protocol.
        shielded: runs it.
    """

    def __init__(self, through: WriteThrough, shielded: Shielded) -> None:
        self._through = through
        self._shielded = shielded

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit each change whole, or not at all, without regard to the others."""
        if not changes:
            return []
        return await self._shielded.run(self._through.commit(changes))


if TYPE_CHECKING:

    def _conform(writer: FencedUserWriter) -> None:
        _writer: UserWriter = writer

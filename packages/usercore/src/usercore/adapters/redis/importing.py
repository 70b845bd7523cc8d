"""Imports that leave no stale value in the cache."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from usercore.adapters.redis.link import Shielded
from usercore.adapters.redis.protocol import Fence
from usercore.bulk.imports.creations import Creation, change_of, is_new
from usercore.bulk.imports.ports import ImportWriter, Loaded, Settle, Settled
from usercore.bulk.imports.values import Import
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.users.ports import Change

_FENCED_AT_ONCE: Final = 200
"""Users in one step of the server, which serves nobody else meanwhile."""


class FencedImportWriter:
    """Commits batches with the cache fenced; what has begun runs to its end even if the caller is cancelled.

    Users who are new are not in the cache, and nobody can have been given a lease to put them there.

    Args:
        inner: who commits.
        fence: keeps readers from filling meanwhile.
        shielded: runs it.
    """

    def __init__(self, inner: ImportWriter, fence: Fence, shielded: Shielded) -> None:
        self._inner = inner
        self._fence = fence
        self._shielded = shielded

    def load(self, steps: Sequence[Change | Creation], *, quiet: bool) -> Loaded:
        """Make changes ready."""
        return self._inner.load(steps, quiet=quiet)

    async def commit(self, begun: Import, loaded: Loaded, settle: Settle) -> Settled | None:
        """Commit the changes that nothing stands against, the errors and the progress."""
        ids = list(dict.fromkeys(change_of(one).user.id for one in loaded.steps if not is_new(one)))
        return await self._shielded.run(self._around(ids, begun, loaded, settle))

    async def probe(self, begun: Import, loaded: Loaded) -> Sequence[UserCoreError | None]:
        """Return for each change why it would be refused as things stand, or None."""
        return await self._inner.probe(begun, loaded)

    async def _around(self, ids: Sequence[UserId], begun: Import, loaded: Loaded, settle: Settle) -> Settled | None:
        """Fence part after part, commit inside all of the fences, and lift them."""
        if not ids:
            return await self._inner.commit(begun, loaded, settle)
        rest = ids[_FENCED_AT_ONCE:]
        return await self._fence.around(ids[:_FENCED_AT_ONCE], lambda: self._around(rest, begun, loaded, settle))


if TYPE_CHECKING:

    def _conform(writer: FencedImportWriter) -> None:
        _writer: ImportWriter = writer

"""Group commit: changes of many callers in one transaction, each answered after its COMMIT."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from usercore.kernel.errors import UserCoreError
from usercore.kernel.gather import Gatherer
from usercore.kernel.ids import UserId
from usercore.users.ports import Change, UserWriter

MOST_AT_ONCE: Final = 128
"""Changes in one transaction: more would keep the first of them waiting without costing less each."""
MOST_WAITING: Final = 2048
"""Changes that may wait; more are refused. Some tenths of a second's work at full speed."""


class GroupCommitUserWriter:
    """Commits the changes of many callers together. Use it as an async context manager.

    A call with one change waits for the next batch; a call with several is a batch already and goes
    straight on. The change of a caller who is cancelled is committed whole, or was never begun. Changes
    of one user that wait here are begun in the order of the calls, and never beside each other.

    Args:
        inner: who commits a batch.
        most_waiting: changes that may wait for a batch before more are refused.
    """

    def __init__(self, inner: UserWriter, *, most_waiting: int = MOST_WAITING) -> None:
        self._inner = inner
        self._gatherer: Gatherer[Change, UserCoreError | None] = Gatherer(
            inner.commit, most_at_once=MOST_AT_ONCE, most_waiting=most_waiting, lane=_user_of, name="commit changes"
        )

    async def __aenter__(self) -> Self:
        """Return the writer."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit what waits and refuse new changes."""
        await self._gatherer.aclose()

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit each change whole, or not at all, without regard to the others."""
        if len(changes) != 1:
            return await self._inner.commit(changes)
        return [await self._gatherer(changes[0])]


def _user_of(change: Change) -> UserId:
    return change.user.id


if TYPE_CHECKING:

    def _conform(inner: UserWriter) -> None:
        _writer: UserWriter = GroupCommitUserWriter(inner)

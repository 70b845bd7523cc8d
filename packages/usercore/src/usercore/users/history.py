"""What happened to a user, and how the profile stood at a time."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from attrs import evolve, frozen

from usercore.kernel.changes import undo
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.errors import UserErasedError, UserMergedError, UserNotFoundError
from usercore.users.model import User
from usercore.users.ports import HistoryEntry, HistoryReader, UserReader
from usercore.users.queries import require_limit
from usercore.users.values import AccountState

_BATCH: Final = 500


@frozen
class ReadHistory:
    """Reads a user's history, newest first."""

    users: UserReader
    history: HistoryReader

    async def __call__(
        self, user_id: UserId, *, below_version: int | None = None, limit: int = 50
    ) -> Page[HistoryEntry]:
        """Return one page; its cursor is the version below which the next page begins.

        Raises:
            QueryInvalidError: the limit is out of range.
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
        """
        require_limit(limit, "entries")
        await living(self.users, user_id)
        entries = await self.history.entries(user_id, below_version=below_version, limit=limit + 1)
        page = tuple(entries[:limit])
        return Page(page, str(page[-1].version) if len(entries) > limit else None)


@frozen
class ReadPast:
    """Restores a user as they were, by taking changes back from what they are."""

    users: UserReader
    history: HistoryReader

    async def at(self, user_id: UserId, at: datetime) -> User:
        """Return the user as they were at a time.

        Raises:
            UserNotFoundError: there is no such user, or there was none yet.
            UserErasedError: the user has been erased.
        """
        user = await living(self.users, user_id)
        version = await self.history.version_at(user_id, at)
        if version is None:
            detail = "the user did not exist yet at that time"
            raise UserNotFoundError(detail)
        return await self._restore(user, version)

    async def at_version(self, user_id: UserId, version: int) -> User:
        """Return the user as they were at a version.

        Raises:
            UserNotFoundError: there is no such user or version.
            UserErasedError: the user has been erased.
        """
        return await self._restore(await living(self.users, user_id), version)

    async def _restore(self, user: User, version: int) -> User:
        if version >= user.version:
            return user
        entry = await self.history.entry(user.id, version)
        if entry is None:
            raise UserNotFoundError
        facets = user.facets()
        async for newer in self._newer(user, version):
            facets = undo(facets, (c for c in newer.changes if c.field in facets))
        return evolve(User.of_facets(user, facets), version=version, updated_at=entry.at)

    async def _newer(self, user: User, version: int) -> AsyncIterator[HistoryEntry]:
        below = user.version + 1
        while below > version + 1:
            limit = min(_BATCH, below - version - 1)
            entries = await self.history.entries(user.id, below_version=below, limit=limit)
            if not entries:
                return
            for entry in entries:
                yield entry
            below = entries[-1].version


async def present(users: UserReader, user_id: UserId) -> User:
    """Return a user who exists as an account of their own.

    Raises:
        UserNotFoundError: there is no such user.
        UserErasedError: the user has been erased.
        UserMergedError: the account was merged into another; the error says which stands for both now.
    """
    user = await living(users, user_id)
    if user.status.state is AccountState.MERGED:
        survivor = await heir(users, user)
        raise UserMergedError(survivor=None if survivor is user else survivor.id)
    return user


async def heir(users: UserReader, user: User) -> User:
    """Return who stands for a user: the one at the end of all merges, or the user where there was none."""
    while user.status.state is AccountState.MERGED and user.status.merged_into is not None:
        following = (await users.get_many([user.status.merged_into])).get(user.status.merged_into)
        if following is None:
            return user
        user = following
    return user


async def living(users: UserReader, user_id: UserId) -> User:
    """Return a user who exists and has not been erased.

    Raises:
        UserNotFoundError: there is no such user.
        UserErasedError: the user has been erased.
    """
    user = (await users.get_many([user_id])).get(user_id)
    if user is None:
        raise UserNotFoundError
    if user.status.state is AccountState.ERASED:
        raise UserErasedError
    return user

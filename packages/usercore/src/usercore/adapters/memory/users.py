"""Users in memory: written, read for writing, served ready, listed and remembered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.conditions import MemoryConditions
from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.model import User
from usercore.users.ports import (
    Change,
    HistoryEntry,
    HistoryReader,
    Lookup,
    LookupKind,
    ProfileDocument,
    ProfileReader,
    UserDirectory,
    UserReader,
    UserWriter,
)
from usercore.users.queries import Position, UserQuery, write_cursor
from usercore.users.values import AccountState


@frozen
class MemoryUserReader:
    """Reads users."""

    database: MemoryDatabase

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, User]:
        """Return the users that exist."""
        users = self.database.users
        return {user_id: users[user_id] for user_id in ids if user_id in users}

    async def find(self, lookup: Lookup) -> User | None:
        """Return the one user so named, or None."""
        user_id = self.database.names.get((lookup.kind, lookup.value))
        return None if user_id is None else self.database.users[user_id]

    async def merged_into(self, user_id: UserId) -> Sequence[UserId]:
        """Return whose accounts were merged into a user's, over any number of merges, by id."""
        return sorted(self.database.merged_into(user_id))

    async def find_many(self, kind: LookupKind, values: Sequence[str]) -> Mapping[str, User]:
        """Return the users that have one of these names."""
        names, users = self.database.names, self.database.users
        return {value: users[names[kind, value]] for value in values if (kind, value) in names}

    async def due_for_reactivation(self, now: datetime, limit: int) -> Sequence[UserId]:
        """Return deactivated users whose `until` has come, the longest due first."""
        due = (
            (user.status.until, user.id)
            for user in self.database.users.values()
            if user.status.state is AccountState.DEACTIVATED
            and not user.restricted
            and user.status.until is not None
            and user.status.until <= now
        )
        return [user_id for _, user_id in sorted(due)[:limit]]


@frozen
class MemoryUserWriter:
    """Commits changes, each in a transaction of its own."""

    database: MemoryDatabase

    async def commit(self, changes: Sequence[Change]) -> Sequence[UserCoreError | None]:
        """Commit each change whole, or not at all, without regard to the others."""
        return [self.database.commit(change) for change in changes]


@frozen
class MemoryProfileReader:
    """Serves profiles that were rendered when they were committed."""

    database: MemoryDatabase

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        """Return the documents of the users that exist."""
        documents = self.database.documents
        return {user_id: documents[user_id] for user_id in ids if user_id in documents}


@frozen
class MemoryUserDirectory:
    """Lists users by looking at every one of them: fit for thousands, not for millions."""

    database: MemoryDatabase

    async def page(self, query: UserQuery) -> Page[ProfileDocument]:
        """Return one page in the query's order."""
        key, conditions = _order(query), MemoryConditions(self.database)
        users = sorted(
            (user for user in self.database.users.values() if is_listed(query, user, conditions)),
            key=key,
            reverse=query.sort.descending,
        )
        if query.after is not None:
            end = (query.after.at, query.after.user_id)
            users = [u for u in users if (key(u) < end if query.sort.descending else key(u) > end)]
        chosen = users[: query.limit]
        cursor = None
        if len(users) > len(chosen):
            cursor = write_cursor(query.sort, Position(*key(chosen[-1])), query.mark)
        return Page(tuple(self.database.documents[user.id] for user in chosen), cursor)


def is_listed(query: UserQuery, user: User, conditions: MemoryConditions) -> bool:
    """Return whether a user satisfies the filters of a list."""
    return all(_tests(query, user, conditions))


def _order(query: UserQuery) -> Callable[[User], tuple[datetime, UserId]]:
    if query.sort.by_creation:
        return lambda user: (user.created_at, user.id)
    return lambda user: (user.updated_at, user.id)


def _tests(query: UserQuery, user: User, conditions: MemoryConditions) -> Iterator[bool]:
    yield user.status.state in query.visible_states
    yield query.email in (None, user.profile.email.canonical)
    yield query.username in (None, user.profile.canonical_username)
    yield query.external_id in (None, user.profile.external_id)
    yield query.created_after is None or user.created_at > query.created_after
    yield query.created_before is None or user.created_at < query.created_before
    yield query.updated_after is None or user.updated_at > query.updated_after
    yield query.updated_before is None or user.updated_at < query.updated_before
    if query.words:
        words = user.profile.search_words
        yield all(any(word.startswith(start) for word in words) for start in query.words)
    if query.condition is not None:
        yield conditions.hold(query.condition, user)


@frozen
class MemoryHistoryReader:
    """Reads what is remembered of a user. Entries of one user stand in the order of versions from 1."""

    database: MemoryDatabase

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[HistoryEntry]:
        """Return at most `limit` entries, newest first, of versions below the one given."""
        entries = self.database.history.get(user_id, [])
        older = [one for one in entries if below_version is None or one.version < below_version]
        return older[::-1][:limit]

    async def version_at(self, user_id: UserId, at: datetime) -> int | None:
        """Return the version that was current at a time, or None before the creation."""
        entries = self.database.history.get(user_id, [])
        return max((one.version for one in entries if one.at <= at), default=None)

    async def entry(self, user_id: UserId, version: int) -> HistoryEntry | None:
        """Return the entry of one version, or None."""
        entries = self.database.history.get(user_id, [])
        return next((one for one in entries if one.version == version), None)


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _reader: UserReader = MemoryUserReader(_database)
    _writer: UserWriter = MemoryUserWriter(_database)
    _profiles: ProfileReader = MemoryProfileReader(_database)
    _directory: UserDirectory = MemoryUserDirectory(_database)
    _history: HistoryReader = MemoryHistoryReader(_database)

"""Readers that ask for many users at once on behalf of many callers.

A call that names one user waits for the next batch; a call that names several is a batch already and goes
straight on. An answer is never older than the question: a caller joins only a batch that has not begun.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Self, TypeVar

from usercore.activity.pages import FactPosition
from usercore.activity.ports import ActivityReader, FactEntry
from usercore.activity.summary import Tally
from usercore.activity.values import FactKind
from usercore.kernel.gather import Gatherer
from usercore.kernel.ids import UserId
from usercore.preferences.ports import PreferencesReader
from usercore.preferences.values import EmailPreference
from usercore.users.model import User
from usercore.users.ports import Lookup, LookupKind, ProfileDocument, ProfileReader, UserReader

MOST_AT_ONCE: Final = 256
"""Users in one batch: enough that the cost of a round trip no longer counts."""
MOST_WAITING: Final = 4096
"""Callers who may wait; more are refused. Some tenths of a second's work at full speed."""

V = TypeVar("V")


class _ById(Generic[V]):
    """Gathers calls for one user each."""

    def __init__(
        self, ask: Callable[[Sequence[UserId]], Awaitable[Mapping[UserId, V]]], most_waiting: int, name: str
    ) -> None:
        self._ask = ask
        self._gatherer: Gatherer[UserId, V | None] = Gatherer(
            self._load, most_at_once=MOST_AT_ONCE, most_waiting=most_waiting, name=name
        )

    async def __aenter__(self) -> Self:
        """Return this."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Answer those who wait and refuse new ones."""
        await self._gatherer.aclose()

    async def _load(self, ids: Sequence[UserId]) -> Sequence[V | None]:
        found = await self._ask(ids)
        return [found.get(user_id) for user_id in ids]

    async def _of(self, ids: Sequence[UserId]) -> Mapping[UserId, V]:
        if len(ids) != 1:
            return await self._ask(ids)
        value = await self._gatherer(ids[0])
        return {} if value is None else {ids[0]: value}


class GatheredProfileReader(_ById[ProfileDocument]):
    """Serves ready profiles, many callers at a time. Use it as an async context manager.

    Args:
        inner: whom to ask.
        most_waiting: callers who may wait for a batch before more are refused.
    """

    def __init__(self, inner: ProfileReader, *, most_waiting: int = MOST_WAITING) -> None:
        super().__init__(inner.documents, most_waiting, "read profiles")

    async def documents(self, ids: Sequence[UserId]) -> Mapping[UserId, ProfileDocument]:
        """Return the documents of the users that exist."""
        return await self._of(ids)


class GatheredPreferencesReader(_ById[Mapping[str, EmailPreference]]):
    """Reads what users said, many callers at a time. Use it as an async context manager.

    Args:
        inner: whom to ask.
        most_waiting: callers who may wait for a batch before more are refused.
    """

    def __init__(self, inner: PreferencesReader, *, most_waiting: int = MOST_WAITING) -> None:
        super().__init__(inner.get_many, most_waiting, "read preferences")

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, Mapping[str, EmailPreference]]:
        """Return for each user, known or not, what they said, by topic name."""
        return await self._of(ids)


class GatheredActivityReader(_ById[Tally]):
    """Adds up facts, for many callers at a time. Use it as an async context manager.

    Args:
        inner: whom to ask.
        most_waiting: callers who may wait for a batch before more are refused.
    """

    def __init__(self, inner: ActivityReader, *, most_waiting: int = MOST_WAITING) -> None:
        super().__init__(inner.tallies, most_waiting, "read activity")
        self._inner = inner

    async def tallies(self, ids: Sequence[UserId]) -> Mapping[UserId, Tally]:
        """Return for each user, known or not, what their facts amount to."""
        return await self._of(ids)

    async def entries(
        self, user_id: UserId, *, kinds: frozenset[FactKind], after: FactPosition | None, limit: int
    ) -> Sequence[FactEntry]:
        """Return facts of one user; asked alone."""
        return await self._inner.entries(user_id, kinds=kinds, after=after, limit=limit)


class GatheredUserReader(_ById[User]):
    """Reads users for writing, many callers at a time. Use it as an async context manager.

    Args:
        inner: whom to ask.
        most_waiting: callers who may wait for a batch before more are refused.
    """

    def __init__(self, inner: UserReader, *, most_waiting: int = MOST_WAITING) -> None:
        super().__init__(inner.get_many, most_waiting, "read users")
        self._inner = inner

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, User]:
        """Return the users that exist, in every account state."""
        return await self._of(ids)

    async def find(self, lookup: Lookup) -> User | None:
        """Return the one user so named, or None; asked alone."""
        return await self._inner.find(lookup)

    async def find_many(self, kind: LookupKind, values: Sequence[str]) -> Mapping[str, User]:
        """Return the users that have one of these names; many already, so asked at once."""
        return await self._inner.find_many(kind, values)

    async def due_for_reactivation(self, now: datetime, limit: int) -> Sequence[UserId]:
        """Return deactivated users whose `until` has come, the longest due first."""
        return await self._inner.due_for_reactivation(now, limit)

    async def merged_into(self, user_id: UserId) -> Sequence[UserId]:
        """Return whose accounts were merged into a user's; asked alone."""
        return await self._inner.merged_into(user_id)


if TYPE_CHECKING:

    def _conform(
        profiles: ProfileReader, preferences: PreferencesReader, users: UserReader, activity: ActivityReader
    ) -> None:
        _activity: ActivityReader = GatheredActivityReader(activity)
        _profiles: ProfileReader = GatheredProfileReader(profiles)
        _preferences: PreferencesReader = GatheredPreferencesReader(preferences)
        _users: UserReader = GatheredUserReader(users)

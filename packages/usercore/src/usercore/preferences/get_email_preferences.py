"""Read what holds for a user, topic by topic."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from usercore.kernel.changes import undo
from usercore.kernel.ids import UserId
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.preferences.values import EffectivePreference, EmailPreference, EmailTopic, effective
from usercore.users.history import living, present
from usercore.users.ports import HistoryReader, UserReader

FACET = "email_preferences."
"""What history calls a preference: this and the topic's name."""


@frozen
class EmailPreferences:
    """A user's preferences over every registered topic, at one version of the user."""

    user_id: UserId
    version: int
    topics: tuple[EffectivePreference, ...]


@frozen
class GetEmailPreferences:
    """Reads email preferences."""

    users: UserReader
    preferences: PreferencesReader
    topics: TopicRegistry
    history: HistoryReader

    async def __call__(self, user_id: UserId) -> EmailPreferences:
        """Return what holds for a user.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
            UserMergedError: the account was merged into another.
            UnavailableError: the database does not answer.
        """
        user = await present(self.users, user_id)
        said = (await self.preferences.get_many([user_id]))[user_id]
        return combine(user_id, user.version, await self.topics.all(), said)

    async def at_version(self, user_id: UserId, version: int) -> EmailPreferences:
        """Return what held for a user at a version, over the topics of today.

        Raises:
            UserNotFoundError: there is no such user.
            UserErasedError: the user has been erased.
        """
        user = await living(self.users, user_id)
        said: Mapping[str, object] = (await self.preferences.get_many([user_id]))[user_id]
        facets: dict[str, object] = {FACET + name: value for name, value in said.items()}
        below: int | None = None
        while below is None or below > version + 1:
            entries = await self.history.entries(user.id, below_version=below, limit=500)
            newer = [entry for entry in entries if entry.version > version]
            changes = (c for e in newer for c in e.changes if c.field.startswith(FACET))
            facets = undo(facets, changes)
            if len(newer) < len(entries) or not entries:
                break
            below = entries[-1].version
        past = {name.removeprefix(FACET): value for name, value in facets.items() if isinstance(value, EmailPreference)}
        return combine(user_id, version, await self.topics.all(), past)


def combine(
    user_id: UserId,
    version: int,
    topics: Sequence[EmailTopic],
    said: Mapping[str, EmailPreference],
) -> EmailPreferences:
    """Lay what a user said over the registered topics."""
    held = tuple(effective(topic, said.get(topic.name)) for topic in topics)
    return EmailPreferences(user_id, version, held)

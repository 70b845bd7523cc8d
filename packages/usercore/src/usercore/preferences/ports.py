"""What the preferences feature asks of the world outside."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from usercore.kernel.ids import UserId
from usercore.preferences.values import EmailPreference, EmailTopic


class TopicRegistry(Protocol):
    """Keeps the topics that the operator registered."""

    async def all(self) -> Sequence[EmailTopic]:
        """Return every topic, by name. A registration that was acknowledged is seen at once."""
        ...

    async def put(self, topic: EmailTopic) -> None:
        """Add a topic, or replace the one of the same name."""
        ...


class PreferencesReader(Protocol):
    """Reads what users said."""

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, Mapping[str, EmailPreference]]:
        """Return for each user, known or not, what they said, by topic name.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

"""What operators register, and what users say of it, in memory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.ids import UserId
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.preferences.values import EmailPreference, EmailTopic
from usercore.users.attributes import AttributeSchema
from usercore.users.ports import AttributeSchemas


@frozen
class MemoryAttributeSchemas:
    """Keeps the versions of the attribute schema."""

    database: MemoryDatabase

    async def current(self) -> AttributeSchema | None:
        """Return the version in force, or None where none was registered."""
        return max(self.database.schemas, key=lambda schema: schema.version, default=None)

    async def all(self) -> Sequence[AttributeSchema]:
        """Return every version, the oldest first."""
        return sorted(self.database.schemas, key=lambda schema: schema.version)

    async def add(self, schema: AttributeSchema) -> bool:
        """Add the next version; False where that version exists."""
        if any(known.version == schema.version for known in self.database.schemas):
            return False
        self.database.schemas.append(schema)
        return True


@frozen
class MemoryTopicRegistry:
    """Keeps the email topics."""

    database: MemoryDatabase

    async def all(self) -> Sequence[EmailTopic]:
        """Return every topic, by name."""
        return sorted(self.database.topics.values(), key=lambda topic: topic.name)

    async def put(self, topic: EmailTopic) -> None:
        """Add a topic, or replace the one of the same name."""
        self.database.topics[topic.name] = topic


@frozen
class MemoryPreferencesReader:
    """Reads what users said."""

    database: MemoryDatabase

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, Mapping[str, EmailPreference]]:
        """Return for each user, known or not, what they said, by topic name."""
        return {user_id: dict(self.database.preferences.get(user_id, {})) for user_id in ids}


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _schemas: AttributeSchemas = MemoryAttributeSchemas(_database)
    _topics: TopicRegistry = MemoryTopicRegistry(_database)
    _preferences: PreferencesReader = MemoryPreferencesReader(_database)

"""What operators register: attribute schemas and email topics; and what users say of those topics."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import astuple, frozen

from usercore.adapters.sql.engine import Database, Row, fetch
from usercore.adapters.sql.mapping import canonical_ids, utc
from usercore.kernel.ids import UserId
from usercore.preferences.ports import PreferencesReader, TopicRegistry
from usercore.preferences.values import EmailPreference, EmailTopic
from usercore.users.attributes import AttributeSchema
from usercore.users.ports import AttributeSchemas

_SCHEMAS: Final = b"SELECT version, document, registered_at, registered_by FROM attribute_schemas "
_CURRENT_SCHEMA: Final = _SCHEMAS + b"ORDER BY version DESC LIMIT 1"
_ALL_SCHEMAS: Final = _SCHEMAS + b"ORDER BY version"
_ADD_SCHEMA: Final = b"""
INSERT INTO attribute_schemas (version, document, registered_at, registered_by) VALUES ($1, $2::json, $3, $4)
ON CONFLICT (version) DO NOTHING RETURNING 1
"""
_ALL_TOPICS: Final = b"""
SELECT name, title, description, mandatory, subscribed_by_default, wording_version, registered_at
FROM email_topics ORDER BY name
"""
_PUT_TOPIC: Final = b"""
INSERT INTO email_topics (name, title, description, mandatory, subscribed_by_default, wording_version, registered_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (name) DO UPDATE SET
    title = excluded.title, description = excluded.description, mandatory = excluded.mandatory,
    subscribed_by_default = excluded.subscribed_by_default, wording_version = excluded.wording_version,
    registered_at = excluded.registered_at
RETURNING 1
"""
_PREFERENCES: Final = b"""
SELECT user_id::text, topic, subscribed, source, said_at, wording_version
FROM email_preferences WHERE user_id = ANY($1::uuid[]) ORDER BY topic
"""


@frozen
class SqlAttributeSchemas:
    """Keeps the versions of the attribute schema."""

    database: Database

    async def current(self) -> AttributeSchema | None:
        """Return the version in force, or None where none was registered."""
        return next(map(_schema, await self.database.fetch(_CURRENT_SCHEMA)), None)

    async def all(self) -> Sequence[AttributeSchema]:
        """Return every version, the oldest first."""
        return [_schema(row) for row in await self.database.fetch(_ALL_SCHEMAS)]

    async def add(self, schema: AttributeSchema) -> bool:
        """Add the next version; False where that version exists."""
        row = (schema.version, json.dumps(schema.document), schema.registered_at, schema.registered_by)
        return bool(await self.database.write(lambda opened: fetch(opened, _ADD_SCHEMA, *row)))


def _schema(row: Row) -> AttributeSchema:
    version, document, registered_at, registered_by = row
    return AttributeSchema(version, document, utc(registered_at), registered_by)


@frozen
class SqlTopicRegistry:
    """Keeps the email topics."""

    database: Database

    async def all(self) -> Sequence[EmailTopic]:
        """Return every topic, by name."""
        rows = await self.database.fetch(_ALL_TOPICS)
        return [_topic(row) for row in rows]

    async def put(self, topic: EmailTopic) -> None:
        """Add a topic, or replace the one of the same name."""
        row = astuple(topic, recurse=False)
        await self.database.write(lambda opened: fetch(opened, _PUT_TOPIC, *row))


def _topic(row: Row) -> EmailTopic:
    name, title, description, mandatory, subscribed_by_default, wording_version, registered_at = row
    return EmailTopic(name, title, description, mandatory, subscribed_by_default, wording_version, utc(registered_at))


@frozen
class SqlPreferencesReader:
    """Reads what users said."""

    database: Database

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, Mapping[str, EmailPreference]]:
        """Return for each user, known or not, what they said, by topic name."""
        said: dict[UserId, dict[str, EmailPreference]] = {user_id: {} for user_id in ids}
        known = canonical_ids(ids)
        for row in await self.database.fetch(_PREFERENCES, known) if known else ():
            user_id, topic, subscribed, source, at, wording_version = row
            said[UserId(user_id)][topic] = EmailPreference(topic, subscribed, source, utc(at), wording_version)
        return said


if TYPE_CHECKING:

    def _conform(database: Database) -> tuple[AttributeSchemas, TopicRegistry, PreferencesReader]:
        return SqlAttributeSchemas(database), SqlTopicRegistry(database), SqlPreferencesReader(database)

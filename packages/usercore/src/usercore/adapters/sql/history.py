"""What is remembered of users."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.codec.facets import load_changes
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId
from usercore.users.ports import HistoryEntry, HistoryReader

_SELECT: Final = b"""
SELECT user_id::text, version, event_id::text, message, occurred_at, actor_kind, actor_id,
       correlation_id, causation_id, changes
FROM user_history
"""
_NEWEST: Final = _SELECT + b"WHERE user_id = $1::uuid ORDER BY version DESC LIMIT $2"
_BELOW: Final = _SELECT + b"WHERE user_id = $1::uuid AND version < $3 ORDER BY version DESC LIMIT $2"
_ONE: Final = _SELECT + b"WHERE user_id = $1::uuid AND version = $2"
# Times of one user never go down with versions, so the first that is found is the one.
_AT: Final = b"""
SELECT version FROM user_history WHERE user_id = $1::uuid AND occurred_at <= $2 ORDER BY version DESC LIMIT 1
"""


@frozen
class SqlHistoryReader:
    """Reads what is remembered of a user."""

    database: Database

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[HistoryEntry]:
        """Return at most `limit` entries, newest first, of versions below the one given."""
        if not is_canonical(user_id):
            return []
        if below_version is None:
            rows = await self.database.fetch(_NEWEST, user_id, limit)
        else:
            rows = await self.database.fetch(_BELOW, user_id, limit, below_version)
        return [_entry(row) for row in rows]

    async def version_at(self, user_id: UserId, at: datetime) -> int | None:
        """Return the version that was current at a time, or None before the creation."""
        if not is_canonical(user_id):
            return None
        return next((version for (version,) in await self.database.fetch(_AT, user_id, at)), None)

    async def entry(self, user_id: UserId, version: int) -> HistoryEntry | None:
        """Return the entry of one version, or None."""
        if not is_canonical(user_id):
            return None
        return next((_entry(row) for row in await self.database.fetch(_ONE, user_id, version)), None)


def _entry(row: Row) -> HistoryEntry:
    user_id, version, event_id, message, at, actor_kind, actor_id, correlation_id, causation_id, changes = row
    return HistoryEntry(
        user_id=UserId(user_id),
        version=version,
        event_id=EventId(event_id),
        message=message,
        at=utc(at),
        actor=Actor(ActorKind(actor_kind), actor_id),
        correlation_id=correlation_id,
        causation_id=causation_id,
        changes=load_changes(changes),
    )


if TYPE_CHECKING:

    def _conforms(database: Database) -> HistoryReader:
        return SqlHistoryReader(database)

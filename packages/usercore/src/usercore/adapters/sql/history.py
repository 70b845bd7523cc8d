"""What is remembered of users."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import frozen

from usercore.adapters.sql.engine import Reads, Row
from usercore.adapters.sql.keys import SqlVault
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.adapters.sql.places import history_place
from usercore.codec.facets import load_changes
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.sealing import DataKey
from usercore.users.ports import HistoryEntry, HistoryReader

Stored: TypeAlias = list[list[Any]]

_SELECT: Final = b"""
SELECT user_id::text, version, event_id::text, message, occurred_at, actor_kind, actor_id,
       correlation_id, causation_id, changes, sealed
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
    """Reads what is remembered of a user. Of the erased, whose key is gone, only that something happened."""

    database: Reads
    vault: SqlVault

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[HistoryEntry]:
        """Return at most `limit` entries, newest first, of versions below the one given."""
        if not is_canonical(user_id):
            return []
        if below_version is None:
            rows = await self.database.fetch(_NEWEST, user_id, limit)
        else:
            rows = await self.database.fetch(_BELOW, user_id, limit, below_version)
        return await self._opened(user_id, rows)

    async def version_at(self, user_id: UserId, at: datetime) -> int | None:
        """Return the version that was current at a time, or None before the creation."""
        if not is_canonical(user_id):
            return None
        return next((version for (version,) in await self.database.fetch(_AT, user_id, at)), None)

    async def entry(self, user_id: UserId, version: int) -> HistoryEntry | None:
        """Return the entry of one version, or None."""
        if not is_canonical(user_id):
            return None
        entries = await self._opened(user_id, await self.database.fetch(_ONE, user_id, version))
        return next(iter(entries), None)

    async def _opened(self, user_id: UserId, rows: Sequence[Row]) -> Sequence[HistoryEntry]:
        keys = await self.vault.keys_of([user_id]) if rows else {}
        return [_entry(row, keys.get(user_id)) for row in rows]


def _entry(row: Row, key: DataKey | None) -> HistoryEntry:
    user_id, version, event_id, message, at, actor_kind, actor_id, correlation_id, causation_id, changes, sealed = row
    return HistoryEntry(
        user_id=UserId(user_id),
        version=version,
        event_id=EventId(event_id),
        message=message,
        at=utc(at),
        actor=Actor(ActorKind(actor_kind), actor_id),
        correlation_id=correlation_id,
        causation_id=causation_id,
        changes=load_changes(_differences(UserId(user_id), version, changes, sealed, key)),
    )


def _differences(
    user_id: UserId, version: int, plain: Stored | None, sealed: bytes | None, key: DataKey | None
) -> Stored:
    if sealed is None:
        return plain or []
    if key is None:
        return []
    stored: Stored = json.loads(key.open(history_place(user_id, version), sealed))
    return stored


if TYPE_CHECKING:

    def _conforms(database: Reads, vault: SqlVault) -> HistoryReader:
        return SqlHistoryReader(database, vault)

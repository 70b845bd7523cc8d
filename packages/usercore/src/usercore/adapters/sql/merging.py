"""Merges: what is read of them, and what one does in the transaction that takes both users a step further."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.adapters.sql.tables.privacy import OPEN
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.errors import UserCoreError
from usercore.kernel.ids import EventId, UserId
from usercore.merging.errors import MergeRequestOpenError
from usercore.merging.events import MergeRecord, UndoRecord
from usercore.merging.ports import MergeReader
from usercore.merging.values import Merge, Undoing
from usercore.privacy.requests.errors import UserHeldError

_SELECT: Final = """
SELECT m.id::text, m.survivor_id::text, m.merged_id::text, m.survivor_before, m.survivor_version, m.merged_version,
       m.merged_at, m.merged_by_kind, m.merged_by_id, m.reason,
       m.undone_at, m.undone_by_kind, m.undone_by_id, m.undo_reason
FROM user_merges AS m"""
_GET: Final = f"{_SELECT} WHERE m.id = $1::uuid".encode()
_CURRENT: Final = f"{_SELECT} WHERE m.merged_id = $1::uuid AND m.undone_at IS NULL".encode()
_OF: Final = f"""
{_SELECT} WHERE m.survivor_id = $1::uuid OR m.merged_id = $1::uuid ORDER BY m.merged_at DESC, m.id DESC
""".encode()
_FACTS: Final = b"SELECT count(*) FROM activity_facts WHERE user_id = $1::uuid"
_OBSTACLES: Final = f"""
SELECT EXISTS (SELECT FROM legal_holds WHERE user_id IN ($1::uuid, $2::uuid) AND released_at IS NULL),
       EXISTS (SELECT FROM privacy_requests WHERE user_id IN ($1::uuid, $2::uuid) AND {OPEN})
""".encode()  # noqa: S608 -- made of constants, as everything here

# Locked in the order of every writer of users. What is put in the place of their names is nobody's, and lasts until the
# next statement of the transaction: without it, two users cannot exchange what must be unique.
_MAKE_WAY: Final = b"""
WITH locked AS MATERIALIZED (
    SELECT u.id FROM users AS u WHERE u.id IN ($1::uuid, $2::uuid) ORDER BY u.id FOR UPDATE
)
UPDATE users AS u SET email_canonical = u.id::text, username_canonical = u.id::text, external_id = NULL
WHERE u.id = ANY (ARRAY(SELECT l.id FROM locked AS l)) RETURNING 1
"""
_KEEP: Final = b"""
INSERT INTO user_merges (id, survivor_id, merged_id, survivor_before, survivor_version, merged_version, merged_at,
                         merged_by_kind, merged_by_id, reason)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5, $6, $7, $8, $9, $10) RETURNING 1
"""
_MOVE: Final = b"""
UPDATE activity_facts SET user_id = $1::uuid, told_of = COALESCE(told_of, $2::uuid) WHERE user_id = $2::uuid RETURNING 1
"""
_END: Final = b"""
UPDATE user_merges SET undone_at = $2, undone_by_kind = $3, undone_by_id = $4, undo_reason = $5
WHERE id = $1::uuid AND undone_at IS NULL RETURNING 1
"""
# What was told of accounts that had been merged into the one that goes, goes with it.
_THEIRS: Final = """
WITH RECURSIVE theirs AS (
    SELECT $2::uuid AS id
    UNION ALL
    SELECT u.merged_id FROM theirs AS t JOIN user_merges AS u ON u.survivor_id = t.id AND u.undone_at IS NULL
)"""
_TOLD_OF_THEM: Final = "f.user_id = $1::uuid AND f.told_of = ANY (ARRAY(SELECT t.id FROM theirs AS t))"
_MOVE_BACK: Final = f"""
{_THEIRS}
UPDATE activity_facts AS f SET user_id = $2::uuid, told_of = NULLIF(f.told_of, $2::uuid)
WHERE {_TOLD_OF_THEM} RETURNING 1
""".encode()  # noqa: S608 -- the same
_FACTS_TOLD_OF: Final = f"{_THEIRS} SELECT count(*) FROM activity_facts AS f WHERE {_TOLD_OF_THEM}".encode()  # noqa: S608


async def make_way(opened: Session, record: MergeRecord | UndoRecord) -> None:
    """Let go of the names that the two users are about to exchange."""
    if record.moves_names:
        await fetch(opened, _MAKE_WAY, record.merge.survivor, record.merge.merged)


async def obstacle_to(opened: Session, record: MergeRecord | UndoRecord) -> UserCoreError | None:
    """Return why the law forbids it, as the transaction finds it that holds both users."""
    [row] = await fetch(opened, _OBSTACLES, record.merge.survivor, record.merge.merged)
    return _obstacle(row)


async def carry_over(opened: Session, record: MergeRecord | UndoRecord) -> None:
    """Keep the merge, or its end, and move what hangs on the two users."""
    merge = record.merge
    if isinstance(record, MergeRecord):
        versions = (merge.survivor_before, merge.survivor_version, merge.merged_version)
        by = (merge.by.kind.value, merge.by.id)
        await fetch(opened, _KEEP, merge.id, merge.survivor, merge.merged, *versions, merge.at, *by, merge.reason)
        await fetch(opened, _MOVE, merge.survivor, merge.merged)
    elif merge.undone is not None:
        undone = merge.undone
        await fetch(opened, _END, merge.id, undone.at, undone.by.kind.value, undone.by.id, undone.reason)
        await fetch(opened, _MOVE_BACK, merge.survivor, merge.merged)


@frozen
class SqlMergeReader:
    """Reads merges."""

    database: Database

    async def get(self, merge_id: EventId) -> Merge | None:
        """Return a merge, or None."""
        return await self._one(_GET, merge_id)

    async def current(self, merged: UserId) -> Merge | None:
        """Return the merge by which an account ended, or None."""
        return await self._one(_CURRENT, merged)

    async def of(self, user_id: UserId) -> Sequence[Merge]:
        """Return the merges that a user was part of, the newest first."""
        if not is_canonical(user_id):
            return ()
        return [_merge(row) for row in await self.database.fetch(_OF, user_id)]

    async def obstacle(self, survivor: UserId, merged: UserId) -> UserCoreError | None:
        """Return why the law forbids to touch one of the two now."""
        [row] = await self.database.fetch(_OBSTACLES, survivor, merged)
        return _obstacle(row)

    async def facts(self, user_id: UserId) -> int:
        """Return how many facts are kept about a user."""
        [(count,)] = await self.database.fetch(_FACTS, user_id)
        return int(count)

    async def facts_told_of(self, merged: UserId, survivor: UserId) -> int:
        """Return how many of a survivor's facts were told of a merged account, or of one merged into that."""
        [(count,)] = await self.database.fetch(_FACTS_TOLD_OF, survivor, merged)
        return int(count)

    async def _one(self, statement: bytes, name: str) -> Merge | None:
        if not is_canonical(name):
            return None
        rows = await self.database.fetch(statement, name)
        return _merge(rows[0]) if rows else None


def _obstacle(row: Row) -> UserCoreError | None:
    held, asked = row
    if held:
        return UserHeldError()
    return MergeRequestOpenError() if asked else None


def _merge(row: Row) -> Merge:
    merge_id, survivor, merged, before, version, merged_version, at, kind, by, reason, *undone = row
    return Merge(
        id=EventId(merge_id),
        survivor=UserId(survivor),
        merged=UserId(merged),
        survivor_before=before,
        survivor_version=version,
        merged_version=merged_version,
        at=utc(at),
        by=Actor(ActorKind(kind), by),
        reason=reason,
        undone=_undoing(*undone),
    )


def _undoing(at: datetime | None, kind: str, by: str, reason: str) -> Undoing | None:
    return None if at is None else Undoing(utc(at), Actor(ActorKind(kind), by), reason)


if TYPE_CHECKING:

    def _conforms(database: Database) -> MergeReader:
        return SqlMergeReader(database)

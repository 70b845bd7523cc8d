"""Checkpoints of the audit trail, and the tree over its heads."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Final

from attrs import define, frozen

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.audit.checkpoint import SignedCheckpoint
from usercore.audit.entry import SERVICE_CHAIN, ChainHead
from usercore.audit.ports import BuildCheckpoint, CheckpointLog, KeptCheckpoint, KeptNote, MovedHead, NewCheckpoint
from usercore.codec.checkpoints import checkpoint_object
from usercore.codec.scalars import compact
from usercore.delivery.sharding import shard_of
from usercore.delivery.topics import AUDIT_CHECKPOINTS
from usercore.delivery.values import Operation, Recipient
from usercore.kernel.ids import UserId

_PATIENCE_S: Final = 600.0
"""How long the heads may take: they are all read, and the first checkpoint makes all of them leaves."""
_HEADS_AT_ONCE: Final = 5_000

_TURN: Final = b"SELECT turn FROM audit_checkpoint_turns FOR UPDATE SKIP LOCKED"
_LAST: Final = b"SELECT note, peaks FROM audit_checkpoints ORDER BY number DESC LIMIT 1"
_SIZE: Final = b"SELECT position + 1 FROM audit_leaves ORDER BY position DESC LIMIT 1"
# The first head of the next part.
_BOUND: Final = b"SELECT user_id::text FROM audit_heads WHERE user_id >= $1::uuid ORDER BY user_id OFFSET $2 LIMIT 1"
_GROW: Final = b"""
WITH moved AS (
    SELECT h.user_id, h.sequence, h.hash, COALESCE(l.sequence, 0) AS before
    FROM audit_heads AS h LEFT JOIN LATERAL (
        SELECT sequence FROM audit_leaves WHERE user_id = h.user_id ORDER BY sequence DESC LIMIT 1
    ) AS l ON true
    WHERE h.user_id >= $1::uuid AND ($2::uuid IS NULL OR h.user_id < $2::uuid) AND h.sequence > COALESCE(l.sequence, 0)
), kept AS (
    INSERT INTO audit_leaves (position, user_id, sequence, hash)
    SELECT $3 + row_number() OVER (ORDER BY user_id) - 1, user_id, sequence, hash FROM moved
)
SELECT user_id::text, sequence, hash, before FROM moved ORDER BY user_id
"""
_KEEP: Final = (
    b"INSERT INTO audit_checkpoints (number, made_at, note, peaks) VALUES ($1, $2, $3, $4::bytea[]) RETURNING 1"
)
_TELL_TOPIC: Final = b"""
INSERT INTO outbox (aggregatetype, aggregateid, type, payload, event_id, sequence, occurred_at, headers, shard, topic)
VALUES ('checkpoint', $1::uuid, 'AuditCheckpointMade', $2::text::json, $3::uuid, $4, $5, '[]', $6, $7) RETURNING 1
"""
_TELL_SERVICE: Final = b"""
INSERT INTO deliveries (event_id, recipient, operation, user_id, payload, secret, created_at, due_at)
VALUES ($1::uuid, $2, $3, $4::uuid, $5::text::json, NULL, $6, $6) RETURNING 1
"""
_LAST_NOTE: Final = b"SELECT number, note FROM audit_checkpoints ORDER BY number DESC LIMIT 1"
_AFTER: Final = b"SELECT number, note FROM audit_checkpoints WHERE number > $1 ORDER BY number LIMIT $2"


@frozen
class SqlCheckpointLog:
    """Keeps checkpoints."""

    database: Database

    async def extend(self, build: BuildCheckpoint) -> SignedCheckpoint | None:
        """Make the heads that moved leaves at the tree's end, and keep the checkpoint over it."""

        async def attempt(opened: Session) -> SignedCheckpoint | None:
            if not await fetch(opened, _TURN):
                return None
            last = next((KeptCheckpoint(note, tuple(peaks)) for note, peaks in await fetch(opened, _LAST)), None)
            new = await build(last, _Growth(opened).moved())
            if new is None:
                return None
            await _keep(opened, new)
            return new.signed

        return await self.database.hold(attempt, patience_s=_PATIENCE_S)

    async def last(self) -> KeptNote | None:
        """Return the last checkpoint, or None where there is none."""
        return next((KeptNote(*row) for row in await self.database.fetch(_LAST_NOTE)), None)

    async def after(self, number: int, *, limit: int) -> Sequence[KeptNote]:
        """Return checkpoints behind a number, in order."""
        return [KeptNote(*row) for row in await self.database.fetch(_AFTER, number, limit)]


@define
class _Growth:
    """Makes heads leaves, part by part, while they are looked at."""

    opened: Session

    async def moved(self) -> AsyncIterator[MovedHead]:
        """Yield the heads that moved, each a leaf by then."""
        position = next((size for (size,) in await fetch(self.opened, _SIZE)), 0)
        low: str | None = SERVICE_CHAIN
        while low is not None:
            high = next((bound for (bound,) in await fetch(self.opened, _BOUND, low, _HEADS_AT_ONCE)), None)
            rows = await fetch(self.opened, _GROW, low, high, position)
            position += len(rows)
            for user_id, sequence, link, before in rows:
                yield MovedHead(ChainHead(UserId(user_id), sequence, link), before)
            low = high


async def _keep(opened: Session, new: NewCheckpoint) -> None:
    checkpoint = new.signed.checkpoint
    payload = compact(checkpoint_object(new.signed)).decode()
    await fetch(opened, _KEEP, checkpoint.number, checkpoint.at, str(new.signed.note), list(new.peaks))
    place = (checkpoint.number, checkpoint.at, shard_of(SERVICE_CHAIN), AUDIT_CHECKPOINTS)
    await fetch(opened, _TELL_TOPIC, SERVICE_CHAIN, payload, new.event_id, *place)
    task = (Recipient.AUDIT.value, Operation.RECORD_CHECKPOINT.value, SERVICE_CHAIN, payload, checkpoint.at)
    await fetch(opened, _TELL_SERVICE, new.event_id, *task)


if TYPE_CHECKING:

    def _conforms(database: Database) -> CheckpointLog:
        return SqlCheckpointLog(database)

"""Entries of the audit trail that come without a change."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.audit.chain import GENESIS, chained
from usercore.audit.entry import AuditEntry, ChainedEntry, ChainHead
from usercore.audit.ports import AuditTrail, ListingTrail
from usercore.kernel.ids import UserId

_BEGIN: Final = b"""
INSERT INTO audit_heads (user_id, sequence, hash) SELECT id, 0, $2 FROM unnest($1::uuid[]) AS wanted(id)
ON CONFLICT (user_id) DO NOTHING RETURNING 1
"""
# In one order, so that two who append to the same chains wait for each other in turn.
_LOCK: Final = b"""
SELECT user_id::text, sequence, hash FROM audit_heads WHERE user_id = ANY ($1::uuid[]) ORDER BY user_id FOR UPDATE
"""
_APPEND: Final = b"""
INSERT INTO audit_entries (user_id, sequence, event_id, occurred_at, actor_kind, actor_id, action, fields,
                           correlation_id, causation_id, version, contents_hash, hash)
VALUES ($1::uuid, $2, $3::uuid, $4, $5, $6, $7, $8::text[], $9, $10, $11, $12, $13) RETURNING 1
"""
_MOVE: Final = b"UPDATE audit_heads SET sequence = $2, hash = $3 WHERE user_id = $1::uuid RETURNING 1"
_SHOWN: Final = b"INSERT INTO audit_listed (event_id, user_id) SELECT $1::uuid, unnest($2::uuid[]) RETURNING 1"


@frozen
class SqlAuditTrail:
    """Appends entries, each under the lock of its chain's head."""

    database: Database

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Append entries: all of them or none."""
        if entries:
            await self.database.write(lambda opened: append(opened, entries))

    async def append_listing(self, entry: AuditEntry, ids: Sequence[UserId]) -> None:
        """Append an entry with the users: both or none."""

        async def attempt(opened: Session) -> None:
            await append(opened, [entry])
            await fetch(opened, _SHOWN, entry.event_id, list(ids))

        await self.database.write(attempt)


async def append(opened: Session, entries: Sequence[AuditEntry]) -> None:
    """Append entries in the transaction that is open."""
    chains = sorted({entry.user_id for entry in entries})
    await fetch(opened, _BEGIN, chains, GENESIS)
    heads = {UserId(row[0]): ChainHead(UserId(row[0]), *row[1:]) for row in await fetch(opened, _LOCK, chains)}
    for entry in entries:
        one = chained(heads[entry.user_id], entry)
        heads[entry.user_id] = ChainHead(entry.user_id, one.sequence, one.hash)
        await fetch(opened, _APPEND, *_row(one))
    for head in heads.values():
        await fetch(opened, _MOVE, head.user_id, head.sequence, head.hash)


def _row(one: ChainedEntry) -> tuple[object, ...]:
    entry = one.entry
    return (
        entry.user_id,
        one.sequence,
        entry.event_id,
        entry.at,
        entry.actor.kind.value,
        entry.actor.id,
        entry.action,
        list(entry.fields),
        entry.correlation_id,
        entry.causation_id,
        entry.version,
        entry.contents_hash,
        one.hash,
    )


if TYPE_CHECKING:

    def _conforms(database: Database) -> tuple[AuditTrail, ListingTrail]:
        return SqlAuditTrail(database), SqlAuditTrail(database)

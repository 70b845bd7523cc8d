"""The audit trail as it stands, for whoever checks it.

Each part is read by one statement, so that an entry and what stands beside it are of one moment; whatever is written
between two parts stands behind, or is consistent by itself. Values that no service would write must not stop the
reading: they come as what cannot be read.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row
from usercore.adapters.sql.mapping import utc
from usercore.audit.checking import missing_chain
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry, ChainHead
from usercore.audit.evidence import Evidence, LeafEvidence, Standing, listed_hash
from usercore.audit.findings import Finding, FindingKind
from usercore.audit.ports import AuditArchive
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import EventId, UserId

_AT_ONCE: Final = 2_000
_LEAST: Final = -(2**63)
_LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"

# Times that Python has no word for come as NULL: no service wrote them.
_TIME: Final = "CASE WHEN e.occurred_at BETWEEN '0001-01-02Z' AND '9999-12-30Z' THEN e.occurred_at END"
_ENTRIES: Final = f"""
SELECT e.user_id::text, e.sequence, e.event_id::text, {_TIME}, e.actor_kind, e.actor_id, e.action, e.fields,
       e.correlation_id, e.causation_id, e.version, e.contents_hash, e.hash,
       h.sequence, h.hash, u.version, u.state = 'ERASED', sha256(s.sealed), shown.ids
FROM audit_entries AS e
LEFT JOIN audit_heads AS h ON h.user_id = e.user_id
LEFT JOIN users AS u ON u.id = e.user_id
LEFT JOIN user_history AS s ON s.user_id = e.user_id AND s.version = e.version
LEFT JOIN LATERAL (
    SELECT array_agg(l.user_id::text) AS ids FROM audit_listed AS l WHERE l.event_id = e.event_id
) AS shown ON e.user_id = '{SERVICE_CHAIN}'
WHERE (e.user_id, e.sequence) > ($1::uuid, $2) AND e.user_id <= $3::uuid
ORDER BY e.user_id, e.sequence LIMIT $4
""".encode()  # noqa: S608 -- made of constants
# A part of the users, of the heads or of the history, and which of them no entry tells of.
_USERS: Final = b"""
SELECT u.id::text, 0::bigint, NOT EXISTS (SELECT FROM audit_entries AS e WHERE e.user_id = u.id)
FROM users AS u WHERE (u.id, 0) > ($1::uuid, $2) AND u.id <= $3::uuid ORDER BY u.id LIMIT $4
"""
_HEADS: Final = b"""
SELECT h.user_id::text, 0::bigint,
       h.sequence > 0 AND NOT EXISTS (SELECT FROM audit_entries AS e WHERE e.user_id = h.user_id)
FROM audit_heads AS h WHERE (h.user_id, 0) > ($1::uuid, $2) AND h.user_id <= $3::uuid ORDER BY h.user_id LIMIT $4
"""
_HISTORY: Final = b"""
SELECT s.user_id::text, s.version,
       NOT EXISTS (SELECT FROM audit_entries AS e WHERE e.user_id = s.user_id AND e.version = s.version)
FROM user_history AS s WHERE (s.user_id, s.version) > ($1::uuid, $2) AND s.user_id <= $3::uuid
ORDER BY s.user_id, s.version LIMIT $4
"""
_LEAVES: Final = b"""
SELECT l.position, l.user_id::text, l.sequence, l.hash, COALESCE(before.sequence, 0), e.hash
FROM audit_leaves AS l
LEFT JOIN audit_entries AS e ON e.user_id = l.user_id AND e.sequence = l.sequence
LEFT JOIN LATERAL (
    SELECT b.sequence FROM audit_leaves AS b WHERE b.user_id = l.user_id AND b.sequence < l.sequence
    ORDER BY b.sequence DESC LIMIT 1
) AS before ON true
WHERE l.position > $1 ORDER BY l.position LIMIT $2
"""


@frozen
class SqlAuditArchive:
    """Reads all of the trail."""

    database: Database

    async def entries(self, user_id: UserId | None) -> AsyncIterator[Evidence]:
        """Yield the entries of one chain or of all."""
        async for row in self._parts(_ENTRIES, user_id):
            yield _evidence(row)

    async def loose_ends(self, user_id: UserId | None) -> AsyncIterator[Finding]:
        """Yield users without a chain, heads without an entry, and history that no entry tells of."""
        async for ident, _, loose in self._parts(_USERS, user_id):
            if loose:
                yield missing_chain(UserId(ident))
        async for ident, _, loose in self._parts(_HEADS, user_id):
            if loose:
                detail = "the chain has a head and no entry"
                yield Finding(FindingKind.CHAIN_TRUNCATED, detail, UserId(ident), 1)
        async for ident, version, loose in self._parts(_HISTORY, user_id):
            if loose:
                detail = f"no entry tells of version {version}"
                yield Finding(FindingKind.CHANGE_UNRECORDED, detail, UserId(ident))

    async def leaves(self) -> AsyncIterator[LeafEvidence]:
        """Yield the leaves of the tree over the heads."""
        position = _LEAST
        while rows := await self.database.fetch(_LEAVES, position, _AT_ONCE):
            for position, user_id, sequence, link, before, entry_hash in rows:
                yield LeafEvidence(position, ChainHead(UserId(user_id), sequence, link), before, entry_hash)

    async def _parts(self, statement: bytes, user_id: UserId | None) -> AsyncIterator[Row]:
        """Yield rows that begin with a user's id and a number, in their order."""
        place: tuple[str, int] = (user_id or SERVICE_CHAIN, _LEAST)
        last = user_id or _LAST_ID
        while rows := await self.database.fetch(statement, *place, last, _AT_ONCE):
            for row in rows:
                yield row
            place = (rows[-1][0], rows[-1][1])


def _evidence(row: Row) -> Evidence:
    user_id, sequence, *said, link, head_sequence, head_hash, version, erased, sealed_hash, ids = row
    owner = UserId(user_id)
    return Evidence(
        user_id=owner,
        sequence=sequence,
        hash=link,
        entry=_entry(owner, *said),
        head=None if head_sequence is None else ChainHead(owner, head_sequence, head_hash),
        standing=None if version is None else Standing(version, erased),
        contents_hash=listed_hash(ids or ()) if owner == SERVICE_CHAIN else sealed_hash,
    )


def _entry(user_id: UserId, *said: Any) -> AuditEntry | None:  # noqa: ANN401 -- columns of every type
    event_id, at, actor_kind, actor_id, action, fields, correlation_id, causation_id, version, contents_hash = said
    if at is None or actor_kind not in set(ActorKind):
        return None
    return AuditEntry(
        user_id=user_id,
        event_id=EventId(event_id),
        at=utc(at),
        actor=Actor(ActorKind(actor_kind), actor_id),
        action=action,
        fields=tuple(fields),
        correlation_id=correlation_id,
        causation_id=causation_id,
        version=version,
        contents_hash=contents_hash,
    )


if TYPE_CHECKING:

    def _conforms(database: Database) -> AuditArchive:
        return SqlAuditArchive(database)

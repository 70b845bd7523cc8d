"""Looking into the audit trail, checking it, and its checkpoints, in memory."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.audit.checking import missing_chain
from usercore.audit.checkpoint import SignedCheckpoint
from usercore.audit.entry import SERVICE_CHAIN, AuditEntry, ChainedEntry, ChainHead
from usercore.audit.evidence import Evidence, LeafEvidence, Standing, listed_hash
from usercore.audit.findings import Finding, FindingKind
from usercore.audit.ports import (
    AuditArchive,
    AuditReader,
    BuildCheckpoint,
    CheckpointLog,
    KeptCheckpoint,
    KeptNote,
    ListingTrail,
    MovedHead,
    NewCheckpoint,
)
from usercore.audit.query import AuditPosition, AuditQuery, write_cursor
from usercore.codec.checkpoints import checkpoint_object
from usercore.codec.scalars import compact
from usercore.delivery.ports import OutboxMessage
from usercore.delivery.topics import AUDIT_CHECKPOINTS
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.values import AccountState


@frozen
class MemoryListingTrail:
    """Keeps entries about lists."""

    database: MemoryDatabase

    async def append_listing(self, entry: AuditEntry, ids: Sequence[UserId]) -> None:
        """Append an entry with the users: both or none."""
        self.database.append(entry)
        self.database.listed[entry.event_id] = tuple(ids)


@frozen
class MemoryAuditReader:
    """Reads the trail."""

    database: MemoryDatabase

    async def page(self, query: AuditQuery) -> Page[ChainedEntry]:
        """Return a page."""
        every = (one for chain in self.database.audit.values() for one in chain if self._is_wanted(one, query))
        found = sorted(every, key=_moment, reverse=True)
        chosen = found[: query.limit]
        more = len(found) > len(chosen)
        cursor = write_cursor(AuditPosition(*_moment(chosen[-1]))) if more else None  # type: ignore[arg-type]
        return Page(tuple(chosen), cursor)

    def _is_wanted(self, one: ChainedEntry, query: AuditQuery) -> bool:
        entry, after = one.entry, query.after
        return (
            (query.user_id is None or query.user_id in {entry.user_id, *self.database.listed.get(entry.event_id, ())})
            and query.actor in {None, entry.actor}
            and query.action in {None, entry.action}
            and (query.since is None or entry.at >= query.since)
            and (query.until is None or entry.at < query.until)
            and (after is None or _moment(one) < (after.at, after.event_id))
        )


def _moment(one: ChainedEntry) -> tuple[object, str]:
    return (one.entry.at, one.entry.event_id)


@frozen
class MemoryAuditArchive:
    """Reads all of the trail."""

    database: MemoryDatabase

    async def entries(self, user_id: UserId | None) -> AsyncIterator[Evidence]:
        """Yield the entries of one chain or of all."""
        for ident in self._ids(self.database.audit, user_id):
            chain = self.database.audit[ident]
            head = ChainHead(ident, chain[-1].sequence, chain[-1].hash)
            for one in list(chain):
                yield self._evidence(ident, one, head)

    async def loose_ends(self, user_id: UserId | None) -> AsyncIterator[Finding]:
        """Yield users without a chain, and history that no entry tells of."""
        for ident in self._ids(self.database.users, user_id):
            if ident not in self.database.audit:
                yield missing_chain(ident)
        for ident in self._ids(self.database.history, user_id):
            told = {one.entry.version for one in self.database.audit.get(ident, ())}
            for step in self.database.history[ident]:
                if step.version not in told:
                    detail = f"no entry tells of version {step.version}"
                    yield Finding(FindingKind.CHANGE_UNRECORDED, detail, ident)

    async def leaves(self) -> AsyncIterator[LeafEvidence]:
        """Yield the leaves of the tree over the heads."""
        before: dict[UserId, int] = {}
        for position, head in enumerate(list(self.database.leaves)):
            chain = self.database.audit.get(head.user_id, [])
            entry_hash = next((one.hash for one in chain if one.sequence == head.sequence), None)
            yield LeafEvidence(position, head, before.get(head.user_id, 0), entry_hash)
            before[head.user_id] = head.sequence

    def _ids(self, table: Iterable[UserId], user_id: UserId | None) -> Iterator[UserId]:
        return (ident for ident in sorted(table) if user_id in {None, ident})

    def _evidence(self, user_id: UserId, one: ChainedEntry, head: ChainHead) -> Evidence:
        user = self.database.users.get(user_id)
        listed = self.database.listed.get(one.entry.event_id, ())
        return Evidence(
            user_id=user_id,
            sequence=one.sequence,
            hash=one.hash,
            entry=one.entry,
            head=head,
            standing=None if user is None else Standing(user.version, user.status.state is AccountState.ERASED),
            contents_hash=listed_hash(listed) if user_id == SERVICE_CHAIN else None,
        )


@frozen
class MemoryCheckpointLog:
    """Keeps checkpoints."""

    database: MemoryDatabase

    async def extend(self, build: BuildCheckpoint) -> SignedCheckpoint | None:
        """Make the heads that moved leaves at the tree's end, and keep the checkpoint over it."""
        kept = self.database.checkpoints
        last = KeptCheckpoint(str(kept[-1].signed.note), kept[-1].peaks) if kept else None
        known = {head.user_id: head.sequence for head in self.database.leaves}
        moved = [
            MovedHead(ChainHead(user_id, chain[-1].sequence, chain[-1].hash), known.get(user_id, 0))
            for user_id, chain in sorted(self.database.audit.items())
            if chain[-1].sequence > known.get(user_id, 0)
        ]
        new = await build(last, _each(moved))
        if new is None or len(kept) != new.signed.checkpoint.number - 1:
            return None
        kept.append(new)
        self.database.leaves += (one.head for one in moved)
        self._tell(new)
        return new.signed

    async def last(self) -> KeptNote | None:
        """Return the last checkpoint, or None where there is none."""
        notes = await self.after(len(self.database.checkpoints) - 1, limit=1)
        return notes[0] if notes else None

    async def after(self, number: int, *, limit: int) -> Sequence[KeptNote]:
        """Return checkpoints behind a number, in order."""
        notes = [KeptNote(one.signed.checkpoint.number, str(one.signed.note)) for one in self.database.checkpoints]
        return [one for one in notes if one.number > number][:limit]

    def _tell(self, new: NewCheckpoint) -> None:
        checkpoint, payload = new.signed.checkpoint, compact(checkpoint_object(new.signed))
        message = OutboxMessage(
            position=self.database.next_position(),
            event_id=new.event_id,
            message="AuditCheckpointMade",
            user_id=SERVICE_CHAIN,
            sequence=checkpoint.number,
            occurred_at=checkpoint.at,
            payload=payload,
            topic=AUDIT_CHECKPOINTS,
            aggregate="checkpoint",
        )
        task = Delivery(
            event_id=new.event_id,
            recipient=Recipient.AUDIT,
            operation=Operation.RECORD_CHECKPOINT,
            user_id=SERVICE_CHAIN,
            payload=json.loads(payload),
            secret=None,
            created_at=checkpoint.at,
        )
        self.database.outbox.append(message)
        self.database.deliver((task,))


async def _each(moved: Iterable[MovedHead]) -> AsyncIterator[MovedHead]:
    for one in moved:
        yield one


if TYPE_CHECKING:

    def _conform(
        database: MemoryDatabase,
    ) -> tuple[ListingTrail, AuditReader, AuditArchive, CheckpointLog]:
        return (
            MemoryListingTrail(database),
            MemoryAuditReader(database),
            MemoryAuditArchive(database),
            MemoryCheckpointLog(database),
        )

"""Events on their way out: reading the outbox, and publishing it shard by shard.

One transaction takes shards by their row locks and holds them until what it published is marked. Its first statement
may have seen rows that another relay has published since; the second one, with a snapshot taken under the locks, does
not. Source: measured, in [ADR 8](docs/adr/0008-the-relay.md).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.documents import DOCUMENT_COLUMNS, document_of
from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.keys import SqlVault
from usercore.adapters.sql.mapping import canonical_ids, utc
from usercore.adapters.sql.partitions import OutboxPartitions
from usercore.adapters.sql.places import outbox_place
from usercore.delivery.ports import (
    OutboxBatch,
    OutboxFilter,
    OutboxLine,
    OutboxMessage,
    OutboxReader,
    OutboxShards,
    OutboxStanding,
    ProfileState,
)
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.sealing import DataKey
from usercore.users.values import AccountState

USERS: Final = "user"
"""The aggregate whose events are about a user; others have no profile."""
_PURGED_AT_ONCE: Final = 1000
_REOPENED_AT_ONCE: Final = 10_000
"""How many positions one statement looks at: few enough for any statement timeout."""
_FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"

_COLUMNS: Final = """
    o.id, o.event_id::text, o.type, o.aggregateid::text, o.sequence, o.occurred_at,
    convert_to(o.payload::text, 'UTF8'), o.sealed, o.headers, o.topic, o.aggregatetype
"""
# Those with the oldest events first: none waits for ever behind busier ones.
_USER, _PAYLOAD = 3, 6
_TAKE: Final = b"""
SELECT s.shard FROM outbox_shards AS s
CROSS JOIN LATERAL (
    SELECT o.id FROM outbox AS o WHERE o.shard = s.shard AND o.published_at IS NULL ORDER BY o.id LIMIT 1
) AS first
WHERE s.shard <> ALL ($2::smallint[])
ORDER BY first.id LIMIT $1
FOR UPDATE OF s SKIP LOCKED
"""
_UNPUBLISHED: Final = f"""
SELECT {_COLUMNS}
FROM unnest($1::smallint[]) AS held(shard) CROSS JOIN LATERAL (
    SELECT * FROM outbox WHERE outbox.shard = held.shard AND outbox.published_at IS NULL
    ORDER BY outbox.id LIMIT $2
) AS o
ORDER BY o.id
""".encode()  # noqa: S608 -- made of constants, as everything here
_STATES: Final = f"SELECT {DOCUMENT_COLUMNS} FROM users AS u WHERE u.id = ANY ($1::uuid[])".encode()  # noqa: S608
# A published payload is needed no more but to be published again: from then on it is kept sealed.
_PUBLISHED: Final = b"""
UPDATE outbox AS o SET published_at = $3, sealed = COALESCE(done.sealed, o.sealed),
       payload = CASE WHEN done.sealed IS NULL AND o.sealed IS NULL THEN o.payload END
FROM unnest($1::bigint[], $2::bytea[]) AS done(id, sealed)
WHERE o.id = ANY ($1::bigint[]) AND o.id = done.id
RETURNING 1
"""

_FORGET: Final = b"DELETE FROM outbox WHERE id = ANY ($1::bigint[]) RETURNING 1"

_TAKE_ALL: Final = b"SELECT shard FROM outbox_shards ORDER BY shard FOR UPDATE"
_STATES_AFTER: Final = f"""
SELECT {DOCUMENT_COLUMNS} FROM users AS u WHERE u.id > $1::uuid ORDER BY u.id LIMIT $2
""".encode()  # noqa: S608

_LAST: Final = b"SELECT COALESCE(max(id), 0) FROM outbox"
_REOPEN: Final = b"""
UPDATE outbox SET published_at = NULL
WHERE id > $1 AND id <= $2 AND published_at IS NOT NULL
  AND ($3::uuid IS NULL OR aggregateid = $3::uuid) AND ($4::text IS NULL OR type = $4::text)
  AND ($5::timestamptz IS NULL OR occurred_at >= $5::timestamptz)
  AND ($6::timestamptz IS NULL OR occurred_at < $6::timestamptz)
RETURNING 1
"""


def _purge(table: str) -> bytes:
    return f"""
    DELETE FROM {table} WHERE id IN (
        SELECT id FROM {table} WHERE published_at < $1 ORDER BY published_at LIMIT $2 FOR UPDATE SKIP LOCKED
    ) RETURNING 1
    """.encode()  # noqa: S608 -- the names of partitions of ours


_PENDING: Final = b"SELECT count(*) FROM outbox WHERE published_at IS NULL"
_MESSAGES: Final = f"SELECT {_COLUMNS} FROM outbox AS o WHERE o.id > $1 ORDER BY o.id LIMIT $2".encode()  # noqa: S608
_WAITING: Final = b"""
SELECT shard, type, count(*), min(occurred_at) FROM outbox WHERE published_at IS NULL
GROUP BY shard, type ORDER BY shard, type
"""
_KEPT: Final = b"SELECT count(*), max(published_at) FROM outbox WHERE published_at IS NOT NULL"


@frozen
class SqlOutboxReader:
    """Looks at the outbox."""

    database: Database
    vault: SqlVault

    async def pending(self) -> int:
        """Return how many events have not been published."""
        [(count,)] = await self.database.fetch(_PENDING)
        return int(count)

    async def messages(self, *, after: int, limit: int) -> Sequence[OutboxMessage]:
        """Return messages behind a position, in order."""
        messages, _ = await _opened(self.vault, await self.database.fetch(_MESSAGES, after, limit))
        return messages

    async def waiting(self) -> Sequence[OutboxLine]:
        """Return what was not published, by shard and message."""
        rows = await self.database.fetch(_WAITING)
        return [OutboxLine(shard, message, count, utc(oldest)) for shard, message, count, oldest in rows]

    async def standing(self) -> OutboxStanding:
        """Return how the outbox stands."""
        lines = await self.waiting()
        [(published, last)] = await self.database.fetch(_KEPT)
        return OutboxStanding(lines, published, None if last is None else utc(last))


@frozen
class SqlOutboxShards:
    """Publishes the outbox shard by shard."""

    database: Database
    vault: SqlVault

    async def drain(
        self,
        publish: Callable[[OutboxBatch], Awaitable[datetime]],
        *,
        shards: int,
        limit: int,
        patience_s: float,
        avoid: Collection[int] = (),
    ) -> OutboxBatch | None:
        """Publish what stands in shards that nobody else holds."""

        async def attempt(opened: Session) -> OutboxBatch | None:
            held = [shard for (shard,) in await fetch(opened, _TAKE, shards, list(avoid))]
            if not held:
                return None
            batch = await _batch(opened, self.vault, held, limit)
            if batch.messages:
                at = await publish(batch)
                positions = [message.position for message in batch.messages]
                await fetch(opened, _PUBLISHED, positions, await _sealed(self.vault, batch.messages), at)
            return batch

        return await self.database.hold(attempt, patience_s=patience_s)

    async def republish(
        self,
        publish: Callable[[Sequence[ProfileState]], Awaitable[None]],
        *,
        after: UserId | None,
        limit: int,
        patience_s: float,
    ) -> Sequence[ProfileState]:
        """Publish the state of users behind `after`, by id."""

        async def attempt(opened: Session) -> Sequence[ProfileState]:
            await fetch(opened, _TAKE_ALL)
            rows = await fetch(opened, _STATES_AFTER, after or _FIRST_ID, limit)
            states = [_state(row) for row in rows]
            if states:
                await publish(states)
            return states

        return await self.database.hold(attempt, patience_s=patience_s)

    async def reopen(self, chosen: OutboxFilter) -> int:
        """Mark published events as not published, and return how many."""
        user_id = chosen.user_id
        if user_id is not None and canonical_ids([user_id]) is None:
            return 0
        [(last,)] = await self.database.fetch(_LAST)
        # The events of one user have an index of their own.
        step = _REOPENED_AT_ONCE if user_id is None else max(last, 1)
        reopened = 0
        for low in range(0, last, step):
            window = (low, low + step, user_id, chosen.message, chosen.since, chosen.until)
            reopened += await self._reopen(window)
        return reopened

    async def _reopen(self, window: tuple[object, ...]) -> int:
        return len(await self.database.write(lambda opened: fetch(opened, _REOPEN, *window)))

    async def purge(self, before: datetime) -> int:
        """Forget events that were published before a time, and return how many went.

        Partitions that are full go whole, once all in them is old: their last row decides. What nobody publishes
        must not keep its neighbours, so beside such a row the others go one by one, as where a partition still fills,
        and everywhere where another role owns the tables.
        """
        partitions = OutboxPartitions(self.database)
        if not await partitions.are_ours():
            return await self._purge(_purge("outbox"), before)
        await partitions.extend()
        full, filling = await partitions.full()
        gone, tables = 0, [one.name for one in filling]
        for part in full:
            if await partitions.drop(part, before):
                gone += part.rows
            elif await partitions.waits(part):
                tables.append(part.name)
        for table in tables:
            gone += await self._purge(_purge(table), before)
        return gone

    async def _purge(self, statement: bytes, before: datetime) -> int:
        gone = 0
        while True:
            rows = await self.database.write(lambda opened: fetch(opened, statement, before, _PURGED_AT_ONCE))
            gone += len(rows)
            if len(rows) < _PURGED_AT_ONCE:
                return gone


async def _batch(opened: Session, vault: SqlVault, held: Sequence[int], limit: int) -> OutboxBatch:
    """Return what is to be published of shards that are held, and what their users are now."""
    rows = await fetch(opened, _UNPUBLISHED, held, -(-limit // len(held)))
    messages, shredded = await _opened(vault, rows)
    if shredded:
        await fetch(opened, _FORGET, shredded)
    users = list({message.user_id for message in messages if message.aggregate == USERS})
    states = [_state(row) for row in await fetch(opened, _STATES, users)] if users else []
    return OutboxBatch(messages, states, held)


async def _opened(vault: SqlVault, rows: Sequence[Row]) -> tuple[list[OutboxMessage], list[int]]:
    """Return the messages of rows of :data:`_COLUMNS`, and the positions of those whose user has been erased."""
    keys = await vault.keys_of({UserId(row[_USER]) for row in rows if row[_PAYLOAD] is None})
    messages: list[OutboxMessage] = []
    shredded: list[int] = []
    for row in rows:
        payload = _payload(row, keys)
        if payload is None:
            shredded.append(row[0])
        else:
            messages.append(_message(row, payload))
    return messages, shredded


def _payload(row: Row, keys: Mapping[UserId, DataKey]) -> bytes | None:
    plain, sealed = row[_PAYLOAD], row[_PAYLOAD + 1]
    key = keys.get(UserId(row[_USER]))
    if plain is not None or key is None or sealed is None:
        return plain if plain is None else bytes(plain)
    return key.open(outbox_place(EventId(row[1])), sealed)


async def _sealed(vault: SqlVault, messages: Sequence[OutboxMessage]) -> list[bytes | None]:
    """Return for each message its payload sealed, or None where it tells of nobody or its user has no key."""
    keys = await vault.keys_of({message.user_id for message in messages if message.aggregate == USERS})
    return [
        key.seal(outbox_place(message.event_id), message.payload) if (key := keys.get(message.user_id)) else None
        for message in messages
    ]


def _message(row: Row, payload: bytes) -> OutboxMessage:
    position, event_id, message, user_id, sequence, occurred_at, _, _, headers, topic, aggregate = row
    return OutboxMessage(
        position=position,
        event_id=EventId(event_id),
        message=message,
        user_id=UserId(user_id),
        sequence=sequence,
        occurred_at=utc(occurred_at),
        payload=payload,
        headers=tuple((name, value) for name, value in headers),
        topic=topic,
        aggregate=aggregate,
    )


def _state(row: Row) -> ProfileState:
    document = document_of(row)
    body = None if document.state is AccountState.ERASED else document.body
    return ProfileState(document.user_id, document.version, body)


if TYPE_CHECKING:

    def _conform(database: Database, vault: SqlVault) -> tuple[OutboxReader, OutboxShards]:
        return SqlOutboxReader(database, vault), SqlOutboxShards(database, vault)

"""Messages that wait for what they tell of."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import define, field

from usercore.activity.values import Awaited, WaitsFor
from usercore.adapters.sql.engine import Database, Row, fetch
from usercore.adapters.sql.mapping import CANONICAL_UUID, is_canonical, utc
from usercore.adapters.sql.records import PLACE, RECORD, WRITTEN, WRITTEN_ARRAYS, MessageBox, place_of
from usercore.kernel.paging import Page
from usercore.kernel.sealing import DataKey
from usercore.messaging.ports import ParkedMessages
from usercore.messaging.values import ParkedLine, ParkedMessage

WINDOW: Final = 5_000
"""How many parked messages one claim looks at. Source: measured, 2 µs each, so 10 ms a claim, with 100,000 parked."""

_WAITS: Final = "waits_for, waits_for_id, parked_at, expires_at"
_TYPES: Final = ("uuid[]", *WRITTEN_ARRAYS, "text[]", "text[]", "timestamptz[]", "timestamptz[]")
# In one order by every writer, so that two that park the same messages wait for each other in turn.
_PARK: Final = f"""
INSERT INTO parked_messages (id, {WRITTEN}, {_WAITS}, due_at)
SELECT id, {WRITTEN}, {_WAITS}, parked_at
FROM unnest({", ".join(f"${number}::{kind}" for number, kind in enumerate(_TYPES, 1))}) AS p(id, {WRITTEN}, {_WAITS})
ORDER BY {PLACE}
ON CONFLICT DO NOTHING RETURNING 1
""".encode()  # noqa: S608 -- made of constants, as everything here

# Looks at the next so many messages in the order of their age, each by one probe of the primary key of what it waits
# for: the cost has a bound, and nothing is written for those that go on waiting. Driving it from the users and orders
# that came since would read them all at times when thousands come in a second, and miss those whose transaction was
# committed later than its time says.
CLAIM: Final = f"""
WITH looked AS MATERIALIZED (
    SELECT id, waits_for, waits_for_id, due_at,
           CASE WHEN waits_for = 'USER' AND waits_for_id ~ '{CANONICAL_UUID}' THEN waits_for_id::uuid END AS user_id,
           CASE waits_for WHEN 'ORDER' THEN 'ORDER_PLACED' WHEN 'PAYMENT' THEN 'PAYMENT_FAILED' END AS fact
    FROM parked_messages WHERE id > $4::uuid ORDER BY id LIMIT $5
), ready AS MATERIALIZED (
    SELECT l.id FROM looked AS l CROSS JOIN LATERAL (SELECT FROM users AS u WHERE u.id = l.user_id LIMIT 1)
    WHERE l.due_at <= $1
    UNION
    SELECT l.id FROM looked AS l CROSS JOIN LATERAL (
        SELECT FROM activity_facts AS f WHERE f.kind = l.fact AND f.fact_id = l.waits_for_id LIMIT 1
    )
    WHERE l.due_at <= $1
    UNION
    (SELECT id FROM parked_messages WHERE expires_at <= $1 AND due_at <= $1 ORDER BY expires_at LIMIT $3)
), free AS MATERIALIZED (
    SELECT p.id FROM parked_messages AS p
    WHERE p.id = ANY (ARRAY(SELECT id FROM ready ORDER BY id LIMIT $3)) AND p.due_at <= $1
    ORDER BY p.id FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE parked_messages AS p SET due_at = $2 WHERE p.id = ANY (ARRAY(SELECT id FROM free))
    RETURNING p.*
), seen AS (
    SELECT (SELECT count(*) FROM looked) AS count, (SELECT id FROM looked ORDER BY id DESC LIMIT 1) AS last,
           (SELECT count(*) FROM ready) AS ready
)
SELECT seen.count, seen.last::text, seen.ready, t.id::text, {_WAITS}, {RECORD} FROM seen LEFT JOIN taken AS t ON true
ORDER BY t.id
""".encode()  # noqa: S608 -- the same
_REMOVE: Final = b"DELETE FROM parked_messages WHERE id = ANY ($1::uuid[]) RETURNING 1"
_PAGE: Final = f"""
SELECT id::text, {_WAITS}, {PLACE} FROM parked_messages WHERE id > $1::uuid ORDER BY id LIMIT $2
""".encode()  # noqa: S608 -- the same
_COUNT: Final = b"SELECT count(*) FROM parked_messages"
_BEGINNING: Final = "00000000-0000-0000-0000-000000000000"


@define(eq=False)
class SqlParkedMessages:
    """Keeps messages that came too early.

    Args:
        database: where.
        box: seals them.
        window: how many messages one claim looks at.
    """

    database: Database
    box: MessageBox
    window: int = WINDOW
    _looked_at: str = field(default=_BEGINNING, init=False)

    async def park(self, messages: Sequence[ParkedMessage]) -> None:
        """Keep messages; one that is kept already stays as it is."""
        ids = [message.id for message in messages]
        columns = (
            ids,
            *await self.box.columns(ids, [message.message for message in messages]),
            [message.awaited.kind.value for message in messages],
            [message.awaited.id for message in messages],
            [message.parked_at for message in messages],
            [message.expires_at for message in messages],
        )
        await self.database.write(lambda opened: fetch(opened, _PARK, *columns))

    async def claim_ready(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[ParkedMessage]:
        """Take messages that can be applied now and those that have expired, oldest first; see the port."""
        begin, key = self._looked_at, await self.box.key()
        terms = (now, lease_until, limit, begin, self.window)
        rows = await self.database.write(lambda opened: fetch(opened, CLAIM, *terms, prepare=False))
        count, last, ready = rows[0][:3]
        taken = [self._parked(key, row[3:]) for row in rows if row[3] is not None]
        if ready < limit:
            self._looked_at = last if count == self.window else _BEGINNING
        return taken

    async def remove(self, ids: Sequence[str]) -> None:
        """Forget messages that have found their end elsewhere."""
        known = [one for one in ids if is_canonical(one)]
        await self.database.write(lambda opened: fetch(opened, _REMOVE, known))

    async def page(self, *, after: str | None, limit: int) -> Page[ParkedLine]:
        """Return a page of what is parked, the oldest first."""
        if after is not None and not is_canonical(after):
            return Page(())
        rows = await self.database.fetch(_PAGE, after or _BEGINNING, limit + 1)
        lines = tuple(_line(row) for row in rows[:limit])
        return Page(lines, lines[-1].id if len(rows) > limit else None)

    async def count(self) -> int:
        """Return how many are parked."""
        [(count,)] = await self.database.fetch(_COUNT)
        return int(count)

    def _parked(self, key: DataKey, row: Row) -> ParkedMessage:
        parked_id, kind, awaited_id, parked_at, expires_at, *record = row
        awaited = Awaited(WaitsFor(kind), awaited_id)
        message = self.box.record_of(key, parked_id, tuple(record))
        return ParkedMessage(parked_id, message, awaited, utc(parked_at), utc(expires_at))


def _line(row: Row) -> ParkedLine:
    parked_id, kind, awaited_id, parked_at, expires_at, *place = row
    awaited = Awaited(WaitsFor(kind), awaited_id)
    return ParkedLine(parked_id, place_of(tuple(place)), awaited, utc(parked_at), utc(expires_at))


if TYPE_CHECKING:

    def _conforms(database: Database, box: MessageBox) -> ParkedMessages:
        return SqlParkedMessages(database, box)

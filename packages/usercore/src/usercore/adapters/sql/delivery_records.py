"""What operators see of deliveries."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row, fetch
from usercore.adapters.sql.mapping import canonical_ids, is_canonical, utc
from usercore.delivery.ports import DeliveryRecords, Mending
from usercore.delivery.values import (
    DeliveryFilter,
    DeliveryLine,
    DeliveryStanding,
    DeliveryState,
    Operation,
    Recipient,
)
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.paging import Page

_LINES: Final = """
SELECT event_id::text, recipient, operation, user_id::text,
       CASE WHEN delivered_at IS NOT NULL THEN 'DELIVERED' WHEN discarded_at IS NOT NULL THEN 'DISCARDED'
            WHEN failed_at IS NOT NULL THEN 'FAILED' ELSE 'WAITING' END,
       created_at, due_at, attempts, error_code, COALESCE(delivered_at, discarded_at, failed_at),
       settled_by, settled_reason
FROM deliveries
"""
_STATES: Final = {
    DeliveryState.WAITING: "delivered_at IS NULL AND failed_at IS NULL",
    DeliveryState.DELIVERED: "delivered_at IS NOT NULL",
    DeliveryState.FAILED: "failed_at IS NOT NULL AND delivered_at IS NULL AND discarded_at IS NULL",
    DeliveryState.DISCARDED: "failed_at IS NOT NULL AND delivered_at IS NULL AND discarded_at IS NOT NULL",
}
"""In the words of the indexes, which serve no parameter."""
_GET: Final = f"{_LINES} WHERE event_id = $1::uuid AND recipient = $2".encode()
# Those behind it, which were put off with it, come forward too. One that is being told may be told again.
_RETRY: Final = b"""
WITH chosen AS (
    UPDATE deliveries SET failed_at = NULL, attempts = 0, due_at = $3
    WHERE event_id = $1::uuid AND recipient = $2 AND delivered_at IS NULL AND discarded_at IS NULL
    RETURNING user_id, recipient, seq
), behind AS (
    UPDATE deliveries AS d SET due_at = LEAST(d.due_at, $3) FROM chosen
    WHERE d.user_id = chosen.user_id AND d.recipient = chosen.recipient AND d.seq > chosen.seq
      AND d.delivered_at IS NULL AND d.failed_at IS NULL
)
SELECT 1 FROM chosen
"""
_DISCARD: Final = b"""
WITH chosen AS (
    UPDATE deliveries SET discarded_at = $3, failed_at = COALESCE(failed_at, $3), payload = '{}', secret = NULL,
                          settled_by = $4, settled_reason = $5
    WHERE event_id = $1::uuid AND recipient = $2 AND delivered_at IS NULL AND discarded_at IS NULL
    RETURNING user_id, recipient, seq
), behind AS (
    UPDATE deliveries AS d SET due_at = LEAST(d.due_at, $3) FROM chosen
    WHERE d.user_id = chosen.user_id AND d.recipient = chosen.recipient AND d.seq > chosen.seq
      AND d.delivered_at IS NULL AND d.failed_at IS NULL
)
SELECT 1 FROM chosen
"""
_STANDING: Final = b"""
SELECT recipient, sum(waiting), sum(failed), min(oldest) FROM (
    SELECT recipient, count(*) AS waiting, 0 AS failed, min(created_at) AS oldest
    FROM deliveries WHERE delivered_at IS NULL AND failed_at IS NULL GROUP BY recipient
    UNION ALL
    SELECT recipient, 0, count(*), NULL
    FROM deliveries WHERE failed_at IS NOT NULL AND delivered_at IS NULL AND discarded_at IS NULL GROUP BY recipient
) AS counted GROUP BY recipient
"""

_WAITING_OF: Final = b"""
SELECT DISTINCT user_id::text FROM deliveries
WHERE user_id = ANY ($2::uuid[]) AND recipient = $1 AND delivered_at IS NULL AND failed_at IS NULL
"""
# Under the user's lock, as those of changes are: they stand in the order in which things came about.
_ADD: Final = b"""
WITH asked AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json) AS m(
        event_id uuid, recipient text, operation text, user_id uuid, payload json, created_at timestamptz,
        version bigint
    )
), locked AS MATERIALIZED (
    SELECT a.event_id FROM users AS u JOIN asked AS a ON a.user_id = u.id AND a.version = u.version
    ORDER BY u.id FOR UPDATE OF u
)
INSERT INTO deliveries (event_id, recipient, operation, user_id, payload, created_at, due_at)
SELECT event_id, recipient, operation, user_id, payload, created_at, created_at
FROM asked WHERE version IS NULL OR event_id IN (SELECT event_id FROM locked)
RETURNING event_id::text
"""


@frozen
class SqlDeliveryRecords:
    """Shows deliveries, and takes what an operator decides about them."""

    database: Database

    async def page(self, wanted: DeliveryFilter, *, after: str | None, limit: int) -> Page[DeliveryLine]:
        """Return a page of deliveries in the order of their events."""
        place = None if after is None else _parts(after)
        if (after is not None and place is None) or not (wanted.user_id is None or is_canonical(wanted.user_id)):
            return Page(())
        statement, parameters = page_statement(wanted, place, limit + 1)
        rows = await self.database.fetch(statement, *parameters, prepare=False)
        lines = tuple(_line(row) for row in rows[:limit])
        return Page(lines, lines[-1].key if len(rows) > limit else None)

    async def get(self, key: str) -> DeliveryLine | None:
        """Return one delivery, or None."""
        place = _parts(key)
        if place is None:
            return None
        return next((_line(row) for row in await self.database.fetch(_GET, *place)), None)

    async def retry(self, key: str, *, now: datetime) -> bool:
        """Make a delivery due now, as if it had never been tried."""
        return await self._change(_RETRY, key, now)

    async def discard(self, key: str, *, now: datetime, by: str, reason: str) -> bool:
        """Empty a delivery that waits or was given up, and never tell it."""
        return await self._change(_DISCARD, key, now, by, reason)

    async def standing(self) -> Sequence[DeliveryStanding]:
        """Return for each recipient how things stand."""
        found = {row[0]: row for row in await self.database.fetch(_STANDING)}
        return [_standing(recipient, found.get(recipient.value)) for recipient in Recipient]

    async def waiting_of(self, recipient: Recipient, ids: Sequence[UserId]) -> frozenset[UserId]:
        """Return those of the users of whom a delivery to the recipient waits."""
        known = canonical_ids(ids)
        if known is None:
            return frozenset()
        rows = await self.database.fetch(_WAITING_OF, recipient.value, known)
        return frozenset(UserId(user_id) for (user_id,) in rows)

    async def add(self, mendings: Sequence[Mending]) -> frozenset[EventId]:
        """Keep deliveries behind all others of their users."""
        asked = json.dumps([_asked(one) for one in mendings if is_canonical(one.delivery.user_id)])
        rows = await self.database.write(lambda opened: fetch(opened, _ADD, asked, prepare=False))
        return frozenset(EventId(event_id) for (event_id,) in rows)

    async def _change(self, statement: bytes, key: str, *terms: object) -> bool:
        place = _parts(key)
        if place is None:
            return False
        return bool(await self.database.write(lambda opened: fetch(opened, statement, *place, *terms)))


def _asked(mending: Mending) -> dict[str, object]:
    one = mending.delivery
    return {
        "event_id": one.event_id,
        "recipient": one.recipient.value,
        "operation": one.operation.value,
        "user_id": one.user_id,
        "payload": dict(one.payload),
        "created_at": one.created_at.isoformat(),
        "version": mending.version,
    }


def page_statement(wanted: DeliveryFilter, place: tuple[str, str] | None, limit: int) -> tuple[bytes, Sequence[object]]:
    """Return the statement that lists deliveries, and its parameters."""
    values: list[object] = [limit]
    where = " AND ".join(_conditions(wanted, place, values))
    # Named with its table, it is the column, which is indexed, and not its text.
    order = "ORDER BY deliveries.event_id, deliveries.recipient"
    return f"{_LINES} {where and 'WHERE ' + where} {order} LIMIT $1".encode(), values


def _conditions(wanted: DeliveryFilter, place: tuple[str, str] | None, values: list[object]) -> Iterator[str]:
    if wanted.state is not None:
        yield _STATES[wanted.state]
    if wanted.recipient is not None:
        values.append(wanted.recipient.value)
        yield f"recipient = ${len(values)}"
    if wanted.user_id is not None:
        values.append(wanted.user_id)
        yield f"user_id = ${len(values)}::uuid"
    if place is not None:
        values.extend(place)
        yield f"(event_id, recipient) > (${len(values) - 1}::uuid, ${len(values)})"


def _parts(key: str) -> tuple[str, str] | None:
    event_id, _, recipient = key.partition(":")
    return (event_id, recipient) if is_canonical(event_id) and recipient in set(Recipient) else None


def _line(row: Row) -> DeliveryLine:
    event_id, recipient, operation, user_id, state, created_at, due_at, attempts, code, settled_at, by, reason = row
    return DeliveryLine(
        event_id=EventId(event_id),
        recipient=Recipient(recipient),
        operation=Operation(operation),
        user_id=UserId(user_id),
        state=DeliveryState(state),
        created_at=utc(created_at),
        due_at=utc(due_at),
        attempts=attempts,
        error_code=code,
        settled_at=None if settled_at is None else utc(settled_at),
        settled_by=by,
        settled_reason=reason,
    )


def _standing(recipient: Recipient, row: Row | None) -> DeliveryStanding:
    if row is None:
        return DeliveryStanding(recipient, 0, 0, None)
    _, waiting, failed, oldest = row
    return DeliveryStanding(recipient, int(waiting), int(failed), None if oldest is None else utc(oldest))


if TYPE_CHECKING:

    def _conforms(database: Database) -> DeliveryRecords:
        return SqlDeliveryRecords(database)

"""Privacy requests, each step with its audit entry and its letter in one transaction."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import psycopg
from attrs import frozen

from usercore.adapters.sql.audit import append
from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.mapping import is_canonical
from usercore.adapters.sql.privacy_rows import COLUMNS, SELECT, request_of, request_row
from usercore.adapters.sql.rows import dump_deliveries
from usercore.adapters.sql.tables.privacy import OPEN
from usercore.delivery.answers import delivery_of_answer, entry_of_step
from usercore.kernel.errors import InvalidError
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.privacy.requests.errors import RequestChangedError, UserHeldError
from usercore.privacy.requests.model import PrivacyRequest, RequestId
from usercore.privacy.requests.ports import Noted, PrivacyRequests, RequestFilter
from usercore.privacy.requests.values import RequestKind
from usercore.users.errors import UserMergedError, UserNotFoundError
from usercore.users.values import AccountState

T = TypeVar("T")

# The user's row is locked first by all who begin an erasure or place a hold, so that they wait for each other.
LOCK_USER: Final = b"SELECT state, merged_into::text FROM users WHERE id = $1::uuid FOR NO KEY UPDATE"
_OURS: Final = "json_populate_record(NULL::privacy_requests, $1::json)"
_ADD: Final = f"""
INSERT INTO privacy_requests SELECT * FROM {_OURS} ON CONFLICT DO NOTHING RETURNING 1
""".encode()  # noqa: S608 -- made of constants, as everything here
_NAMES: Final = ", ".join(COLUMNS)
_SAVE: Final = f"""
UPDATE privacy_requests AS p SET ({_NAMES}) = (SELECT {_NAMES} FROM {_OURS})
WHERE p.id = $2::uuid AND p.version = $3 RETURNING 1
""".encode()  # noqa: S608 -- the same
_GET: Final = f"SELECT {SELECT} FROM privacy_requests AS p WHERE p.id = $1::uuid".encode()  # noqa: S608 -- the same
_OPEN_ALIKE: Final = f"""
SELECT {SELECT} FROM privacy_requests AS p WHERE p.user_id = $1::uuid AND p.kind = $2 AND {OPEN}
""".encode()  # noqa: S608 -- the same
_PAGE: Final = f"""
SELECT {SELECT} FROM privacy_requests AS p
WHERE ($1::uuid IS NULL OR p.user_id = $1::uuid) AND ($2::uuid IS NULL OR p.id < $2::uuid)
  AND ($3::text[] IS NULL OR p.state = ANY ($3::text[])) AND ($4::text[] IS NULL OR p.kind = ANY ($4::text[]))
  AND ($5::timestamptz IS NULL OR (p.due_at < $5::timestamptz AND p.{OPEN}))
ORDER BY p.id DESC LIMIT $6
""".encode()  # noqa: S608 -- the same
_CLAIM: Final = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM privacy_requests WHERE run_at <= $1 AND {OPEN} ORDER BY run_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE privacy_requests AS p SET run_at = $2 FROM due WHERE p.id = due.id RETURNING {SELECT}
""".encode()  # noqa: S608 -- the same
_RUN_AT: Final = f"""
UPDATE privacy_requests SET run_at = $2 WHERE id = $1::uuid AND {OPEN} RETURNING 1
""".encode()  # noqa: S608 -- the same
_OVERDUE: Final = f"""
SELECT kind, count(*) FROM privacy_requests WHERE due_at < $1 AND {OPEN} GROUP BY kind
""".encode()  # noqa: S608 -- the same
_LAST: Final = b"SELECT COALESCE(max(ledger_sequence), 0) FROM privacy_requests WHERE ledger_sequence IS NOT NULL"
_HELD: Final = b"SELECT 1 FROM legal_holds WHERE user_id = $1::uuid AND released_at IS NULL LIMIT 1"
TO_DELIVERIES: Final = b"""
INSERT INTO deliveries (event_id, recipient, operation, user_id, payload, secret, created_at, due_at, traceparent)
SELECT d.event_id, d.recipient, d.operation, d.user_id, d.payload, d.secret, d.created_at, d.created_at, d.traceparent
FROM json_to_recordset($1::json) AS d(
    event_id uuid, recipient text, operation text, user_id uuid, payload json, secret text, created_at timestamptz,
    traceparent text
) RETURNING 1
"""


@frozen
class SqlPrivacyRequests:
    """Keeps privacy requests."""

    database: Database

    async def add(self, noted: Noted) -> PrivacyRequest:
        """Keep a new request; where one like it is open, return that one."""
        request = noted.request

        async def attempt(opened: Session) -> PrivacyRequest:
            # A backup that is made good may have whoever was erased as merged.
            await lock_user(opened, request.user_id, merged=request.erasure is not None)
            if await fetch(opened, _ADD, json.dumps(request_row(noted))):
                await _accompany(opened, noted)
                return request
            alike = await fetch(opened, _OPEN_ALIKE, request.user_id, request.kind.value)
            known = alike or await fetch(opened, _GET, request.id)
            return request_of(known[0])

        return await self._write(attempt)

    async def get(self, request_id: RequestId) -> PrivacyRequest | None:
        """Return a request, or None."""
        if not is_canonical(request_id):
            return None
        rows = await self.database.fetch(_GET, request_id)
        return request_of(rows[0]) if rows else None

    async def page(self, wanted: RequestFilter, *, after: RequestId | None, limit: int) -> Page[PrivacyRequest]:
        """Return a page of requests, the newest first."""
        names = [one for one in (wanted.user_id, after) if one is not None]
        if not all(map(is_canonical, names)):
            return Page(())
        states, kinds = sorted(wanted.states) or None, sorted(wanted.kinds) or None
        terms = (wanted.user_id, after, states, kinds, wanted.overdue_at, limit + 1)
        found = [request_of(row) for row in await self.database.fetch(_PAGE, *terms, prepare=False)]
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)

    async def save(self, noted: Noted, *, unless_held: bool = False) -> None:
        """Keep a request's next state."""
        request = noted.request

        async def attempt(opened: Session) -> None:
            if unless_held:
                await lock_user(opened, request.user_id, merged=True)
                if await fetch(opened, _HELD, request.user_id):
                    raise UserHeldError
            row = json.dumps(request_row(noted))
            if not await fetch(opened, _SAVE, row, request.id, request.version - 1):
                raise RequestChangedError
            await _accompany(opened, noted)

        await self._write(attempt)

    async def claim(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[PrivacyRequest]:
        """Take open requests with which the service is to go on."""
        rows = await self.database.write(lambda opened: fetch(opened, _CLAIM, now, lease_until, limit))
        return [request_of(row) for row in rows]

    async def run_at(self, request_id: RequestId, at: datetime) -> None:
        """Say when the service is to go on with an open request."""
        await self.database.write(lambda opened: fetch(opened, _RUN_AT, request_id, at))

    async def overdue(self, now: datetime) -> Mapping[RequestKind, int]:
        """Return how many open requests are overdue, by kind."""
        return {RequestKind(kind): count for kind, count in await self.database.fetch(_OVERDUE, now)}

    async def last_ledger_sequence(self) -> int:
        """Return the last place in the ledger of erasures that any request knows of."""
        [(last,)] = await self.database.fetch(_LAST)
        return int(last)

    async def _write(self, attempt: Callable[[Session], Awaitable[T]]) -> T:
        try:
            return await self.database.write(attempt)
        except (psycopg.DataError, UnicodeEncodeError):
            raise InvalidError("some text cannot be stored: leave out NUL and lone surrogates") from None


async def lock_user(opened: Session, user_id: UserId, *, merged: bool = False) -> None:
    """Lock a user's row in the transaction that is open.

    Args:
        opened: the transaction.
        user_id: whose.
        merged: whether an account will do that was merged into another, since it was looked at perhaps.

    Raises:
        UserNotFoundError: there is no such user.
        UserMergedError: the account was merged.
    """
    rows = await fetch(opened, LOCK_USER, user_id) if is_canonical(user_id) else []
    if not rows:
        raise UserNotFoundError
    [(state, survivor)] = rows
    if state == AccountState.MERGED and not merged:
        raise UserMergedError(survivor=UserId(survivor))


async def _accompany(opened: Session, noted: Noted) -> None:
    """Write what comes with a step: its audit entry, and the letter to the person."""
    delivery = delivery_of_answer(noted)
    if delivery is not None:
        await fetch(opened, TO_DELIVERIES, dump_deliveries([delivery]))
    await append(opened, [entry_of_step(noted)])


if TYPE_CHECKING:

    def _conforms(database: Database) -> PrivacyRequests:
        return SqlPrivacyRequests(database)

"""Verifications: begun, guessed at, found and forgotten."""

import json
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.audit import append
from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.ledger import settle
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.audit.entry import entry_of_start
from usercore.delivery.routing import deliveries_of_verification
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.receipts import Settled
from usercore.users.errors import StaleVersionError, UserNotFoundError
from usercore.users.values import VerificationChannel
from usercore.verification.errors import VerificationThrottledError
from usercore.verification.ports import NewVerification, VerificationReader, VerificationWriter
from usercore.verification.values import DAY, Verification, VerificationState

_COLUMNS: Final = """
id::text, user_id::text, channel, state, started_at, contact_hash, code_hash, token_hash, code_expires_at,
link_expires_at, attempts, settled_at, verifier, reference, request
"""
_SELECT: Final = f"SELECT {_COLUMNS} FROM verifications ".encode()  # noqa: S608 -- made of constants
# Whoever starts a verification, guesses at one or changes the user waits here for the others.
_LOCK: Final = b"SELECT version FROM users WHERE id = $1::uuid FOR NO KEY UPDATE"
_STARTS: Final = b"""
SELECT started_at FROM verifications
WHERE user_id = $1::uuid AND channel = $2 AND started_at > $3 AND code_hash IS NOT NULL
"""
_SUPERSEDE: Final = b"""
UPDATE verifications SET state = 'SUPERSEDED', settled_at = $3
WHERE user_id = $1::uuid AND channel = $2 AND state = 'PENDING' RETURNING 1
"""
_INSERT: Final = b"""
INSERT INTO verifications (id, user_id, channel, state, started_at, contact_hash, code_hash, token_hash,
                           code_expires_at, link_expires_at, request)
VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING 1
"""
_DELIVER: Final = b"""
INSERT INTO deliveries (event_id, recipient, operation, user_id, payload, secret, created_at, due_at, traceparent)
VALUES ($1::uuid, $2, $3, $4::uuid, $5::json, $6, $7, $7, $8) RETURNING 1
"""
_GUESS: Final = f"""
UPDATE verifications SET attempts = attempts + 1
WHERE id = $2::uuid AND user_id = $1::uuid AND state = 'PENDING' AND link_expires_at > $3 AND attempts < $4
RETURNING {_COLUMNS}
""".encode()  # noqa: S608 -- the same
_PURGE: Final = b"""
DELETE FROM verifications WHERE id = ANY (ARRAY(
    SELECT id FROM verifications WHERE channel <> 'identity' AND started_at < $1
    ORDER BY started_at LIMIT $2 FOR UPDATE SKIP LOCKED
)) RETURNING 1
"""


@frozen
class SqlVerificationWriter:
    """Begins verifications and counts guesses."""

    database: Database

    async def start(self, new: NewVerification) -> None:
        """Keep a verification, and the delivery that tells its user, in one transaction."""
        if not is_canonical(new.user.id):
            raise UserNotFoundError
        await self.database.write(partial(_start, new))

    async def guess(
        self, user_id: UserId, verification_id: EventId, *, now: datetime, most: int
    ) -> Verification | None:
        """Count a guess at a verification, and return it as it then stands."""
        if not is_canonical(user_id) or not is_canonical(verification_id):
            return None

        async def attempt(opened: Session) -> list[Row]:
            # The lock is a write, so that a guess at nothing takes as long as one that counts.
            await fetch(opened, _LOCK, user_id)
            return await fetch(opened, _GUESS, user_id, verification_id, now, most)

        return next(map(_verification, await self.database.write(attempt)), None)

    async def purge(self, before: datetime, *, limit: int) -> int:
        """Delete at most so many that began before a time, but those of identities."""
        return len(await self.database.write(lambda opened: fetch(opened, _PURGE, before, limit)))


async def _start(new: NewVerification, opened: Session) -> None:
    verification, claim = new.verification, new.context.claim
    await _check(new, opened)
    if claim is not None:
        await settle(opened, claim, Settled(new.user.id, new.user.version))
    await fetch(opened, _SUPERSEDE, new.user.id, verification.channel.value, verification.started_at)
    await fetch(opened, _INSERT, *_row(verification))
    await append(opened, [entry_of_start(new)])
    for delivery in deliveries_of_verification(new):
        await fetch(
            opened,
            _DELIVER,
            delivery.event_id,
            delivery.recipient.value,
            delivery.operation.value,
            delivery.user_id,
            json.dumps(delivery.payload, ensure_ascii=False),
            delivery.secret and delivery.secret.reveal(),
            delivery.created_at,
            delivery.traceparent,
        )


async def _check(new: NewVerification, opened: Session) -> None:
    versions = await fetch(opened, _LOCK, new.user.id)
    if not versions:
        raise UserNotFoundError
    [(version,)] = versions
    if version != new.user.version:
        raise StaleVersionError(current=version)
    now = new.verification.started_at
    rows = await fetch(opened, _STARTS, new.user.id, new.verification.channel.value, now - DAY)
    wait = new.policy.next_start([utc(at) for (at,) in rows], now) - now
    if wait:
        raise VerificationThrottledError(retry_after_s=wait.total_seconds())


def _row(one: Verification) -> tuple[object, ...]:
    return (
        one.id,
        one.user_id,
        one.channel.value,
        one.state.value,
        one.started_at,
        one.contact_hash,
        one.code_hash,
        one.token_hash,
        one.code_expires_at,
        one.link_expires_at,
        one.request,
    )


@frozen
class SqlVerificationReader:
    """Finds verifications."""

    database: Database

    async def get(self, user_id: UserId, verification_id: EventId) -> Verification | None:
        """Return a user's verification, or None where it is not theirs or nobody's."""
        if not is_canonical(user_id) or not is_canonical(verification_id):
            return None
        return await self._one(b"WHERE id = $1::uuid AND user_id = $2::uuid", verification_id, user_id)

    async def by_token(self, token_hash: bytes) -> Verification | None:
        """Return the verification whose link carries the token of this hash."""
        return await self._one(b"WHERE token_hash = $1", token_hash)

    async def by_request(self, user_id: UserId, request: bytes) -> Verification | None:
        """Return the latest verification of a user that this idempotent request began."""
        if not is_canonical(user_id):
            return None
        condition = b"WHERE user_id = $1::uuid AND request = $2 ORDER BY started_at DESC LIMIT 1"
        return await self._one(condition, user_id, request)

    async def _one(self, condition: bytes, *parameters: object) -> Verification | None:
        return next(map(_verification, await self.database.fetch(_SELECT + condition, *parameters)), None)


def _verification(row: Row) -> Verification:
    ident, user_id, channel, state, started_at, contact, code, token, code_until, link_until, *rest = row
    attempts, settled_at, verifier, reference, request = rest
    return Verification(
        id=EventId(ident),
        user_id=UserId(user_id),
        channel=VerificationChannel(channel),
        state=VerificationState(state),
        started_at=utc(started_at),
        contact_hash=contact,
        code_hash=code,
        token_hash=token,
        code_expires_at=code_until and utc(code_until),
        link_expires_at=link_until and utc(link_until),
        attempts=attempts,
        settled_at=settled_at and utc(settled_at),
        verifier=verifier,
        reference=reference,
        request=request,
    )


if TYPE_CHECKING:

    def _conform(database: Database) -> tuple[VerificationWriter, VerificationReader]:
        return SqlVerificationWriter(database), SqlVerificationReader(database)

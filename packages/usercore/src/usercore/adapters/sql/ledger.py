"""Idempotency keys in a table that all copies of the service share."""

from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.mapping import is_canonical
from usercore.kernel.ids import UserId
from usercore.kernel.receipts import (
    Claim,
    ClaimLostError,
    IdempotencyKey,
    IdempotencyLedger,
    KeyInFlightError,
    KeyReusedError,
    Settled,
)

_PURGED_AT_ONCE: Final = 1000

_RESERVE: Final = b"""
INSERT INTO idempotency_keys AS k (scope, key_hash, fingerprint, token, lease_until, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (scope, key_hash) DO UPDATE SET
    fingerprint = excluded.fingerprint, token = excluded.token, lease_until = excluded.lease_until,
    expires_at = excluded.expires_at, user_id = NULL, version = NULL
WHERE k.expires_at <= $7 OR (k.user_id IS NULL AND k.lease_until <= $7)
RETURNING 1
"""
_LOOK: Final = b"""
SELECT fingerprint, user_id::text, version FROM idempotency_keys WHERE scope = $1 AND key_hash = $2
"""
_SETTLE: Final = b"""
UPDATE idempotency_keys SET user_id = $4::uuid, version = $5
WHERE scope = $1 AND key_hash = $2 AND token = $3 AND user_id IS NULL
RETURNING 1
"""
_RELEASE: Final = b"""
DELETE FROM idempotency_keys WHERE scope = $1 AND key_hash = $2 AND token = $3 AND user_id IS NULL RETURNING 1
"""
_PURGE: Final = b"""
DELETE FROM idempotency_keys WHERE (scope, key_hash) IN (
    SELECT scope, key_hash FROM idempotency_keys WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
    FOR UPDATE SKIP LOCKED
) RETURNING 1
"""


@frozen
class SqlIdempotencyLedger:
    """Reserves keys. The key itself is kept as its SHA-256 digest only."""

    database: Database

    async def claim(
        self, key: IdempotencyKey, *, now: datetime, lease_until: datetime, expires_at: datetime
    ) -> Claim | Settled:
        """Reserve a key, or learn what came of it."""
        claim = Claim(key, token_hex(16))
        named = _named(key)

        async def attempt(opened: Session) -> Claim | Settled:
            # Again where the row that stood in the way was released between the two statements.
            while True:
                terms = (key.fingerprint, claim.token, lease_until, expires_at, now)
                if await fetch(opened, _RESERVE, *named, *terms):
                    return claim
                for fingerprint, user_id, version in await fetch(opened, _LOOK, *named):
                    return _judged(key, fingerprint, user_id, version)

        return await self.database.write(attempt)

    async def settle(self, claim: Claim, result: Settled) -> None:
        """Settle a claim whose request turned out to change nothing."""

        async def attempt(opened: Session) -> None:
            await settle(opened, claim, result)

        await self.database.write(attempt)

    async def release(self, claim: Claim) -> None:
        """Free a claim whose request was refused and had no effect; a settled one stays."""
        await self.database.write(lambda opened: fetch(opened, _RELEASE, *_named(claim.key), claim.token))

    async def purge(self, now: datetime) -> int:
        """Delete keys past their expiry and return how many went."""
        gone = 0
        while True:
            rows = await self.database.write(lambda opened: fetch(opened, _PURGE, now, _PURGED_AT_ONCE))
            gone += len(rows)
            if len(rows) < _PURGED_AT_ONCE:
                return gone


async def settle(opened: Session, claim: Claim, result: Settled) -> None:
    """Settle a claim in the transaction that is open.

    Raises:
        ClaimLostError: another try took the claim over.
    """
    user_id = result.user_id if is_canonical(result.user_id) else None
    if user_id is None or not await fetch(opened, _SETTLE, *_named(claim.key), claim.token, user_id, result.version):
        raise ClaimLostError


def _named(key: IdempotencyKey) -> tuple[str, bytes]:
    return key.scope, sha256(key.key.encode()).digest()


def _judged(key: IdempotencyKey, fingerprint: bytes, user_id: str | None, version: int) -> Settled:
    if fingerprint != key.fingerprint:
        raise KeyReusedError
    if user_id is None:
        raise KeyInFlightError
    return Settled(UserId(user_id), version)


if TYPE_CHECKING:

    def _conforms(database: Database) -> IdempotencyLedger:
        return SqlIdempotencyLedger(database)

"""Idempotency keys in memory."""

from datetime import datetime
from secrets import token_hex
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.database import KeyRow, MemoryDatabase
from usercore.kernel.receipts import (
    Claim,
    IdempotencyKey,
    IdempotencyLedger,
    KeyInFlightError,
    KeyReusedError,
    Settled,
)


@frozen
class MemoryIdempotencyLedger:
    """Reserves keys."""

    database: MemoryDatabase

    async def claim(
        self, key: IdempotencyKey, *, now: datetime, lease_until: datetime, expires_at: datetime
    ) -> Claim | Settled:
        """Reserve a key, or learn what came of it."""
        row = self.database.keys.get((key.scope, key.key))
        if row is None or _is_free(row, now):
            claim = Claim(key, token_hex(16))
            row = KeyRow(key.fingerprint, claim.token, lease_until, expires_at)
            self.database.keys[key.scope, key.key] = row
            return claim
        if row.fingerprint != key.fingerprint:
            raise KeyReusedError
        if row.result is None:
            raise KeyInFlightError
        return row.result

    async def settle(self, claim: Claim, result: Settled) -> None:
        """Settle a claim whose request turned out to change nothing."""
        self.database.settle(claim, result)

    async def release(self, claim: Claim) -> None:
        """Free a claim whose request was refused and had no effect; a settled one stays."""
        if self.database.holds(claim):
            del self.database.keys[claim.key.scope, claim.key.key]

    async def purge(self, now: datetime) -> int:
        """Delete keys past their expiry and return how many went."""
        past = [name for name, row in self.database.keys.items() if row.expires_at <= now]
        for name in past:
            del self.database.keys[name]
        return len(past)


def _is_free(row: KeyRow, now: datetime) -> bool:
    return row.expires_at <= now or (row.result is None and row.lease_until <= now)


if TYPE_CHECKING:
    _ledger: IdempotencyLedger = MemoryIdempotencyLedger(MemoryDatabase())

"""Proof that a request has already had its effect.

A key is claimed before the work and settled in the very transaction that does the work, so that
there is one effect however often the request comes. A settled key remembers which version of which
user came of it, and nothing personal: the answer is rendered again from history.
"""

from datetime import datetime
from typing import ClassVar, Protocol

from attrs import define, frozen

from usercore.kernel.errors import ConflictError, InvalidError
from usercore.kernel.ids import UserId


@frozen
class IdempotencyKey:
    """A caller's word for one request.

    Args:
        scope: who calls which operation; keys of different scopes never meet.
        key: the caller's key, 1 to 255 characters.
        fingerprint: digest of everything that makes the request what it is.
    """

    scope: str
    key: str
    fingerprint: bytes


@frozen
class Claim:
    """A key reserved for one try of the request.

    Args:
        key: what is reserved.
        token: names the try; a claim that ran out and was taken over has another token.
    """

    key: IdempotencyKey
    token: str


@frozen
class Settled:
    """What came of the request that first used the key: the user and the version it made."""

    user_id: UserId
    version: int


class IdempotencyLedger(Protocol):
    """Reserves keys. Settling them is part of committing a change.

    Every method is atomic on its own and seen by all copies of the service at once.
    """

    async def claim(
        self, key: IdempotencyKey, *, now: datetime, lease_until: datetime, expires_at: datetime
    ) -> Claim | Settled:
        """Reserve a key, or learn what came of it.

        A key past `expires_at`, and an unsettled one past its lease, is free again.

        Raises:
            KeyInFlightError: another try holds the key at this moment.
            KeyReusedError: the key was used for a request with another fingerprint.
        """
        ...

    async def settle(self, claim: Claim, result: Settled) -> None:
        """Settle a claim whose request turned out to change nothing.

        Raises:
            ClaimLostError: another try took the claim over.
        """
        ...

    async def release(self, claim: Claim) -> None:
        """Free a claim whose request was refused and had no effect; a settled one stays."""
        ...

    async def purge(self, now: datetime) -> int:
        """Delete keys past their expiry and return how many went."""
        ...


@define(auto_exc=True, eq=False)
class KeyInFlightError(ConflictError):
    """The first request with this key has not been answered yet."""

    code: ClassVar[str] = "idempotency_key_in_flight"
    summary: ClassVar[str] = "A request with this Idempotency-Key is still being worked on"


@define(auto_exc=True, eq=False)
class KeyReusedError(InvalidError):
    """The key belongs to a request with other contents."""

    code: ClassVar[str] = "idempotency_key_reused"
    summary: ClassVar[str] = "This Idempotency-Key was used for another request; choose a new key"


@define(auto_exc=True, eq=False)
class ClaimLostError(ConflictError):
    """The claim ran out and another try took it over, so this one must have no effect."""

    code: ClassVar[str] = "idempotency_claim_lost"
    summary: ClassVar[str] = "Another request took over this Idempotency-Key; repeat to see its result"

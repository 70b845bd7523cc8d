"""One effect per idempotency key, and the same answer to every repetition."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

from attrs import evolve, frozen

from usercore.kernel.context import CommandContext
from usercore.kernel.errors import UnavailableError, UserCoreError
from usercore.kernel.ports import Clock
from usercore.kernel.receipts import Claim, IdempotencyKey, IdempotencyLedger, Settled

T = TypeVar("T")

KEPT_FOR: Final = timedelta(hours=24)
"""How long a key is remembered. Source: this service's HTTP contract."""
LEASE: Final = timedelta(seconds=60)
"""How long a try may hold a key unsettled: above the longest request; a crashed try's key is then free."""


@frozen
class Once:
    """Runs a request once per key."""

    ledger: IdempotencyLedger
    clock: Clock

    async def __call__(
        self,
        key: IdempotencyKey,
        context: CommandContext,
        work: Callable[[CommandContext], Awaitable[T]],
        replay: Callable[[Settled], Awaitable[T]],
    ) -> T:
        """Return what `work` returns the first time, and what `replay` makes of its result after.

        A refused request has no effect, so its key stays free and a repetition is judged anew.

        Args:
            key: the caller's key.
            context: the circumstances; `work` is given them with the claim added.
            work: does it, and settles the claim in the transaction that does it.
            replay: renders the answer again.

        Raises:
            KeyInFlightError: another try is at work.
            KeyReusedError: the key was used for another request.
            UserCoreError: what `work` or `replay` raised.
        """
        now = self.clock.now()
        claim = await self.ledger.claim(key, now=now, lease_until=now + LEASE, expires_at=now + KEPT_FOR)
        if isinstance(claim, Settled):
            return await replay(claim)
        return await self._first(claim, evolve(context, claim=claim), work)

    async def _first(
        self,
        claim: Claim,
        context: CommandContext,
        work: Callable[[CommandContext], Awaitable[T]],
    ) -> T:
        try:
            return await work(context)
        except UnavailableError:
            # Whether it was committed is not known: the claim says so when its lease is over.
            raise
        except UserCoreError:
            await self.ledger.release(claim)
            raise

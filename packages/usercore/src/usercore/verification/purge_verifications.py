"""Forget old verifications."""

from typing import Final

from attrs import frozen

from usercore.kernel.ports import Clock
from usercore.verification.ports import VerificationWriter
from usercore.verification.values import VerificationPolicy

AT_ONCE: Final = 1_000


@frozen
class PurgeVerifications:
    """Deletes verifications that are older than they need to be; those of identities stay with the user."""

    writer: VerificationWriter
    policy: VerificationPolicy
    clock: Clock

    async def __call__(self) -> int:
        """Return how many went; call again while it is not 0."""
        return await self.writer.purge(self.clock.now() - self.policy.kept, limit=AT_ONCE)

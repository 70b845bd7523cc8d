"""What suppression asks of the world outside."""

from collections.abc import Sequence
from typing import Protocol

from usercore.privacy.mailing.values import Lifting, Suppression, SuppressionReason


class SuppressionList(Protocol):
    """Keeps reasons against addresses, of which it knows keyed hashes alone."""

    async def reasons(self, address_hash: bytes) -> Sequence[Suppression]:
        """Return the reasons that stand, in the order of their names.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def add(self, address_hash: bytes, suppression: Suppression) -> bool:
        """Add a reason; False where it stands already, since the time and from the source that it had."""
        ...

    async def lift(self, address_hash: bytes, reason: SuppressionReason | None, lifting: Lifting) -> int:
        """End one reason, or all, and return how many ended. How it ended is kept."""
        ...

"""The suppression list in memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.privacy.mailing.ports import SuppressionList
from usercore.privacy.mailing.values import Lifting, Suppression, SuppressionReason


@frozen
class MemorySuppressionList:
    """Keeps reasons against addresses. How one ended is not kept here."""

    database: MemoryDatabase

    async def reasons(self, address_hash: bytes) -> Sequence[Suppression]:
        """Return the reasons that stand, in the order of their names."""
        found = self.database.suppressions.get(address_hash, {})
        return sorted(found.values(), key=lambda one: one.reason)

    async def add(self, address_hash: bytes, suppression: Suppression) -> bool:
        """Add a reason; False where it stands already."""
        found = self.database.suppressions.setdefault(address_hash, {})
        if suppression.reason in found:
            return False
        found[suppression.reason] = suppression
        return True

    async def lift(self, address_hash: bytes, reason: SuppressionReason | None, lifting: Lifting) -> int:  # noqa: ARG002 -- as above
        """End one reason, or all, and return how many ended."""
        found = self.database.suppressions.get(address_hash, {})
        ended = [one for one in found if reason in {None, one}]
        for one in ended:
            del found[one]
        return len(ended)


if TYPE_CHECKING:
    _suppressions: SuppressionList = MemorySuppressionList(MemoryDatabase())

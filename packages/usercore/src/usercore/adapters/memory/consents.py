"""Purposes and the ledger of consents, in memory."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.ids import UserId
from usercore.privacy.consents.ports import ConsentLedger, PurposeRegistry
from usercore.privacy.consents.values import LedgerEntry, Purpose


@frozen
class MemoryPurposeRegistry:
    """Keeps the purposes."""

    database: MemoryDatabase

    async def all(self) -> Sequence[Purpose]:
        """Return every purpose, by name."""
        return sorted(self.database.purposes.values(), key=lambda purpose: purpose.name)

    async def put(self, purpose: Purpose) -> None:
        """Add a purpose, or replace the one of the same name."""
        self.database.purposes[purpose.name] = purpose


@frozen
class MemoryConsentLedger:
    """Reads the ledger. Lines of one user stand in the order of versions."""

    database: MemoryDatabase

    async def latest(self, user_id: UserId, *, up_to_version: int | None = None) -> Mapping[str, LedgerEntry]:
        """Return the last line for each purpose, by its name."""
        lines = self.database.consents.get(user_id, [])
        seen = (one for one in lines if up_to_version is None or one.version <= up_to_version)
        return {one.consent.purpose: one for one in seen}

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[LedgerEntry]:
        """Return at most `limit` lines, newest first, of versions below the one given."""
        lines = self.database.consents.get(user_id, [])
        older = [one for one in lines if below_version is None or one.version < below_version]
        return older[::-1][:limit]


if TYPE_CHECKING:
    _database = MemoryDatabase()
    _purposes: PurposeRegistry = MemoryPurposeRegistry(_database)
    _ledger: ConsentLedger = MemoryConsentLedger(_database)

"""The suppression list: reasons against addresses that are known by keyed hashes alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, fetch
from usercore.adapters.sql.mapping import utc
from usercore.privacy.mailing.ports import SuppressionList
from usercore.privacy.mailing.values import Lifting, Suppression, SuppressionReason

_REASONS: Final = b"""
SELECT reason, since, source FROM suppressions WHERE address_hash = $1 AND lifted_at IS NULL ORDER BY reason
"""
_ADD: Final = b"""
INSERT INTO suppressions AS s (address_hash, reason, since, source) VALUES ($1, $2, $3, $4)
ON CONFLICT (address_hash, reason) DO UPDATE SET
    since = excluded.since, source = excluded.source, lifted_at = NULL, lifted_by = NULL, lifted_because = NULL
WHERE s.lifted_at IS NOT NULL
RETURNING 1
"""
_LIFT: Final = b"""
UPDATE suppressions SET lifted_at = $3, lifted_by = $4, lifted_because = $5
WHERE address_hash = $1 AND ($2::text IS NULL OR reason = $2) AND lifted_at IS NULL RETURNING 1
"""


@frozen
class SqlSuppressionList:
    """Keeps reasons against addresses."""

    database: Database

    async def reasons(self, address_hash: bytes) -> Sequence[Suppression]:
        """Return the reasons that stand, in the order of their names."""
        rows = await self.database.fetch(_REASONS, address_hash)
        return [Suppression(SuppressionReason(reason), utc(since), source) for reason, since, source in rows]

    async def add(self, address_hash: bytes, suppression: Suppression) -> bool:
        """Add a reason; False where it stands already."""
        row = (address_hash, suppression.reason.value, suppression.since, suppression.source)
        return bool(await self.database.write(lambda opened: fetch(opened, _ADD, *row)))

    async def lift(self, address_hash: bytes, reason: SuppressionReason | None, lifting: Lifting) -> int:
        """End one reason, or all, and return how many ended. How it ended is kept."""
        row = (address_hash, None if reason is None else reason.value, lifting.at, lifting.by, lifting.because)
        return len(await self.database.write(lambda opened: fetch(opened, _LIFT, *row)))


if TYPE_CHECKING:

    def _conforms(database: Database) -> SuppressionList:
        return SqlSuppressionList(database)

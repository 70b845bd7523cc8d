"""Legal holds, each placed and released with its audit entry."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.audit import append
from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.mapping import canonical_ids, is_canonical, is_storable
from usercore.adapters.sql.privacy_requests import lock_user
from usercore.adapters.sql.privacy_rows import HOLD_SELECT, hold_of
from usercore.adapters.sql.tables.privacy import OPEN
from usercore.delivery.answers import entry_about
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import EventId, UserId
from usercore.privacy.requests.errors import ErasureUnderWayError
from usercore.privacy.requests.holds import LegalHold, Release
from usercore.privacy.requests.ports import LegalHolds

_TOO_LATE: Final = f"""
SELECT 1 FROM privacy_requests WHERE user_id = $1::uuid AND kind = 'ERASURE' AND {OPEN} AND erasure_step IS NOT NULL
UNION ALL SELECT 1 FROM users WHERE id = $1::uuid AND state = 'ERASED'
""".encode()  # noqa: S608 -- made of constants, as everything here
_PLACE: Final = b"""
INSERT INTO legal_holds (user_id, matter, placed_at, placed_by_kind, placed_by_id, reason)
VALUES ($1::uuid, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1
"""
_LAST: Final = f"""
SELECT {HOLD_SELECT} FROM legal_holds AS h WHERE h.user_id = $1::uuid AND h.matter = $2
ORDER BY h.placed_at DESC LIMIT 1
""".encode()  # noqa: S608 -- the same
_RELEASE: Final = b"""
UPDATE legal_holds SET released_at = $3, released_by_kind = $4, released_by_id = $5, release_reason = $6
WHERE user_id = $1::uuid AND matter = $2 AND released_at IS NULL RETURNING 1
"""
# What waited for the hold is looked at again at once.
_WAKE: Final = f"""
UPDATE privacy_requests SET run_at = $2 WHERE user_id = $1::uuid AND {OPEN} AND run_at > $2 AND erasure_step IS NULL
RETURNING 1
""".encode()  # noqa: S608 -- the same
_OF: Final = f"""
SELECT {HOLD_SELECT} FROM legal_holds AS h WHERE h.user_id = $1::uuid ORDER BY h.placed_at, h.matter
""".encode()  # noqa: S608 -- the same
_HELD: Final = (
    b"SELECT DISTINCT user_id::text FROM legal_holds WHERE user_id = ANY ($1::uuid[]) AND released_at IS NULL"
)


@frozen
class SqlLegalHolds:
    """Keeps legal holds."""

    database: Database

    async def place(self, hold: LegalHold, *, event_id: EventId, context: CommandContext) -> LegalHold:
        """Keep a hold; one that holds for the matter already stays as it is."""

        async def attempt(opened: Session) -> LegalHold:
            await lock_user(opened, hold.user_id)
            if await fetch(opened, _TOO_LATE, hold.user_id):
                raise ErasureUnderWayError
            by = (hold.placed_by.kind.value, hold.placed_by.id)
            if await fetch(opened, _PLACE, hold.user_id, hold.matter, hold.placed_at, *by, hold.reason):
                entry = entry_about(hold.user_id, event_id, "LegalHoldPlaced", context, at=hold.placed_at)
                await append(opened, [entry])
            [row] = await fetch(opened, _LAST, hold.user_id, hold.matter)
            return hold_of(row)

        return await self.database.write(attempt)

    async def release(
        self, user_id: UserId, matter: str, release: Release, *, event_id: EventId, context: CommandContext
    ) -> LegalHold | None:
        """End a hold, and return it; one that has ended stays as it is."""
        if not is_canonical(user_id) or not is_storable(matter):
            return None

        async def attempt(opened: Session) -> LegalHold | None:
            by = (release.by.kind.value, release.by.id)
            if await fetch(opened, _RELEASE, user_id, matter, release.at, *by, release.reason):
                await fetch(opened, _WAKE, user_id, release.at)
                await append(opened, [entry_about(user_id, event_id, "LegalHoldReleased", context, at=release.at)])
            rows = await fetch(opened, _LAST, user_id, matter)
            return hold_of(rows[0]) if rows else None

        return await self.database.write(attempt)

    async def of(self, user_id: UserId) -> Sequence[LegalHold]:
        """Return a user's holds, the oldest first."""
        if not is_canonical(user_id):
            return ()
        return [hold_of(row) for row in await self.database.fetch(_OF, user_id)]

    async def held(self, ids: Collection[UserId]) -> frozenset[UserId]:
        """Return those of the users whose data is held now."""
        known = canonical_ids(list(ids))
        rows = await self.database.fetch(_HELD, known) if known else []
        return frozenset(UserId(user_id) for (user_id,) in rows)


if TYPE_CHECKING:

    def _conforms(database: Database) -> LegalHolds:
        return SqlLegalHolds(database)

"""Users read for writing, from the database itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database
from usercore.adapters.sql.mapping import USER_SELECT, canonical_ids, is_canonical, is_storable, user_of
from usercore.kernel.ids import UserId
from usercore.users.model import User
from usercore.users.ports import Lookup, LookupKind, UserReader, name_of


def _select(condition: str) -> bytes:
    return f"SELECT {USER_SELECT} FROM users AS u WHERE {condition}".encode()  # noqa: S608 -- made of constants


_BY_ID: Final = _select("u.id = ANY($1::uuid[])")
_BY_NAME: Final[Mapping[LookupKind, bytes]] = {
    LookupKind.EMAIL: _select("u.email_canonical = $1"),
    LookupKind.USERNAME: _select("u.username_canonical = $1"),
    LookupKind.EXTERNAL_ID: _select("u.external_id = $1"),
}
_MERGED_INTO: Final = b"""
    WITH RECURSIVE merged AS (
        SELECT u.merged_id AS id FROM user_merges AS u WHERE u.survivor_id = $1::uuid AND u.undone_at IS NULL
        UNION ALL
        SELECT u.merged_id FROM merged AS m JOIN user_merges AS u ON u.survivor_id = m.id AND u.undone_at IS NULL
    )
    SELECT id::text FROM merged ORDER BY id
"""
_BY_NAMES: Final[Mapping[LookupKind, bytes]] = {
    LookupKind.EMAIL: _select("u.email_canonical = ANY($1::text[])"),
    LookupKind.USERNAME: _select("u.username_canonical = ANY($1::text[])"),
    LookupKind.EXTERNAL_ID: _select("u.external_id = ANY($1::text[])"),
}
_DUE: Final = b"""
    SELECT id::text FROM users
    WHERE state = 'DEACTIVATED' AND status_until IS NOT NULL AND status_until <= $1 AND NOT restricted
    ORDER BY status_until, id LIMIT $2
"""


@frozen
class SqlUserReader:
    """Reads users."""

    database: Database

    async def get_many(self, ids: Sequence[UserId]) -> Mapping[UserId, User]:
        """Return the users that exist."""
        known = canonical_ids(ids)
        if known is None:
            return {}
        users = map(user_of, await self.database.fetch(_BY_ID, known))
        return {user.id: user for user in users}

    async def find(self, lookup: Lookup) -> User | None:
        """Return the one user so named, or None."""
        if not is_storable(lookup.value):
            return None
        rows = await self.database.fetch(_BY_NAME[lookup.kind], lookup.value)
        return user_of(rows[0]) if rows else None

    async def merged_into(self, user_id: UserId) -> Sequence[UserId]:
        """Return whose accounts were merged into a user's, over any number of merges, by id."""
        if not is_canonical(user_id):
            return ()
        return [UserId(found) for (found,) in await self.database.fetch(_MERGED_INTO, user_id)]

    async def find_many(self, kind: LookupKind, values: Sequence[str]) -> Mapping[str, User]:
        """Return the users that have one of these names."""
        wanted = [value for value in values if is_storable(value)]
        users = map(user_of, await self.database.fetch(_BY_NAMES[kind], wanted)) if wanted else ()
        return {name: user for user in users if (name := name_of(user, kind)) is not None}

    async def due_for_reactivation(self, now: datetime, limit: int) -> Sequence[UserId]:
        """Return deactivated users whose `until` has come, the longest due first."""
        return [UserId(user_id) for (user_id,) in await self.database.fetch(_DUE, now, limit)]


if TYPE_CHECKING:

    def _conforms(database: Database) -> UserReader:
        return SqlUserReader(database)

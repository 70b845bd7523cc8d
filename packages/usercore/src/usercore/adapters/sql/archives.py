"""Archives for people, in parts that are sealed with the person's key."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.keys import SqlVault
from usercore.adapters.sql.mapping import is_canonical
from usercore.kernel.ids import UserId
from usercore.privacy.requests.model import RequestId
from usercore.privacy.requests.ports import Archives
from usercore.users.errors import UserErasedError

CHUNK_BYTES: Final = 1024 * 1024
"""One part: small enough for any message limit between here and the server."""

_FORGET: Final = b"DELETE FROM privacy_archives WHERE request_id = $1::uuid RETURNING 1"
# Only while the user has the key: an erasure that came first leaves nothing behind.
_PUT: Final = b"""
INSERT INTO privacy_archives (request_id, chunk, user_id, sealed, expires_at)
SELECT $1::uuid, $2, k.user_id, $4, $5 FROM user_keys AS k WHERE k.user_id = $3::uuid RETURNING 1
"""
_LOCK_KEY: Final = b"SELECT 1 FROM user_keys WHERE user_id = $1::uuid FOR SHARE"
_GET: Final = b"""
SELECT chunk, sealed FROM privacy_archives
WHERE request_id = $1::uuid AND user_id = $2::uuid AND expires_at > $3 ORDER BY chunk
"""
_PURGE: Final = b"DELETE FROM privacy_archives WHERE expires_at <= $1 RETURNING 1"


@frozen
class SqlArchives:
    """Keeps archives until they expire."""

    database: Database
    vault: SqlVault

    async def put(self, request_id: RequestId, user_id: UserId, content: bytes, *, until: datetime) -> None:
        """Keep an archive; one that is kept for the request is replaced."""
        key = (await self.vault.keys_of([user_id])).get(user_id)
        if key is None:
            raise UserErasedError
        parts = [content[start : start + CHUNK_BYTES] for start in range(0, max(len(content), 1), CHUNK_BYTES)]
        sealed = [key.seal(_place(request_id, number), part) for number, part in enumerate(parts)]

        async def attempt(opened: Session) -> None:
            if not await fetch(opened, _LOCK_KEY, user_id):
                raise UserErasedError
            await fetch(opened, _FORGET, request_id)
            for number, part in enumerate(sealed):
                await fetch(opened, _PUT, request_id, number, user_id, part, until)

        await self.database.write(attempt)

    async def get(self, request_id: RequestId, user_id: UserId, *, now: datetime) -> bytes | None:
        """Return an archive, or None where there is none of that user's, or not any more."""
        if not is_canonical(request_id) or not is_canonical(user_id):
            return None
        rows = await self.database.fetch(_GET, request_id, user_id, now)
        key = (await self.vault.keys_of([user_id])).get(user_id) if rows else None
        if key is None:
            return None
        return b"".join(key.open(_place(request_id, number), bytes(part)) for number, part in rows)

    async def purge(self, now: datetime) -> int:
        """Delete archives that have expired, and return how many went."""
        return len(await self.database.write(lambda opened: fetch(opened, _PURGE, now)))


def _place(request_id: RequestId, number: int) -> bytes:
    return f"privacy_archives/{request_id}/{number}".encode()


if TYPE_CHECKING:

    def _conforms(database: Database, vault: SqlVault) -> Archives:
        return SqlArchives(database, vault)

"""Data keys, as rows that a master key has wrapped, and for a while as keys in memory."""

import time
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from usercore.adapters.sql.engine import Database, fetch
from usercore.adapters.sql.mapping import canonical_ids
from usercore.kernel.ids import UserId
from usercore.kernel.ports import KeyedHasher
from usercore.kernel.sealing import DataKey, MasterKeys, WrappedKey

_REMEMBERED: Final = 20_000
"""Keys kept in memory: some 20 MB at most."""
_REMEMBERED_FOR_S: Final = 300.0
"""How long a process can still open what an erasure elsewhere has shredded; it is never asked to."""

_KEYS: Final = b"SELECT user_id::text, master_version, sealed_key FROM user_keys WHERE user_id = ANY ($1::uuid[])"
_SERVICE_KEY: Final = b"SELECT master_version, sealed_key FROM service_keys WHERE name = $1"
_NEW_SERVICE_KEY: Final = b"""
INSERT INTO service_keys (name, master_version, sealed_key, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO NOTHING RETURNING 1
"""


@frozen
class UserKey:
    """A user's key in hand.

    Args:
        key: what seals.
        wrapped: the same as it must be stored, or None where it is stored already.
    """

    key: DataKey = field(repr=False)
    wrapped: WrappedKey | None = None


@define(eq=False)
class _Remembered:
    """Keys that were used of late, the longest unused first to go."""

    keys: OrderedDict[UserId, tuple[DataKey, float]] = field(factory=OrderedDict, repr=False)

    def get(self, user_id: UserId) -> DataKey | None:
        """Return a user's key, where it is remembered."""
        found = self.keys.get(user_id)
        if found is None:
            return None
        key, until = found
        if until < time.monotonic():
            del self.keys[user_id]
            return None
        self.keys.move_to_end(user_id)
        return key

    def put(self, user_id: UserId, key: DataKey) -> None:
        """Remember a key that is stored."""
        self.keys[user_id] = (key, time.monotonic() + _REMEMBERED_FOR_S)
        while len(self.keys) > _REMEMBERED:
            self.keys.popitem(last=False)


@frozen(eq=False)
class SqlVault:
    """Users' data keys."""

    database: Database
    master: MasterKeys
    _remembered: _Remembered = field(factory=_Remembered, init=False, repr=False)

    async def keys_of(self, ids: Collection[UserId]) -> Mapping[UserId, DataKey]:
        """Return the keys of the users who have one; the erased have none.

        Raises:
            UnavailableError: the database does not answer, or the master key is missing.
        """
        found = {user_id: key for user_id in ids if (key := self._remembered.get(user_id)) is not None}
        missing = canonical_ids([user_id for user_id in ids if user_id not in found])
        for user_id, version, sealed in await self.database.fetch(_KEYS, missing) if missing else ():
            key = self.master.unwrap(user_id, WrappedKey(version, sealed))
            self._remembered.put(user_id, key)
            found[user_id] = key
        return found

    async def for_writing(self, ids: Sequence[UserId], *, born: bool) -> Mapping[UserId, UserKey]:
        """Return a key for each user; one who has none gets a new one, to be stored with what it seals.

        Args:
            ids: the users.
            born: they are new, so that none can have a key.
        """
        stored = {} if born else await self.keys_of(ids)
        return {user_id: UserKey(stored[user_id]) if user_id in stored else self.fresh(user_id) for user_id in ids}

    def stored(self, keys: Mapping[UserId, UserKey]) -> None:
        """Remember keys that have just been stored."""
        for user_id, one in keys.items():
            self._remembered.put(user_id, one.key)

    def forget(self, user_id: UserId) -> None:
        """Forget a key, so that the next use reads it anew."""
        self._remembered.keys.pop(user_id, None)

    def fresh(self, user_id: UserId) -> UserKey:
        """Return a new key for a user who has none; it is to be stored with what it seals."""
        key = self.master.fresh()
        return UserKey(key, self.master.wrap(user_id, key))


@frozen(eq=False)
class SqlServiceKeys:
    """Keys of the service itself, each made when it is first asked for."""

    database: Database
    master: MasterKeys
    _keys: dict[str, DataKey] = field(factory=dict, init=False, repr=False)

    async def key(self, name: str) -> DataKey:
        """Return the key of a name, the same in every copy of the service.

        Raises:
            UnavailableError: the database does not answer, or the master key is missing.
        """
        if name not in self._keys:
            self._keys[name] = await self._stored(name) or await self._made(name)
        return self._keys[name]

    async def _stored(self, name: str) -> DataKey | None:
        rows = await self.database.fetch(_SERVICE_KEY, name)
        return next((self.master.unwrap(service_owner(name), WrappedKey(*row)) for row in rows), None)

    async def _made(self, name: str) -> DataKey:
        key = self.master.fresh()
        wrapped = self.master.wrap(service_owner(name), key)
        terms = (name, wrapped.version, wrapped.sealed, datetime.now(UTC))
        made = await self.database.write(lambda opened: fetch(opened, _NEW_SERVICE_KEY, *terms))
        # Where another copy was quicker, its key is the one.
        return key if made else await self._stored(name) or key


def service_owner(name: str) -> str:
    """Return for whom a key of the service is wrapped."""
    return f"service:{name}"


@frozen
class SqlKeyedHasher:
    """Hashes values with the key named ``lookup``."""

    keys: SqlServiceKeys

    async def digest(self, purpose: str, value: str) -> bytes:
        """Return the HMAC-SHA256 of a value for a purpose."""
        key = await self.keys.key("lookup")
        return key.mac(purpose.encode() + b"\x00" + value.encode("utf-8", "surrogatepass"))


if TYPE_CHECKING:

    def _conforms(keys: SqlServiceKeys) -> KeyedHasher:
        return SqlKeyedHasher(keys)

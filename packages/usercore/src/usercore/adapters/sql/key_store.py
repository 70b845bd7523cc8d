"""Keys wrapped anew, and rows sealed that were written before there were keys."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.sql import sealing_statements as sql
from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.keys import SqlServiceKeys, SqlVault, service_owner
from usercore.adapters.sql.places import history_place, outbox_place
from usercore.adapters.sql.records import MessageBox
from usercore.codec.scalars import compact
from usercore.kernel.ids import EventId, UserId
from usercore.kernel.sealing import DataKey, WrappedKey
from usercore.privacy.keys.ports import KeysStanding, KeyStore, Plain, SealedBatch


@frozen
class SqlKeyStore:
    """Keeps wrapped keys."""

    database: Database
    vault: SqlVault
    service_keys: SqlServiceKeys

    async def standing(self) -> KeysStanding:
        """Return how the keys stand."""
        plain = {what: (await self.database.fetch(sql.PLAIN[what]))[0][0] for what in Plain}
        return KeysStanding(
            current=self.vault.master.current,
            users=dict(await self.database.fetch(sql.USERS)),
            service=dict(await self.database.fetch(sql.SERVICE)),
            plain=plain,
        )

    async def rewrap(self, limit: int) -> int:
        """Wrap keys that an older master key wraps with the current one, and return how many."""
        users = await self.database.write(
            lambda opened: self._rewrap(opened, sql.OLD_USERS, sql.REWRAP_USERS, str, limit)
        )
        if users:
            return users
        return await self.database.write(
            lambda opened: self._rewrap(opened, sql.OLD_SERVICE, sql.REWRAP_SERVICE, service_owner, limit)
        )

    async def _rewrap(self, opened: Session, old: bytes, rewrap: bytes, owner: Callable[[str], str], limit: int) -> int:
        master = self.vault.master
        rows = await fetch(opened, old, master.current, limit)
        wrapped = [
            master.wrap(owner(name), master.unwrap(owner(name), WrappedKey(version, sealed)))
            for name, version, sealed in rows
        ]
        names, keys = [row[0] for row in rows], [one.sealed for one in wrapped]
        return len(await fetch(opened, rewrap, names, master.current, keys)) if rows else 0

    async def seal(self, what: Plain, *, after: str | None, limit: int) -> SealedBatch:
        """Seal rows that lie in the clear behind a place."""
        return await self.database.write(lambda opened: self._sealers()[what](opened, after or "", limit))

    def _sealers(self) -> Mapping[Plain, "Callable[[Session, str, int], Awaitable[SealedBatch]]"]:
        return {
            Plain.HISTORY: self._seal_history,
            Plain.OUTBOX: self._seal_outbox,
            Plain.DEAD_LETTERS: lambda *terms: self._seal_messages("dead_letters", *terms),
            Plain.PARKED: lambda *terms: self._seal_messages("parked_messages", *terms),
        }

    async def _seal_history(self, opened: Session, after: str, limit: int) -> SealedBatch:
        user_id, _, version = (after or sql.FIRST_HISTORY).partition("/")
        rows = await fetch(opened, sql.HISTORY, user_id, int(version), limit)
        keys = await self._keys(opened, [row[0] for row in rows])
        sealed = [_sealed(keys.get(row[0]), history_place(UserId(row[0]), row[1]), row[2]) for row in rows]
        await fetch(opened, sql.SEAL_HISTORY, [row[0] for row in rows], [row[1] for row in rows], sealed)
        return _batch(rows, limit, lambda row: f"{row[0]}/{row[1]}")

    async def _seal_outbox(self, opened: Session, after: str, limit: int) -> SealedBatch:
        rows = await fetch(opened, sql.OUTBOX, int(after or 0), limit)
        keys = await self._keys(opened, [row[1] for row in rows])
        sealed = [_sealed(keys.get(row[1]), outbox_place(EventId(row[2])), bytes(row[3])) for row in rows]
        await fetch(opened, sql.SEAL_OUTBOX, [row[0] for row in rows], sealed)
        return _batch(rows, limit, lambda row: str(row[0]))

    async def _seal_messages(self, table: str, opened: Session, after: str, limit: int) -> SealedBatch:
        box = MessageBox(table, self.service_keys)
        key = await box.key()
        rows = await fetch(opened, sql.MESSAGES[table], after or sql.FIRST_ID, limit)
        ids = [row[0] for row in rows]
        messages = [box.record_of(key, row[0], row[1:]) for row in rows]
        *_, sealed, sizes, subjects = await box.columns(ids, messages)
        await fetch(opened, sql.SEAL_MESSAGES[table], ids, sealed, sizes, subjects)
        return _batch(rows, limit, lambda row: str(row[0]))

    async def _keys(self, opened: Session, ids: Sequence[str]) -> Mapping[str, DataKey]:
        """Return the keys of users who are not erased, made where there was none, under their rows' locks.

        A writer makes a key under the same lock, so that nobody ever has two.
        """
        living = [user_id for (user_id,) in await fetch(opened, sql.LOCK, sorted(set(ids)))]
        stored = {row[0]: WrappedKey(*row[1:]) for row in await fetch(opened, sql.KEYS, living)}
        master = self.vault.master
        fresh = {user_id: master.fresh() for user_id in living if user_id not in stored}
        wrapped = [master.wrap(user_id, key) for user_id, key in fresh.items()]
        terms = (list(fresh), master.current, [one.sealed for one in wrapped], datetime.now(UTC))
        if fresh:
            await fetch(opened, sql.NEW_KEYS, *terms)
        return fresh | {user_id: master.unwrap(user_id, key) for user_id, key in stored.items()}


def _sealed(key: DataKey | None, place: bytes, value: object) -> bytes | None:
    text = value if isinstance(value, bytes) else compact(value)
    return None if key is None else key.seal(place, text)


def _batch(rows: Sequence[Row], limit: int, place: Callable[[Row], str]) -> SealedBatch:
    return SealedBatch(len(rows), place(rows[-1]) if len(rows) == limit else None)


if TYPE_CHECKING:

    def _conforms(database: Database, vault: SqlVault, keys: SqlServiceKeys) -> KeyStore:
        return SqlKeyStore(database, vault, keys)

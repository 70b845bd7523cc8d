"""Purposes and the ledger of consents."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import astuple, frozen

from usercore.adapters.sql.engine import Database, Row, fetch
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.kernel.context import Actor, ActorKind
from usercore.kernel.ids import UserId
from usercore.privacy.consents.ports import ConsentLedger, PurposeRegistry
from usercore.privacy.consents.values import Consent, LedgerEntry, Purpose

_ALL: Final = b"SELECT name, title, description, wording_version, registered_at FROM consent_purposes ORDER BY name"
_PUT: Final = b"""
INSERT INTO consent_purposes (name, title, description, wording_version, registered_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name) DO UPDATE SET
    title = excluded.title, description = excluded.description, wording_version = excluded.wording_version,
    registered_at = excluded.registered_at
RETURNING 1
"""
_COLUMNS: Final = (
    b"user_id::text, version, purpose, given, wording_version, source, said_at, actor_kind, actor_id, proof"
)
_LATEST: Final = (
    b"SELECT DISTINCT ON (purpose) " + _COLUMNS + b" FROM consents WHERE user_id = $1::uuid AND version <= $2 "
    b"ORDER BY purpose, version DESC"
)
_ENTRIES: Final = (
    b"SELECT " + _COLUMNS + b" FROM consents WHERE user_id = $1::uuid AND version < $2 ORDER BY version DESC LIMIT $3"
)
_ANY_VERSION: Final = 2**63 - 1


@frozen
class SqlPurposeRegistry:
    """Keeps the purposes."""

    database: Database

    async def all(self) -> Sequence[Purpose]:
        """Return every purpose, by name."""
        return [_purpose(row) for row in await self.database.fetch(_ALL)]

    async def put(self, purpose: Purpose) -> None:
        """Add a purpose, or replace the one of the same name."""
        row = astuple(purpose, recurse=False)
        await self.database.write(lambda opened: fetch(opened, _PUT, *row))


def _purpose(row: Row) -> Purpose:
    name, title, description, wording_version, registered_at = row
    return Purpose(name, title, description, wording_version, utc(registered_at))


@frozen
class SqlConsentLedger:
    """Reads the ledger; :mod:`usercore.adapters.sql.statements` adds to it."""

    database: Database

    async def latest(self, user_id: UserId, *, up_to_version: int | None = None) -> Mapping[str, LedgerEntry]:
        """Return the last line for each purpose, by its name."""
        if not is_canonical(user_id):
            return {}
        most = _ANY_VERSION if up_to_version is None else up_to_version
        lines = map(_entry, await self.database.fetch(_LATEST, user_id, most))
        return {line.consent.purpose: line for line in lines}

    async def entries(self, user_id: UserId, *, below_version: int | None, limit: int) -> Sequence[LedgerEntry]:
        """Return at most `limit` lines, newest first, of versions below the one given."""
        if not is_canonical(user_id):
            return []
        below = _ANY_VERSION if below_version is None else below_version
        return [_entry(row) for row in await self.database.fetch(_ENTRIES, user_id, below, limit)]


def _entry(row: Row) -> LedgerEntry:
    user_id, version, purpose, given, wording_version, source, at, actor_kind, actor_id, proof = row
    consent = Consent(purpose, given, wording_version, source, utc(at))
    return LedgerEntry(UserId(user_id), version, consent, Actor(ActorKind(actor_kind), actor_id), proof)


if TYPE_CHECKING:

    def _conforms(database: Database) -> tuple[PurposeRegistry, ConsentLedger]:
        return SqlPurposeRegistry(database), SqlConsentLedger(database)

"""Erase a user from every table: statements made from the classification of what the tables hold.

They run behind the statement that takes the user to the erased version, in the same transaction. What that statement
wrote itself, by the id of its event, stays.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.mapping import is_canonical, utc
from usercore.adapters.sql.tables import metadata
from usercore.adapters.sql.tables.privacy import OPEN
from usercore.kernel.ids import EventId, UserId
from usercore.privacy.classification import Blank, ErasureAction, TableErasure, erasure_plan
from usercore.privacy.requests.events import ErasureRecord
from usercore.privacy.requests.model import Recipient
from usercore.privacy.requests.ports import ErasureTraces

_ELSEWHERE: Final = frozenset({"users", "outbox", "privacy_requests"})
"""What the writer's own statement blanks, and what the statements here take care of more closely."""
_EXCEPT: Final = {
    # What the audit service has still to hear names fields, and no value.
    "deliveries": "NOT (recipient = 'AUDIT' AND delivered_at IS NULL)",
}


def _statements() -> Iterator[bytes]:
    """Yield the statements, each with the user's id as ``$1`` and the id of the erasing event as ``$2``."""
    # Whoever had one of these in hand may still be at it: what the erasure itself asks waits for the end of its lease.
    yield b"""
    WITH gone AS (
        DELETE FROM deliveries
        WHERE user_id = $1::uuid AND event_id <> $2::uuid AND delivered_at IS NULL AND recipient <> 'AUDIT'
        RETURNING due_at
    )
    UPDATE deliveries SET due_at = GREATEST(due_at, (SELECT max(due_at) FROM gone))
    WHERE event_id = $2::uuid AND user_id = $1::uuid AND recipient <> 'AUDIT' RETURNING 1
    """
    yield b"DELETE FROM outbox WHERE aggregateid = $1::uuid AND event_id <> $2::uuid RETURNING 1"
    for table in erasure_plan():
        if table.table not in _ELSEWHERE and table.subject is not None:
            yield from _of_table(table)
    yield b"DELETE FROM merge_candidates WHERE second_id = $1::uuid AND $2::uuid IS NOT NULL RETURNING 1"
    yield b"DELETE FROM user_merges WHERE merged_id = $1::uuid AND $2::uuid IS NOT NULL RETURNING 1"
    for name in ("dead_letters", "parked_messages"):
        # Messages about a user need not have the user's id as their key.
        yield f"""
        DELETE FROM {name} WHERE position(convert_to($1::text, 'UTF8') IN value) > 0 AND $2::uuid IS NOT NULL
        RETURNING 1
        """.encode()  # noqa: S608 -- made of constants, as everything here


def _of_table(table: TableErasure) -> Iterator[bytes]:
    if table.action is ErasureAction.DELETE:
        yield f"DELETE FROM {table.table} WHERE {_whose(table)} RETURNING 1".encode()  # noqa: S608 -- the same
    elif table.action is ErasureAction.UPDATE:
        yield f"UPDATE {table.table} SET {_blanks(table)} WHERE {_whose(table)} RETURNING 1".encode()  # noqa: S608


def _blanks(table: TableErasure) -> str:
    return ", ".join(f"{name} = {_literal(blank)}" for name, blank in table.blanks.items())


def _whose(table: TableErasure) -> str:
    """Return the condition for a person's rows, but for those that the erasure itself writes."""
    assert table.subject is not None  # noqa: S101 -- asked for where it has one
    whose = f"{table.subject.column} = $1::uuid"
    has_event = "event_id" in metadata.tables[table.table].columns
    other = "event_id <> $2::uuid" if has_event else "$2::uuid IS NOT NULL"
    return " AND ".join(filter(None, (whose, other, _EXCEPT.get(table.table))))


def _literal(blank: Blank) -> str:
    match blank.value:
        case None:
            return "NULL"
        case str() as text:
            quoted = text.replace("'", "''").replace("{user_id}", "' || $1::text || '")
            return f"'{quoted}'"
        case value:
            return f"'{json.dumps(value)}'"


STATEMENTS: Final = tuple(_statements())
"""In order: deliveries in hand first, then table by table."""
_WORDS: Final = """
asked_text = NULL, asked_patch = NULL, identity_note = NULL, outcome = NULL,
extension_reason = CASE WHEN extended_at IS NOT NULL THEN '' END,
refusal_text = CASE WHEN refusal_ground IS NOT NULL THEN '' END
"""
# The other requests of the user have lost what they were about; whoever is at one of them finds it changed.
_REQUESTS: Final = f"""
UPDATE privacy_requests SET {_WORDS},
    version = version + CASE WHEN id = $2::uuid THEN 0 ELSE 1 END,
    state = CASE WHEN {OPEN} AND id <> $2::uuid THEN 'CANCELLED' ELSE state END,
    closed_at = CASE WHEN {OPEN} AND id <> $2::uuid THEN $3 ELSE closed_at END
WHERE user_id = $1::uuid RETURNING 1
""".encode()  # noqa: S608 -- made of constants

_UNSENT: Final = b"""
SELECT (SELECT count(*) FROM outbox WHERE aggregateid = $1::uuid AND published_at IS NULL)
     + (SELECT count(*) FROM deliveries WHERE user_id = $1::uuid AND delivered_at IS NULL AND failed_at IS NULL)
"""
_RECEIPTS: Final = b"""
SELECT recipient, delivered_at FROM deliveries
WHERE event_id = $1::uuid AND user_id = $2::uuid AND delivered_at IS NOT NULL
UNION ALL
SELECT 'TOPIC', published_at FROM outbox
WHERE aggregateid = $2::uuid AND event_id = $1::uuid AND published_at IS NOT NULL
"""


async def erase(opened: Session, record: ErasureRecord, at: datetime) -> None:
    """Erase a user in the transaction that is open and has taken them to the erased version."""
    for statement in STATEMENTS:
        await fetch(opened, statement, record.user_id, record.event_id)
    await fetch(opened, _REQUESTS, record.user_id, record.request_id, at)


@frozen
class SqlErasureTraces:
    """Looks at what tells of an erasure and of what came before it."""

    database: Database

    async def unsent(self, user_id: UserId) -> int:
        """Return how many events and deliveries about a user have not gone out yet."""
        if not is_canonical(user_id):
            return 0
        [(count,)] = await self.database.fetch(_UNSENT, user_id)
        return int(count)

    async def receipts(self, user_id: UserId, event_id: EventId) -> dict[Recipient, datetime]:
        """Return who has acknowledged an erasure, and when."""
        rows = await self.database.fetch(_RECEIPTS, event_id, user_id)
        return {Recipient(name): utc(at) for name, at in rows}


if TYPE_CHECKING:

    def _conforms(database: Database) -> ErasureTraces:
        return SqlErasureTraces(database)

"""Messages that nobody could use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row, Session, fetch
from usercore.adapters.sql.mapping import is_canonical, is_storable, utc
from usercore.adapters.sql.records import PLACE, RECORD, WRITTEN, WRITTEN_ARRAYS, MessageBox, place_of
from usercore.kernel.paging import Page
from usercore.kernel.sealing import DataKey
from usercore.messaging.ports import DeadLetters
from usercore.messaging.values import DeadLetter, DeadLetterFilter, DeadLetterLine, DeadLetterState, Settlement

_TYPES: Final = ("uuid[]", *WRITTEN_ARRAYS, "text[]", "text[]", "int[]", "timestamptz[]", "text[]")
# In one order by every writer, so that two that keep the same messages wait for each other in turn.
_ADD: Final = f"""
INSERT INTO dead_letters (id, {WRITTEN}, code, detail, attempts, died_at, state)
SELECT id, {WRITTEN}, code, detail, attempts, died_at, state
FROM unnest({", ".join(f"${number}::{kind}" for number, kind in enumerate(_TYPES, 1))})
    AS l(id, {WRITTEN}, code, detail, attempts, died_at, state)
ORDER BY {PLACE}
ON CONFLICT DO NOTHING RETURNING 1
""".encode()  # noqa: S608 -- made of constants, as everything here
_KEPT: Final = b"""
SELECT d.id::text FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
    WITH ORDINALITY AS asked(topic, message_partition, message_offset, message_timestamp, position)
JOIN dead_letters AS d USING (topic, message_partition, message_offset, message_timestamp)
ORDER BY asked.position
"""
_SETTLED: Final = "settled_at, settled_by, settled_reason"
_GET: Final = f"""
SELECT id::text, code, detail, attempts, died_at, state, {_SETTLED}, {RECORD} FROM dead_letters WHERE id = $1::uuid
""".encode()  # noqa: S608 -- the same
_LINES: Final = f"""
SELECT id::text, code, detail, attempts, died_at, state, {_SETTLED}, {PLACE}, COALESCE(value_bytes, octet_length(value))
FROM dead_letters
"""  # noqa: S608 -- the same
_SETTLE: Final = b"""
UPDATE dead_letters SET state = $2, settled_at = $3, settled_by = $4, settled_reason = $5
WHERE id = $1::uuid AND state = 'WAITING' RETURNING 1
"""
_COUNT: Final = b"SELECT count(*) FROM dead_letters WHERE state = 'WAITING'"


@frozen
class SqlDeadLetters:
    """Keeps messages that nobody could use."""

    database: Database
    box: MessageBox

    async def add(self, letters: Sequence[DeadLetter]) -> Sequence[str]:
        """Keep letters, and return the ids under which their messages are kept."""
        if not letters:
            return []
        ids = [letter.id for letter in letters]
        record = await self.box.columns(ids, [letter.message for letter in letters])

        async def attempt(opened: Session) -> list[Row]:
            await fetch(
                opened,
                _ADD,
                ids,
                *record,
                [letter.code for letter in letters],
                [letter.detail for letter in letters],
                [letter.attempts for letter in letters],
                [letter.died_at for letter in letters],
                [letter.state.value for letter in letters],
            )
            # A statement of its own sees what another transaction, for which the first one waited, has kept.
            return await fetch(opened, _KEPT, *record[:4])

        return [letter_id for (letter_id,) in await self.database.write(attempt)]

    async def get(self, letter_id: str) -> DeadLetter | None:
        """Return one letter, or None."""
        if not is_canonical(letter_id):
            return None
        key = await self.box.key()
        return next((self._letter(key, row) for row in await self.database.fetch(_GET, letter_id)), None)

    async def page(self, wanted: DeadLetterFilter, *, after: str | None, limit: int) -> Page[DeadLetterLine]:
        """Return a page of letters, the oldest first."""
        if not _is_possible(wanted, after):
            return Page(())
        statement, parameters = page_statement(wanted, after, limit + 1)
        rows = await self.database.fetch(statement, *parameters, prepare=False)
        lines = tuple(_line(row) for row in rows[:limit])
        return Page(lines, lines[-1].id if len(rows) > limit else None)

    async def settle(self, letter_id: str, state: DeadLetterState, settlement: Settlement) -> bool:
        """Move a letter that waits to another state; False where it does not wait any more."""
        if not is_canonical(letter_id):
            return False
        terms = (state.value, settlement.at, settlement.by, settlement.reason)
        return bool(await self.database.write(lambda opened: fetch(opened, _SETTLE, letter_id, *terms)))

    async def count_waiting(self) -> int:
        """Return how many letters wait."""
        [(count,)] = await self.database.fetch(_COUNT)
        return int(count)

    def _letter(self, key: DataKey, row: Row) -> DeadLetter:
        letter_id, code, detail, attempts, died_at, state = row[:6]
        return DeadLetter(
            id=letter_id,
            message=self.box.record_of(key, letter_id, row[9:]),
            code=code,
            detail=detail,
            attempts=attempts,
            died_at=utc(died_at),
            state=DeadLetterState(state),
            settlement=_settlement(row[6:9]),
        )


def page_statement(wanted: DeadLetterFilter, after: str | None, limit: int) -> tuple[bytes, Sequence[object]]:
    """Return the statement that lists letters, and its parameters."""
    asked = (("topic =", wanted.topic), ("code =", wanted.code), ("id >", after))
    given = [(condition, value) for condition, value in asked if value is not None]
    conditions = [f"{condition} ${number}" for number, (condition, _) in enumerate(given, 2)]
    if wanted.state is not None:
        # A word of ours, written out: the index over those that wait serves no parameter.
        conditions.append(f"state = '{wanted.state.value}'")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"{_LINES} {where} ORDER BY id LIMIT $1".encode(), (limit, *(value for _, value in given))


def _is_possible(wanted: DeadLetterFilter, after: str | None) -> bool:
    texts = (wanted.topic, wanted.code)
    return all(one is None or is_storable(one) for one in texts) and (after is None or is_canonical(after))


def _line(row: Row) -> DeadLetterLine:
    letter_id, code, detail, attempts, died_at, state = row[:6]
    return DeadLetterLine(
        id=letter_id,
        place=place_of(row[9:13]),
        size=row[13],
        code=code,
        detail=detail,
        attempts=attempts,
        died_at=utc(died_at),
        state=DeadLetterState(state),
        settlement=_settlement(row[6:9]),
    )


def _settlement(row: Row) -> Settlement | None:
    at, by, reason = row
    return None if at is None else Settlement(utc(at), by, reason)


if TYPE_CHECKING:

    def _conforms(database: Database, box: MessageBox) -> DeadLetters:
        return SqlDeadLetters(database, box)

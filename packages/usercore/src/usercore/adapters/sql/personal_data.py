"""Everything that is kept of a person, as the classification says which columns that is."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from attrs import frozen

from usercore.adapters.sql.engine import Database, Row
from usercore.adapters.sql.mapping import is_canonical
from usercore.adapters.sql.tables import metadata
from usercore.codec.personal_data import history_row
from usercore.codec.scalars import timestamp
from usercore.kernel.ids import UserId
from usercore.privacy.classification import TABLES, ClassifiedTable, Exported
from usercore.privacy.export.ports import PersonalDataReader, PersonalRow
from usercore.users.ports import HistoryReader

BATCH_ROWS: Final = 500
_ORDERS: Final[Mapping[str, tuple[str, ...]]] = {
    # The columns of an index behind the person's id; where a table is not named here, those of its primary key.
    "audit_entries": ("sequence",),
    "activity_facts": ("kind", "occurred_at", "event_id"),
    "deliveries": ("seq",),
    "verifications": ("started_at", "id"),
}
_HISTORY: Final = "user_history"


@frozen
class _Statement:
    """How a table is read: the first rows, those behind a row, and where in a row the place of the next ones stands."""

    first: bytes
    behind: bytes
    columns: tuple[str, ...]


@frozen
class SqlPersonalDataReader:
    """Reads a person's rows, table by table."""

    database: Database
    history: HistoryReader
    batch_rows: int = BATCH_ROWS

    async def batches(self, table: str, user_id: UserId) -> AsyncIterator[Sequence[PersonalRow]]:
        """Yield a person's rows of one table, some at a time."""
        if not is_canonical(user_id):
            return
        read = self._history(user_id) if table == _HISTORY else self._rows(_statement(table), user_id)
        async for rows in read:
            yield rows

    async def _rows(self, statement: _Statement, user_id: UserId) -> AsyncIterator[Sequence[PersonalRow]]:
        width = len(statement.columns)
        rows = await self.database.fetch(statement.first, user_id, self.batch_rows)
        while rows:
            yield [_row(statement.columns, row) for row in rows]
            place = rows[-1][width:]
            if len(rows) < self.batch_rows or not place:
                return
            rows = await self.database.fetch(statement.behind, user_id, self.batch_rows, *place)

    async def _history(self, user_id: UserId) -> AsyncIterator[Sequence[PersonalRow]]:
        below: int | None = None
        while entries := await self.history.entries(user_id, below_version=below, limit=self.batch_rows):
            yield [history_row(entry) for entry in entries]
            below = entries[-1].version


@cache
def _statement(name: str) -> _Statement:
    classified = next(table for table in TABLES if table.name == name)
    columns = tuple(column.name for column in classified.columns if isinstance(column.export, Exported))
    order = _order(classified)
    chosen = ", ".join(f't."{column}"' for column in (*columns, *order))
    subject = classified.subject.column if classified.subject else ""
    select = f'SELECT {chosen} FROM "{name}" AS t WHERE t."{subject}" = $1::uuid'  # noqa: S608 -- names of our own tables
    keys = ", ".join(f't."{column}"' for column in order)
    marks = ", ".join(f"${number}" for number in range(3, 3 + len(order)))
    end = (f" ORDER BY {keys}" if order else "") + " LIMIT $2"
    return _Statement(
        first=(select + end).encode(),
        behind=(f"{select} AND ({keys}) > ({marks})" + end).encode(),
        columns=columns,
    )


def _order(classified: ClassifiedTable) -> tuple[str, ...]:
    key = (column.name for column in metadata.tables[classified.name].primary_key)
    subject = classified.subject.column if classified.subject else None
    return _ORDERS.get(classified.name, tuple(name for name in key if name != subject))


def _row(columns: Sequence[str], row: Row) -> dict[str, object]:
    return {name: _value(value) for name, value in zip(columns, row, strict=False)}


def _value(value: Any) -> object:  # noqa: ANN401 -- columns of every type
    render = _RENDERED.get(type(value))
    return value if render is None else render(value)


_RENDERED: Final[Mapping[type, Callable[[Any], object]]] = {
    datetime: lambda at: timestamp(at.astimezone(UTC)),
    date: date.isoformat,
    Decimal: lambda number: format(number, "f"),
    UUID: str,
    bytes: lambda raw: b64encode(raw).decode(),
}


if TYPE_CHECKING:

    def _conforms(database: Database, history: HistoryReader) -> PersonalDataReader:
        return SqlPersonalDataReader(database, history)

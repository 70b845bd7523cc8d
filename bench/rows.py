"""Which rows one change writes, learned by looking, and SQL that writes as many of the same for others.

The floor of a write is a client that sends exactly the rows that the service writes, as plain statements. They are
not listed here by hand: a change is made in an empty database, the tables are compared before and after, and what
names the user in them (ids, a number in the email, a number in the surname) is replaced by an expression of `n`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import psycopg
from attrs import field, frozen
from psycopg.sql import SQL, Identifier

from usercore.adapters.sql.migrating import VERSION_TABLE

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_BY_THE_DATABASE = re.compile(r"nextval\(|pg_current_xact_id|gen_random_uuid")
_BOOKKEEPING = {VERSION_TABLE, "outbox_shards"}
_VERSIONS = {"version", "sequence"}
_UNIQUE_HASHES = {"token_hash"}
"""Hashes of 32 bytes that no two rows may share."""

NUMBER = "777000777000"
"""Stands in the template user's email for the 12 digits that differ."""
SURNAME = "Marlowe8068"
"""The template user's surname; its four digits differ, 1 in 1,000 users has the same."""


@frozen
class Column:
    """One column that a client gives a value for.

    Args:
        name: of the column.
        type: SQL type.
        key: whether it belongs to the primary key.
    """

    name: str
    type: str
    key: bool


@frozen
class Table:
    """One table, with the columns that a client gives values for, and every column of its key."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]


Row = Mapping[str, str | None]
Snapshot = Mapping[Table, Mapping[tuple[str | None, ...], Row]]
"""The rows of each table by primary key, values as PostgreSQL writes them as text."""


async def snapshot(connection: psycopg.AsyncConnection) -> Snapshot:
    """Return every row of every table of ours."""
    return {table: await _rows(connection, table) for table in await _tables(connection)}


async def _tables(connection: psycopg.AsyncConnection) -> list[Table]:
    cursor = await connection.execute(
        """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), coalesce(a.attname = ANY (k.names), false),
               a.attidentity <> '' OR a.attgenerated <> '', coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        CROSS JOIN LATERAL (
            -- Where a table has no key itself, its parts have one.
            SELECT array_agg(ka.attname) AS names FROM pg_constraint AS p
            JOIN pg_attribute AS ka ON ka.attrelid = p.conrelid AND ka.attnum = ANY (p.conkey)
            WHERE p.contype = 'p'
              AND (p.conrelid = c.oid OR p.conrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = c.oid))
        ) AS k
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        ORDER BY c.relname <> 'users', c.relname, a.attnum
        """
    )
    found: dict[str, list[Column]] = {}
    keys: dict[str, list[str]] = {}
    for table, name, sql_type, key, generated, default in await cursor.fetchall():
        columns = found.setdefault(table, [])
        if key:
            keys.setdefault(table, []).append(name)
        if not generated and not _BY_THE_DATABASE.search(default):
            columns.append(Column(name, sql_type, key))
    return [
        Table(name, tuple(columns), tuple(keys.get(name, ())))
        for name, columns in found.items()
        if name not in _BOOKKEEPING
    ]


async def _rows(connection: psycopg.AsyncConnection, table: Table) -> dict[tuple[str | None, ...], Row]:
    names = [column.name for column in table.columns]
    wanted = SQL(", ").join(SQL("{}::text").format(Identifier(name)) for name in (*table.key, *names))
    cursor = await connection.execute(SQL("SELECT {} FROM {}").format(wanted, Identifier(table.name)))
    width = len(table.key)
    return {row[:width]: dict(zip(names, row[width:], strict=True)) for row in await cursor.fetchall()}


@frozen
class WrittenRow:
    """A row that a change inserted, or what it changed in one.

    Args:
        table: which.
        values: column by column, as text.
        updated: whether the row was there before.
    """

    table: Table
    values: Row = field(repr=False)
    updated: bool


def written(before: Snapshot, after: Snapshot) -> tuple[WrittenRow, ...]:
    """Return what differs between two snapshots: the rows that one change wrote."""
    return tuple(row for table in after for row in _written_in(table, before[table], after[table]))


def _written_in(
    table: Table, before: Mapping[tuple[str | None, ...], Row], after: Mapping[tuple[str | None, ...], Row]
) -> Iterator[WrittenRow]:
    for key, row in after.items():
        old = before.get(key)
        if old is None:
            yield WrittenRow(table, row, updated=False)
        elif changed := {name: value for name, value in row.items() if old[name] != value}:
            yield WrittenRow(table, changed, updated=True)


def id_of(n: int) -> str:
    """Return the id of the user of number `n`."""
    return f"01900000-0000-7000-8000-{n:012x}"


def id_sql(n: str, kind: int = 0) -> str:
    """Return SQL for an id.

    Args:
        n: SQL for a number, a bigint.
        kind: 0 for the user of that number, others for what came of the change of that number.
    """
    return f"('01900000-{kind:04x}-7000-8000-' || lpad(to_hex({n}), 12, '0'))"


def quoted(text: str) -> str:
    """Return a literal; pgbench would take a colon before a letter for a variable, so it is escaped."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
    return f"E'{escaped}'"


@frozen
class Spot:
    """SQL for what differs from one change to the next.

    Args:
        n: the user's number, a bigint.
        at: the time.
        version: the version that comes of it.
        step: a number that no other change has, a bigint: names the event and what comes of it.
    """

    n: str
    at: str
    version: str
    step: str


@frozen
class Writer:
    """Writes SQL for the rows of a change, for other users.

    Args:
        rows: what the change wrote.
        user_id: whose change it was.
        at: when it happened, as PostgreSQL writes it as text.
        version: that came of it, as text.
    """

    rows: tuple[WrittenRow, ...]
    user_id: str
    at: str
    version: str

    def statements(self, spot: Spot) -> list[str]:
        """Return a statement for each row."""
        return [self._update(row, spot) if row.updated else self._insert(row, spot) for row in self.rows]

    def from_series(self, first: int, last: int, at: str, tables: Sequence[str]) -> list[str]:
        """Return a statement for each inserted row of some tables that writes it for each of a series of numbers.

        Args:
            first: number of the first user.
            last: number of the last user.
            at: SQL for the time; may use `n`.
            tables: names of the tables.
        """
        spot = Spot("n", at, self.version, step="n")
        series = f" FROM generate_series({first}::bigint, {last}::bigint) AS n"
        return [self._insert(row, spot) + series for row in self.rows if not row.updated and row.table.name in tables]

    def _update(self, row: WrittenRow, spot: Spot) -> str:
        assignments = ", ".join(f'"{name}" = {self._expression(row, name, spot)}' for name in row.values)
        return f'UPDATE "{row.table.name}" SET {assignments} WHERE "{row.table.key[0]}" = {id_sql(spot.n)}::uuid'  # noqa: S608 -- names of the catalogue, values quoted

    def _insert(self, row: WrittenRow, spot: Spot) -> str:
        names = ", ".join(f'"{name}"' for name in row.values)
        values = ", ".join(self._expression(row, name, spot) for name in row.values)
        return f'INSERT INTO "{row.table.name}" ({names}) SELECT {values}'

    def _expression(self, row: WrittenRow, name: str, spot: Spot) -> str:
        """Return SQL for one value: the template's, with what differs replaced."""
        value = row.values[name]
        [column] = [one for one in row.table.columns if one.name == name]
        if value is None:
            found = "NULL"
        elif value == self.at:
            found = spot.at
        elif name in _VERSIONS and value == self.version:
            found = spot.version
        elif name in _UNIQUE_HASHES:
            found = f"sha256(int8send({spot.step}))"
        elif column.type == "bytea" and (text := _decoded(value)) is not None:
            return f"convert_to({self._text(text, spot)}, 'UTF8')"
        else:
            found = self._text(value, spot)
        return f"({found})::{column.type}"

    def _text(self, value: str, spot: Spot) -> str:
        expression = quoted(value)
        for old, new in self._replacements(spot).items():
            if old == value:
                return new
            if old in value:
                expression = f"replace({expression}, {quoted(old)}, {new})"
        return expression

    def _replacements(self, spot: Spot) -> dict[str, str]:
        texts = [value for row in self.rows for value in row.values.values() if value is not None]
        ids = dict.fromkeys([self.user_id, *(found for text in texts for found in _UUID.findall(text))])
        return {
            **{one: id_sql(spot.step if kind else spot.n, kind) for kind, one in enumerate(ids)},
            NUMBER: f"lpad(({spot.n})::text, 12, '0')",
            SURNAME[1:]: f"({quoted(SURNAME[1:-4])} || lpad((({spot.n}) % 1000)::text, 4, '0'))",
        }


def _decoded(value: str) -> str | None:
    try:
        return bytes.fromhex(value.removeprefix("\\x")).decode()
    except UnicodeDecodeError:
        return None

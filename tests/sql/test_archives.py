"""An archive is complete against the schema: whatever a column holds that is classified as exported stands in it."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Uuid,
    create_engine,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from tests.archives import MemorySink
from tests.builders import NOW, SetClock, a_profile, creation, update
from usercore.adapters.sql import Database, SqlPorts
from usercore.adapters.sql.engine import driver_url
from usercore.adapters.sql.personal_data import SqlPersonalDataReader
from usercore.adapters.sql.tables import metadata
from usercore.codec.scalars import timestamp
from usercore.kernel.ids import UserId
from usercore.privacy.classification import COLUMNS, TABLES, ClassifiedColumn, Exported, Shred, Withheld
from usercore.privacy.export.build_archive import BuildArchive
from usercore.privacy.export.values import ArchiveKind

USER = UserId("018f0000-0000-7000-8000-000000000001")
SUBJECTS = {table.name: table.subject for table in TABLES}
SECTIONS = {table.name: table.section for table in TABLES if table.section is not None}
KNOWN = {
    # What is read as a word of the domain's own.
    "users.status_actor_kind": "OPERATOR",
    "users.status_reason": "INACTIVITY",
    "user_history.actor_kind": "SERVICE",
    "user_history.changes": [["attributes", None, {"canary": "canary-user_history.changes"}]],
}


MADE: dict[type, Callable[[str, int], Any]] = {
    Boolean: lambda _, __: True,
    Integer: lambda _, number: 20_000 + number,
    Numeric: lambda _, number: Decimal(f"70{number}.25"),
    DateTime: lambda _, number: NOW + timedelta(days=number),
    Date: lambda _, number: date(1950, 1, 1) + timedelta(days=number),
    Uuid: lambda _, number: str(UUID(int=(7 << 76) + (2 << 62) + number)),
    JSON: lambda key, _: {"canary": f"canary-{key}"},
    ARRAY: lambda key, _: [f"canary-{key}"],
    LargeBinary: lambda key, _: f"canary-{key}".encode(),
    TSVECTOR: lambda _, __: "canary",
}
"""What is planted in columns of other types than text, from the column's name and its number."""


def planted(column: "Column[Any]", number: int) -> Any:
    """Give a value that no other column has, as far as the column's type allows."""
    key = f"{column.table.name}.{column.name}"
    subject = SUBJECTS[column.table.name]
    if subject is not None and subject.column == column.name:
        return USER
    if key in KNOWN:
        return KNOWN[key]
    if isinstance(COLUMNS[key].erasure, Shred):
        # What is sealed is shown under the name of the column that it stands for.
        return None
    made = next((make for kind, make in MADE.items() if isinstance(column.type, kind)), None)
    return made(key, number) if made else _allowed(column.table).get(column.name, f"canary-{key}")


def _allowed(table: Any) -> dict[str, str]:
    """Give for each column with a list of words the first of them."""
    checks = (str(one.sqltext) for one in table.constraints if isinstance(one, CheckConstraint))
    return dict(found for check in checks for found in re.findall(r"(\w+) IN \('([^']+)'", check))


def shown(value: Any) -> str:
    """Give the text by which a planted value is found in JSON."""
    match value:
        case datetime():
            return timestamp(value.astimezone(UTC))
        case date() | Decimal():
            return str(value)
        case dict():
            return str(value["canary"])
        case [[_, _, {"canary": canary}]] | [canary]:
            return str(canary)
        case str():
            return value
    return json.dumps(value)


def rows() -> Iterator[tuple[Table, dict[str, Any]]]:
    """Give a row of the user for each table that has a section, in an order that foreign keys allow."""
    numbers = {key: number for number, key in enumerate(COLUMNS)}
    for table in metadata.sorted_tables:
        if table.name in SECTIONS:
            filled = [column for column in table.columns if column.identity is None]
            yield table, {one.name: planted(one, numbers[f"{table.name}.{one.name}"]) for one in filled}


@pytest.fixture
def build(ports: SqlPorts) -> BuildArchive:
    return BuildArchive(ports.users, ports.personal_data, SetClock())


@pytest.fixture
def planted_rows(migrated_database_url: str) -> dict[str, dict[str, Any]]:
    engine = create_engine(driver_url(migrated_database_url))
    with engine.begin() as connection:
        made = {}
        for table, row in rows():
            connection.execute(table.insert().values(row))
            made[table.name] = row
    engine.dispose()
    return made


@pytest.mark.parametrize("kind", ArchiveKind)
async def test_what_is_planted_in_every_exported_column_stands_in_the_archive(
    build: BuildArchive, planted_rows: dict[str, dict[str, Any]], kind: ArchiveKind
) -> None:
    sink = MemorySink()
    await build(USER, kind, sink)

    missing = [
        column.key
        for column in COLUMNS.values()
        if _is_told(column, kind) and not _stands(sink, column, planted_rows[column.table][column.name])
    ]
    assert missing == []


def _is_told(column: ClassifiedColumn, kind: ArchiveKind) -> bool:
    export = column.export
    return isinstance(export, Exported) and (export.portable or kind is ArchiveKind.ACCESS)


def _stands(sink: MemorySink, column: ClassifiedColumn, value: Any) -> bool:
    [record] = sink.records(str(SECTIONS[column.table]))
    assert isinstance(column.export, Exported)
    told: Any = record
    for part in column.export.name.split("."):
        told = told[part]
    assert shown(value) in json.dumps(told, ensure_ascii=False)
    [line] = sink.table(str(SECTIONS[column.table]))
    return bool(line[column.export.name])


async def test_what_is_withheld_stands_in_no_archive(
    build: BuildArchive, planted_rows: dict[str, dict[str, Any]]
) -> None:
    sink = MemorySink()
    await build(USER, ArchiveKind.ACCESS, sink)

    archive = sink.opened()
    whole = "".join(archive.read(name).decode() for name in archive.namelist() if name != "manifest.json")
    secrets = [
        column.key
        for column in COLUMNS.values()
        if isinstance(column.export, Withheld) and f"canary-{column.key}" in str(planted_rows.get(column.table))
    ]
    assert "deliveries.secret" in secrets
    assert [key for key in secrets if f"canary-{key}" in whole] == []


async def test_a_long_life_is_told_whole_in_small_batches(database: Database, ports: SqlPorts) -> None:
    """Keyset pages of every table join without a gap and without a repetition."""
    changes = [creation(a_profile())]
    for number in range(24):
        changes.append(update(changes[-1].user, first_name=f"Grace {number}"))
    assert list(await ports.writer.commit(changes)) == [None] * 25
    user_id = changes[0].user.id
    reader = SqlPersonalDataReader(database, ports.history, batch_rows=7)

    for table, count in {"users": 1, "user_history": 25, "audit_entries": 25, "deliveries": 27}.items():
        batches = [batch async for batch in reader.batches(table, user_id)]
        events = [(row.get("event_id"), row.get("recipient")) for batch in batches for row in batch]
        assert max(map(len, batches)) <= 7
        assert len(events) == len(set(events)) == count, table

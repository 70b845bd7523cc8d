"""What one change wrote becomes SQL that writes the same rows for any other user."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from bench.rows import NUMBER, SURNAME, Spot, Writer, id_of, id_sql, quoted, snapshot, written

USER = "01890a5d-ac96-774b-bcce-b302099a8057"
EVENT = "01890a5d-ac97-7e0b-8f1c-3c9d1e1f2a3b"
AT = "2026-01-02 03:04:05.678901+00"

TABLES = """
CREATE TABLE users (id uuid PRIMARY KEY, version bigint, email text UNIQUE, last_name text, words tsvector,
                    at timestamptz);
CREATE TABLE events (place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id uuid UNIQUE, user_id uuid,
                     sequence bigint, payload json, raw bytea);
"""


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as opened:
        await opened.execute("SET timezone = 'UTC'")
        await opened.execute(TABLES)
        yield opened


async def created(connection: psycopg.AsyncConnection) -> Writer:
    before = await snapshot(connection)
    email, payload = f"u{NUMBER}@example.com", f'{{"userId":"{USER}","open":true,"it\'s":"{NUMBER}"}}'
    await connection.execute(
        "INSERT INTO users VALUES (%s, 1, %s, %s, array_to_tsvector(%s), %s)",
        (USER, email, SURNAME, [SURNAME.lower(), "ada"], AT),
    )
    await connection.execute(
        "INSERT INTO events (id, user_id, sequence, payload, raw) VALUES (%s, %s, 1, %s, %s)",
        (EVENT, USER, payload, payload.encode()),
    )
    return Writer(written(before, await snapshot(connection)), USER, AT, "1")


async def test_a_creation_is_written_again_for_another_user(connection: psycopg.AsyncConnection) -> None:
    writer = await created(connection)
    for statement in writer.statements(Spot("42", "timestamptz '2026-05-05 00:00:00+00'", "7", step="43")):
        await connection.execute(statement.encode())
    cursor = await connection.execute(
        "SELECT id::text, version, email, last_name, words::text, at::text FROM users WHERE id <> %s", (USER,)
    )
    assert await cursor.fetchall() == [
        (
            "01900000-0000-7000-8000-00000000002a",
            7,
            "u000000000042@example.com",
            "Marlowe0042",
            "'ada' 'marlowe0042'",
            "2026-05-05 00:00:00+00",
        )
    ]
    cursor = await connection.execute(
        "SELECT id::text, user_id::text, sequence, payload->>'userId', payload->>'it''s', convert_from(raw, 'UTF8'),"
        " payload::text FROM events WHERE id <> %s",
        (EVENT,),
    )
    [(event, user, sequence, named, number, raw, payload)] = await cursor.fetchall()
    assert event == "01900000-0001-7000-8000-00000000002b"
    assert user == named == id_of(42)
    assert (sequence, number, raw) == (7, "000000000042", payload)


async def test_a_series_writes_each_row_for_each_user_in_the_tables_named(connection: psycopg.AsyncConnection) -> None:
    writer = await created(connection)
    for statement in writer.from_series(1, 30, "now()", ["users"]):
        await connection.execute(statement.encode())
    cursor = await connection.execute("SELECT count(*), count(DISTINCT email) FROM users")
    assert await cursor.fetchone() == (31, 31)
    cursor = await connection.execute("SELECT count(*) FROM events")
    assert await cursor.fetchone() == (1,)


async def test_an_update_changes_only_what_was_changed(connection: psycopg.AsyncConnection) -> None:
    writer = await created(connection)
    for statement in writer.from_series(1, 2, "now()", ["users"]):
        await connection.execute(statement.encode())
    before = await snapshot(connection)
    await connection.execute("UPDATE users SET version = 2, last_name = 'Byron' WHERE id = %s", (USER,))
    update = Writer(written(before, await snapshot(connection)), USER, AT, "2")
    [statement] = update.statements(Spot("2", "now()", "9", step="3"))
    await connection.execute(statement.encode())
    cursor = await connection.execute("SELECT last_name, version FROM users WHERE id <> %s ORDER BY id", (USER,))
    assert await cursor.fetchall() == [("Marlowe0001", 1), ("Byron", 9)]


async def test_the_database_makes_the_ids_that_python_names(connection: psycopg.AsyncConnection) -> None:
    cursor = await connection.execute(f"SELECT {id_sql('12345678901')}".encode())
    assert await cursor.fetchone() == (id_of(12_345_678_901),)


async def test_a_quoted_text_is_itself_again_and_shows_no_colon(connection: psycopg.AsyncConnection) -> None:
    text = """it's {"a":true,"at":"12:30"} \\ :n"""
    assert ":" not in quoted(text)
    cursor = await connection.execute(f"SELECT {quoted(text)}".encode())
    assert await cursor.fetchone() == (text,)

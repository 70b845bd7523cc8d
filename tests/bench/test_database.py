"""What is measured is a database as a service has it."""

import psycopg

from bench.database import fill

TRIGGERS = "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"


def triggers(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(TRIGGERS).fetchall()


async def test_a_filled_database_has_every_trigger_of_a_service(postgres_url: str, migrated_database_url: str) -> None:
    filled = await fill(postgres_url, 5)
    try:
        found = triggers(filled.url)
    finally:
        await filled.drop()

    assert found == triggers(migrated_database_url)
    assert found

"""The fixtures give every test a database of its own on servers that answer."""

import psycopg
import pytest
from redis.asyncio import Redis

from tests.databases import fresh_database


@pytest.mark.parametrize("turn", ["first", "second"])
async def test_each_test_has_an_empty_database(turn: str, database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("CREATE TABLE only_here (text text)")


def test_the_database_is_dropped_even_with_connections_left_open(postgres_url: str) -> None:
    with fresh_database(postgres_url) as url:
        left_open = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    left_open.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


async def test_the_redis_protocol_server_answers(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        assert await redis.ping()

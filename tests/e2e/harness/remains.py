"""What is kept anywhere: every row, a dump, and the cache."""

import subprocess
from pathlib import Path

from redis.asyncio import Redis

from tests.e2e.harness.copies import World
from tests.e2e.harness.rows import rows
from user_cli.embedded.account import Account
from user_cli.embedded.programs import postgres_programs
from usercore.privacy.classification import TABLES


async def all_rows(database_url: str) -> str:
    """Give every row of every table as text."""
    found = []
    for table in TABLES:
        for (row,) in await rows(database_url, f"SELECT t::text FROM {table.name} AS t"):
            found.append(f"{table.name}: {row}".replace("\n", " "))
    return "\n".join(found)


def dumped(database_url: str, folder: Path) -> str:
    """Give a plain dump of a database."""
    program = postgres_programs(Account(), folder) / "pg_dump"
    return subprocess.run([program, database_url], check=True, capture_output=True).stdout.decode()


async def cached(world: World) -> str:
    """Give every key and value of the world's part of the cache, in the clear and in hexadecimal."""
    assert world.redis_url is not None
    lines = []
    async with Redis.from_url(world.redis_url) as redis:
        async for key in redis.scan_iter(match=f"*{world.namespace}*"):
            value = await redis.dump(key) or b""
            lines.append(f"{key!r} {value!r} {value.hex()}")
    return "\n".join(lines)
